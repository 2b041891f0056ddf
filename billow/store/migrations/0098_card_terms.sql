-- What a payment by card is made with, once: as an order by mail, authenticated elsewhere, with a code, in installments.
alter table payment_intents add column card_terms jsonb;
alter table setup_intents add column card_terms jsonb;
alter table attempts add column card_terms jsonb;
-- The plan of installments that an invoice is paid by, if the card has it.
alter table invoices add column installment_plan jsonb;
-- A token of a security code that was typed again: it holds no card, and nowhere the code.
alter table tokens
    alter column card drop not null,
    add column type text not null default 'card' check (type in ('card', 'cvc_update')),
    add constraint tokens_card_check check ((type = 'card') = (card is not null));
