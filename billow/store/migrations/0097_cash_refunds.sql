-- A refund of what a customer has transferred, and that pays nothing: it has no charge, and leaves by a transfer.
alter table refunds
    alter column charge drop not null,
    add column bank_entry text,
    add column next_action jsonb,
    add column reference text,
    add column send_to text,
    add constraint refunds_from_check check (charge is not null or customer is not null);
create index refunds_by_customer on refunds (customer) where charge is null;
alter table bank_applications
    add column refund text references refunds,
    drop constraint bank_applications_kind_check,
    add constraint bank_applications_kind_check check (kind in ('balance', 'intent', 'invoice', 'refund', 'rounding')),
    add constraint bank_applications_refund_check check ((kind = 'refund') = (refund is not null));
create index bank_applications_by_refund on bank_applications (refund) where refund is not null;
