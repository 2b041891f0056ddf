-- What a payment gives to a connected account and to its platform, and the platform of an account.
alter table accounts add column platform text;  -- the account that has connected this one
alter table connected_accounts no force row level security;
update accounts a set platform = split_part(c.tenant, '/', 1) from connected_accounts c where c.id = a.id;
alter table connected_accounts force row level security;

alter table charges
    add column application_fee        text,
    add column application_fee_amount bigint,
    add column on_behalf_of           text,
    add column source_transfer        text,
    add column transfer               text,
    add column transfer_data          jsonb;

alter table refunds
    add column refund_application_fee boolean not null default false,
    add column reverse_transfer       boolean not null default false,
    add column transfer_reversal      text;

alter table transfer_reversals add column source_refund text;

alter table balance_transactions drop constraint balance_transactions_type_check;
alter table balance_transactions add constraint balance_transactions_type_check
    check (type in ('adjustment', 'application_fee', 'application_fee_refund', 'charge', 'payment',
        'payment_failure_refund', 'payment_refund', 'refund', 'refund_failure', 'stripe_fee', 'transfer',
        'transfer_refund'));

create table application_fees (
    tenant                  text        not null default current_setting('billow.tenant'),
    id                      text        primary key,
    created                 timestamptz not null,
    account                 text        not null,
    amount                  bigint      not null check (amount > 0),
    amount_refunded         bigint      not null check (amount_refunded between 0 and amount),
    balance_transaction     text,
    charge                  text        not null,
    currency                text        not null,
    originating_transaction text,
    refunded                boolean     not null
);
create index application_fees_by_created on application_fees (tenant, created desc, id desc);
create index application_fees_by_charge on application_fees (charge);
create index application_fees_by_origin on application_fees (originating_transaction);
alter table application_fees enable row level security;
alter table application_fees force row level security;
create policy one_tenant on application_fees using (tenant = current_setting('billow.tenant', true));

create table fee_refunds (
    tenant              text        not null default current_setting('billow.tenant'),
    id                  text        primary key,
    created             timestamptz not null,
    amount              bigint      not null check (amount > 0),
    balance_transaction text,
    currency            text        not null,
    fee                 text        not null references application_fees,
    metadata            jsonb       not null
);
create index fee_refunds_by_fee on fee_refunds (fee, created desc, id desc);
alter table fee_refunds enable row level security;
alter table fee_refunds force row level security;
create policy one_tenant on fee_refunds using (tenant = current_setting('billow.tenant', true));
