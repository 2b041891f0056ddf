-- From which number on the series of a customer's invoices has no gap: where a person has set the next number or the
-- prefix last. Series that have a gap already are taken to be meant so.
alter table customers add column numbered_from bigint not null default 1 check (numbered_from > 0);
alter table customers no force row level security;
alter table invoices no force row level security;
update customers c set numbered_from = c.next_invoice_sequence
    where c.next_invoice_sequence - 1 <> (select count(*) from invoices i where i.customer = c.id and i.status <> 'draft'
    and i.number ~ ('^' || c.invoice_prefix || '-[0-9]+$'));
alter table customers force row level security;
alter table invoices force row level security;
