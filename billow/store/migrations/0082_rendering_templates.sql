-- How the papers of invoices look: each version of a template, of which the last one is the newest. A version never
-- changes, so an invoice that names one keeps its looks.
create table invoice_rendering_templates (
    tenant   text        not null default current_setting('billow.tenant'),
    id       text        primary key,
    created  timestamptz not null,
    metadata jsonb       not null default '{}',
    nickname text,
    status   text        not null default 'active' check (status in ('active', 'archived')),
    version  bigint      not null default 1,
    versions jsonb       not null default '[]' check (jsonb_array_length(versions) = version)
);
create index invoice_rendering_templates_by_created on invoice_rendering_templates (tenant, created desc, id desc);
alter table invoice_rendering_templates enable row level security;
alter table invoice_rendering_templates force row level security;
create policy one_tenant on invoice_rendering_templates using (tenant = current_setting('billow.tenant', true));
