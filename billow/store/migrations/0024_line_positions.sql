-- The first lines of an invoice, and the place of its next one, are found without reading the others. The tenant comes
-- first, since row level security asks for it: else the planner reads all lines and sorts them.
create index on invoice_lines (tenant, invoice, position, id);
