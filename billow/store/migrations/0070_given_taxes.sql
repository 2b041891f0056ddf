-- Lines whose taxes the caller has calculated, in place of any rates.
alter table invoice_lines add column tax_amounts jsonb not null default '[]';
