-- Which invoice item an item of a revision takes the place of: what it bills moves when the revision is finalized.
alter table invoice_items add column revises text;
