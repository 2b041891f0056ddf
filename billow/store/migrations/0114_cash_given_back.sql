-- Refunds of intents that were paid from a cash balance give the cash back to it.
alter table bank_applications
    drop constraint bank_applications_kind_check,
    add constraint bank_applications_kind_check
        check (kind in ('balance', 'given_back', 'intent', 'invoice', 'refund', 'rounding')),
    drop constraint bank_applications_refund_check,
    add constraint bank_applications_refund_check check ((kind in ('given_back', 'refund')) = (refund is not null));
alter table cash_balance_transactions add column refunded_from_payment jsonb;
