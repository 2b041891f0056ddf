-- What changed balances, tax numbers, refunds; charges and attempts that need no intent.
-- Every change of a customer's balance, and what it was right after. Only what is noted on one ever changes.
create table customer_balance_transactions (
    tenant         text        not null default current_setting('billow.tenant'),
    id             text        primary key,
    created        timestamptz not null,
    amount         bigint      not null,  -- negative: credit for the customer
    credit_note    text,
    currency       text        not null,
    customer       text        not null,
    description    text,
    ending_balance bigint      not null,
    invoice        text,
    metadata       jsonb       not null default '{}',
    type           text        not null
);
create index on customer_balance_transactions (tenant, customer, created desc, id desc);

-- Tax numbers of customers; without a customer they are our own.
create table tax_ids (
    tenant       text        not null default current_setting('billow.tenant'),
    id           text        primary key,
    created      timestamptz not null,
    country      text,
    customer     text,
    type         text        not null,
    value        text        not null,
    verification jsonb
);
create index on tax_ids (tenant, created desc, id desc);
create index on tax_ids (customer);

-- Money given back. `told` is false until the gateway's first word, when its creation is told.
create table refunds (
    tenant              text        not null default current_setting('billow.tenant'),
    id                  text        primary key,
    created             timestamptz not null,
    amount              bigint      not null,
    balance_transaction text,
    charge              text        not null,
    currency            text        not null,
    customer            text,
    failure_reason      text,
    metadata            jsonb       not null default '{}',
    payment_intent      text,
    payment_method      text,
    pending_reason      text,
    reason              text,
    status              text        not null
        check (status in ('canceled', 'failed', 'pending', 'requires_action', 'succeeded')),
    told                boolean     not null,
    check (amount > 0)
);
create index on refunds (tenant, created desc, id desc);
create index on refunds (charge);
create index on refunds (payment_intent);


do $$
declare
    name text;
begin
    foreach name in array array['customer_balance_transactions', 'tax_ids', 'refunds'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy one_tenant on %I using (tenant = current_setting(''billow.tenant'', true))', name);
    end loop;
end $$;

alter table customers add column tax jsonb not null default
    '{"automatic_tax": "not_collecting", "ip_address": null, "location": null, "provider": "stripe"}';
alter table invoices add column customer_tax_ids jsonb not null default '[]';

alter table attempts
    add column kind text not null default 'charge' check (kind in ('charge', 'capture', 'refund')),
    add column charge text,
    add column refund text,
    add column capture boolean not null default true,
    alter column payment_intent drop not null,
    alter column customer drop not null,
    alter column payment_method drop not null,
    add check ((refund is not null) = (kind = 'refund')),
    add check (num_nonnulls(payment_intent, charge) = 1);
create unique index on attempts (charge, kind) where state = 'processing' and kind <> 'refund';
create index on attempts (charge);

alter table charges
    add column fraud_details jsonb not null default '{}',
    add column receipt_email text,
    add column shipping jsonb,
    add column source jsonb,
    add column statement_descriptor text,
    add column statement_descriptor_suffix text,
    add column transfer_group text,
    add column reference text;

alter table balance_transactions drop column status;
