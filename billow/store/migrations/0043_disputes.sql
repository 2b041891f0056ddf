-- Disputes and fraud warnings, refunds that fail afterwards, and which gateway holds what.

alter table attempts add column gateway text;
alter table charges add column gateway text;
alter table charges add column dispute text;
alter table charges add column disputed boolean not null default false;
alter table charges add column failure_balance_transaction text;
create index charges_by_reference on charges (reference) where reference is not null;

alter table refunds add column failure_balance_transaction text;
alter table refunds add column instructions_email text;

alter table balance_transactions add column exchange_rate numeric;
alter table balance_transactions drop constraint balance_transactions_type_check;
alter table balance_transactions add constraint balance_transactions_type_check
    check (type in ('adjustment', 'charge', 'payment', 'payment_refund', 'refund', 'refund_failure', 'stripe_fee',
        'transfer', 'transfer_refund'));

create table disputes (
    tenant                 text        not null default current_setting('billow.tenant'),
    id                     text        primary key,
    created                timestamptz not null,
    amount                 bigint      not null,
    balance_transactions   jsonb       not null,
    charge                 text        not null,
    currency               text        not null,
    evidence               jsonb       not null,
    is_charge_refundable   boolean     not null,
    metadata               jsonb       not null,
    network_reason_code    text,
    payment_intent         text,
    payment_method_details jsonb,
    reason                 text        not null,
    status                 text        not null
        check (status in ('lost', 'needs_response', 'prevented', 'under_review', 'warning_closed',
            'warning_needs_response', 'warning_under_review', 'won')),
    due_by                 timestamptz,
    gateway                text        not null,
    movements              jsonb       not null,
    reference              text        not null,
    submission_count       bigint      not null,
    check (amount > 0)
);
create index disputes_by_created on disputes (tenant, created desc, id desc);
create index disputes_by_charge on disputes (charge);
create unique index disputes_by_reference on disputes (tenant, gateway, reference);
alter table disputes enable row level security;
alter table disputes force row level security;
create policy one_tenant on disputes using (tenant = current_setting('billow.tenant', true));

create table early_fraud_warnings (
    tenant         text        not null default current_setting('billow.tenant'),
    id             text        primary key,
    created        timestamptz not null,
    actionable     boolean     not null,
    charge         text        not null,
    fraud_type     text        not null,
    payment_intent text,
    gateway        text        not null,
    reference      text        not null
);
create index early_fraud_warnings_by_created on early_fraud_warnings (tenant, created desc, id desc);
create unique index early_fraud_warnings_by_reference on early_fraud_warnings (tenant, gateway, reference);
alter table early_fraud_warnings enable row level security;
alter table early_fraud_warnings force row level security;
create policy one_tenant on early_fraud_warnings using (tenant = current_setting('billow.tenant', true));
