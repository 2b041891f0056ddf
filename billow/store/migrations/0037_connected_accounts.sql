-- The accounts of businesses for which a platform bills. What each of them bills is in its own tenant.
create table connected_accounts (
    tenant            text        not null default current_setting('billow.tenant'),
    id                text        primary key,
    created           timestamptz not null,
    business_profile  jsonb       not null,
    business_type     text,
    capabilities      jsonb       not null,
    charges_enabled   boolean     not null,
    company           jsonb,
    controller        jsonb       not null,
    country           text        not null,
    default_currency  text        not null,
    details_submitted boolean     not null,
    email             text,
    individual        jsonb,
    metadata          jsonb       not null,
    settings          jsonb       not null,
    tos_acceptance    jsonb       not null,
    type              text        not null,
    rejected          text
);
create index connected_accounts_by_created on connected_accounts (tenant, created desc, id desc);
alter table connected_accounts enable row level security;
alter table connected_accounts force row level security;
create policy one_tenant on connected_accounts using (tenant = current_setting('billow.tenant', true));
