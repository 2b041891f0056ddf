-- Which refund of a cash balance an entry of a statement is the transfer of, or brings back; and the type of payment method
-- that a refund goes back to.
alter table bank_entries add column refund text references refunds;
create index bank_entries_by_refund on bank_entries (refund) where refund is not null;
alter table refunds add column method_type text;

alter table bank_entries no force row level security;
alter table charges no force row level security;
alter table refunds no force row level security;
update bank_entries e set refund = r.id from refunds r where r.bank_entry = e.id;
update bank_entries e set refund = o.refund from bank_entries o where o.reversed_by = e.id and o.refund is not null;
update bank_entries e set refund = r.id from refunds r
    where e.rule = 'refund' and e.refund is null and r.charge is null and r.tenant = e.tenant and r.currency = e.currency
        and r.amount = abs(e.amount)
        and position(r.id in replace(concat_ws(' ', e.end_to_end, e.structured, e.text), 're-', 're_')) > 0;
update refunds r set method_type = c.payment_method_details ->> 'type' from charges c where c.id = r.charge;
alter table bank_entries force row level security;
alter table charges force row level security;
alter table refunds force row level security;
