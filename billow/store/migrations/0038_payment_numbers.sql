-- The digits of the reference by which a bank transfer names an invoice.
alter table invoices add column payment_number text;
create unique index invoices_by_payment_number on invoices (tenant, payment_number) where payment_number is not null;
