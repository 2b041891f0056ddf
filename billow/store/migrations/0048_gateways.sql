-- The gateways of an account, and which holds a payment method. The secrets are those of the gateway's API and of
-- its notices; like those of webhook endpoints they are read by this account's transactions only.
create table gateways (
    tenant         text        not null default current_setting('billow.tenant'),
    name           text        not null,
    created        timestamptz not null,
    kind           text        not null,
    position       bigint      not null,
    currencies     text[]      not null,
    types          text[]      not null,
    active         boolean     not null default true,
    address        text,
    secret         text        not null,
    signing_secret text        not null,
    primary key (tenant, name)
);
alter table gateways enable row level security;
alter table gateways force row level security;
create policy one_tenant on gateways using (tenant = current_setting('billow.tenant', true));

alter table payment_methods add column gateway text;
