-- What was given back of a payment that was made elsewhere corrects its part of the tax, as a refund does.
alter table refund_taxes
    alter column refund drop not null,
    add column payment_record text references payment_records,
    add constraint refund_taxes_refunded_check check (num_nonnulls(refund, payment_record) = 1);
