-- Prepaid wallets of customers: credits that are bought with invoices of their own, also by themselves.
create table wallets (
    tenant               text        not null default current_setting('billow.tenant'),
    id                   text        primary key,
    created              timestamptz not null,
    applicability_config jsonb       not null,
    automatic_tax        jsonb       not null,
    currency             text        not null,
    customer             text        not null references customers,
    default_tax_rates    jsonb       not null,
    expires_after        bigint      check (expires_after > 0),
    latest_invoice       text,
    metadata             jsonb       not null,
    name                 text,
    status               text        not null check (status in ('active', 'closed')),
    test_clock           text,
    top_up               jsonb,
    updated              timestamptz not null,
    watched              boolean     not null,
    check (not watched or (status = 'active' and top_up is not null))
);
create index wallets_by_created on wallets (tenant, created desc, id desc);
create index wallets_by_customer on wallets (customer, created desc, id desc);
create index wallets_watched on wallets (tenant, customer) where watched;

alter table wallets enable row level security;
alter table wallets force row level security;
create policy one_tenant on wallets using (tenant = current_setting('billow.tenant', true));

-- The invoice of a top-up, and the grant that was bought with it.
alter table invoices add column wallet text references wallets;
alter table invoices add column top_up text check (top_up in ('automatic', 'requested'));
create index invoices_by_wallet on invoices (wallet, created) where wallet is not null;
alter table credit_grants add column wallet text references wallets;
alter table credit_grants add column bought_with text references invoices;
create index credit_grants_by_wallet on credit_grants (wallet) where wallet is not null;
create index credit_grants_by_bought_with on credit_grants (bought_with) where bought_with is not null;
alter table invoice_lines drop constraint invoice_lines_kind_check;
alter table invoice_lines add constraint invoice_lines_kind_check
    check (kind in ('licensed', 'metered', 'trial', 'item', 'prepaid'));
