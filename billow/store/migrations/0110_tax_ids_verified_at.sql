-- When a register or the table of test numbers had a tax number: decisions on VAT name the day they rest on.
alter table tax_ids add column verified_at timestamptz;
