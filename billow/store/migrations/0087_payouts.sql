-- Payouts: what gateways pay out of their balances to the bank.
create table payouts (
    tenant                      text        not null default current_setting('billow.tenant'),
    id                          text        primary key,
    created                     timestamptz not null,
    amount                      bigint      not null check (amount <> 0),
    arrival_date                timestamptz not null,
    automatic                   boolean     not null,
    balance_transaction         text,
    bank_entry                  text,
    currency                    text        not null,
    description                 text,
    destination                 text,
    failure_balance_transaction text,
    failure_code                text,
    failure_message             text,
    gateway                     text        not null,
    metadata                    jsonb       not null,
    method                      text        not null check (method in ('instant', 'standard')),
    original_payout             text,
    reconciliation_status       text        not null
        check (reconciliation_status in ('completed', 'in_progress', 'not_applicable')),
    reference                   text,
    reversed_by                 text,
    source_type                 text        not null,
    statement_descriptor        text,
    status                      text        not null
        check (status in ('canceled', 'failed', 'in_transit', 'paid', 'pending'))
);
create index payouts_by_created on payouts (tenant, created desc, id desc);
create unique index payouts_by_reference on payouts (tenant, gateway, reference);

alter table payouts enable row level security;
alter table payouts force row level security;
create policy one_tenant on payouts using (tenant = current_setting('billow.tenant', true));

-- The payout that a movement is of, or that pays it out.
alter table balance_transactions add column payout text;
create index balance_transactions_by_payout on balance_transactions (payout) where payout is not null;
alter table balance_transactions drop constraint balance_transactions_type_check;
alter table balance_transactions add constraint balance_transactions_type_check check (type in ('adjustment', 'application_fee',
        'application_fee_refund', 'charge', 'payment', 'payment_failure_refund', 'payment_refund', 'payout',
        'payout_cancel', 'payout_failure', 'refund', 'refund_failure', 'stripe_fee', 'transfer', 'transfer_refund'));
