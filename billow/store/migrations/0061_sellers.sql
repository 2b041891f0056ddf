-- What an account says of itself as a seller: in both modes, since it is one company.
alter table accounts add column business_profile jsonb not null default '{}';
alter table accounts add column company jsonb not null default '{}';
alter table accounts add column settings jsonb not null default '{}';
alter table accounts add column seller jsonb not null default '{}';
alter table accounts add column logo bytea;

-- The seller as invoices were issued by: the same content is kept once.
create table seller_versions (
    tenant  text  not null default current_setting('billow.tenant'),
    id      text  not null,  -- the hash of what follows
    content jsonb not null,
    logo    bytea,
    primary key (tenant, id)
);
alter table seller_versions enable row level security;
alter table seller_versions force row level security;
create policy one_tenant on seller_versions using (tenant = current_setting('billow.tenant', true));

alter table invoices add column seller_version text;

-- How far each series of numbers has come that all customers of an account and mode share.
create table number_series (
    tenant  text        not null default current_setting('billow.tenant'),
    id      text        not null,  -- its numbers without the number: ACME-2026-{number:04}
    kind    text        not null,  -- what it numbers: invoice
    created timestamptz not null,
    next    bigint      not null,
    primary key (tenant, id)
);
alter table number_series enable row level security;
alter table number_series force row level security;
create policy one_tenant on number_series using (tenant = current_setting('billow.tenant', true));

-- Accounts that are there already go on numbering as they did, wherever they are.
update accounts set seller = '{"numbers": {"scheme": "customer"}}';
