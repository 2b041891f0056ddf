-- The bank accounts to which connected accounts are paid out; of their numbers only the end is kept.
create table external_accounts (
    tenant               text        not null default current_setting('billow.tenant'),
    id                   text        primary key,
    created              timestamptz not null,
    account              text        not null,
    account_holder_name  text,
    account_holder_type  text,
    account_type         text,
    bank_name            text,
    country              text        not null,
    currency             text        not null,
    default_for_currency boolean     not null,
    fingerprint          text,
    last4                text        not null,
    metadata             jsonb       not null,
    routing_number       text
);
create index external_accounts_by_account on external_accounts (account, created desc, id desc);
alter table external_accounts enable row level security;
alter table external_accounts force row level security;
create policy one_tenant on external_accounts using (tenant = current_setting('billow.tenant', true));
