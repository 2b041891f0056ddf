-- Intents paid from the cash that a customer has transferred, and how transfers of a customer are matched.
alter table bank_applications add payment_intent text,
    drop constraint bank_applications_kind_check,
    add constraint bank_applications_kind_check check (kind in ('balance', 'intent', 'invoice', 'rounding')),
    add check ((kind = 'intent') = (payment_intent is not null));
create index bank_applications_by_intent on bank_applications (payment_intent) where payment_intent is not null;
alter table customers add cash_balance jsonb;
