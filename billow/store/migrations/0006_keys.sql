-- Restricted keys, names of keys, and what became of a request that died.
alter table api_keys
    alter column tenant set default current_setting('billow.tenant'),
    add column name text,
    add column permissions jsonb not null default '{}',
    drop constraint api_keys_kind_check,
    add constraint api_keys_kind_check check (kind in ('secret', 'restricted', 'publishable')),
    add constraint api_keys_check check ((kind = 'restricted') or (permissions = '{}'));

alter table api_keys enable row level security;
alter table api_keys force row level security;
create policy one_tenant on api_keys
    using (coalesce(current_setting('billow.tenant', true), '') in ('', tenant));

alter table attempts add column request text;
create index attempts_by_request on attempts (request) where request is not null;
