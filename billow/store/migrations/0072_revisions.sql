-- Invoices that revise others, and what has revised them.
alter table invoices
    add column from_invoice jsonb,
    add column latest_revision text;
