-- Reasons of the seller's own, from which customers choose when they cancel.
create table feedback_options (
    tenant             text        not null default current_setting('billow.tenant'),
    id                 text        primary key,
    created            timestamptz not null,
    description        text        not null,
    status             text        not null check (status in ('active', 'inactive')),
    status_transitions jsonb       not null
);
create index feedback_options_by_created on feedback_options (tenant, created desc, id desc);

alter table feedback_options enable row level security;
alter table feedback_options force row level security;
create policy one_tenant on feedback_options using (tenant = current_setting('billow.tenant', true));
