-- Billing credits of customers, each change of what is left of them, and what lines of invoices take of them.
create table credit_grants (
    tenant               text        not null default current_setting('billow.tenant'),
    id                   text        primary key,
    created              timestamptz not null,
    amount               jsonb       not null,
    applicability_config jsonb       not null,
    category             text        not null check (category in ('paid', 'promotional')),
    customer             text        not null references customers,
    effective_at         timestamptz not null,
    expires_at           timestamptz,
    metadata             jsonb       not null,
    name                 text,
    priority             bigint      not null check (priority between 0 and 100),
    test_clock           text,
    updated              timestamptz not null,
    voided_at            timestamptz,
    balance              bigint      not null check (balance >= 0)
);
create index credit_grants_by_created on credit_grants (tenant, created desc, id desc);
create index credit_grants_by_customer on credit_grants (customer, created desc, id desc);

create table credit_balance_transactions (
    tenant       text        not null default current_setting('billow.tenant'),
    id           text        primary key,
    created      timestamptz not null,
    credit       jsonb,
    credit_grant text        not null references credit_grants,
    debit        jsonb,
    effective_at timestamptz not null,
    test_clock   text,
    type         text        not null check (type in ('credit', 'debit')),
    customer     text        not null references customers,
    invoice      text        references invoices,
    invoice_line text,
    amount       bigint      not null check (amount <> 0)
);
create index credit_balance_transactions_by_created on credit_balance_transactions (tenant, created desc, id desc);
create index credit_balance_transactions_by_customer on credit_balance_transactions (customer, created desc, id desc);
create index credit_balance_transactions_by_grant on credit_balance_transactions (credit_grant, created desc, id desc);
create index credit_balance_transactions_by_invoice on credit_balance_transactions (invoice) where invoice is not null;

alter table credit_grants enable row level security;
alter table credit_grants force row level security;
create policy one_tenant on credit_grants using (tenant = current_setting('billow.tenant', true));
alter table credit_balance_transactions enable row level security;
alter table credit_balance_transactions force row level security;
create policy one_tenant on credit_balance_transactions using (tenant = current_setting('billow.tenant', true));

alter table invoices add column applied_credits jsonb not null default '[]';
alter table invoice_lines add column applied_credits jsonb not null default '[]';
