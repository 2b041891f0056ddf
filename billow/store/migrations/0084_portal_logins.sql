-- Links to the billing portal that were asked for by mail. The link itself is not stored: it is sealed with the
-- installation's secret. Requests for addresses of nobody are noted as well, and counted alike.
create table portal_logins (
    tenant        text        not null default current_setting('billow.tenant'),
    id            text        primary key,
    created       timestamptz not null,
    configuration text        not null references portal_configurations,
    customers     jsonb       not null,
    email         text        not null,
    origin        text        not null,
    session       text        references portal_sessions,
    expires_at    timestamptz not null,
    used_at       timestamptz
);
create index portal_logins_by_email on portal_logins (tenant, email, created);
create index portal_logins_by_origin on portal_logins (tenant, origin, created);
create index portal_logins_by_created on portal_logins (tenant, created);

alter table portal_logins enable row level security;
alter table portal_logins force row level security;
create policy one_tenant on portal_logins using (tenant = current_setting('billow.tenant', true));
