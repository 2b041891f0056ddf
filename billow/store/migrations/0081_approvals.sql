-- Money acts of operators that wait for a second person.
alter table accounts add column approval_limit bigint;

create table approvals (
    tenant     text        not null default current_setting('billow.tenant'),
    id         text        primary key,
    created    timestamptz not null,
    act        text        not null,
    about      text        not null,
    terms      jsonb       not null,
    amount     bigint      not null,
    currency   text        not null,
    asked_by   text        not null references operators,
    status     text        not null default 'waiting',
    decided_by text        references operators,
    decided_at timestamptz,
    problem    text
);
create index approvals_by_created on approvals (tenant, created desc, id desc);
create unique index approvals_waiting on approvals (tenant, act, about) where status = 'waiting';

alter table approvals enable row level security;
alter table approvals force row level security;
create policy one_tenant on approvals using (tenant = current_setting('billow.tenant', true));
