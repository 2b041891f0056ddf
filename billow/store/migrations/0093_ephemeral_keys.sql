-- Keys to one customer for an hour. Like other keys they are looked up before their tenant is known.
create table ephemeral_keys (
    tenant   text        not null default current_setting('billow.tenant'),
    id       text        primary key,
    created  timestamptz not null,
    customer text        not null references customers on delete cascade,
    digest   text        not null unique,
    expires  timestamptz not null,
    hint     text        not null,
    version  text        not null
);
create index on ephemeral_keys (expires);
create index on ephemeral_keys (customer);
alter table ephemeral_keys enable row level security;
alter table ephemeral_keys force row level security;
create policy one_tenant on ephemeral_keys
    using (coalesce(current_setting('billow.tenant', true), '') in ('', tenant));
