-- Reports that were asked for through the API, with the file that answers.
create table report_runs (
    tenant       text        not null default current_setting('billow.tenant'),
    id           text        primary key,
    created      timestamptz not null,
    error        text,
    parameters   jsonb       not null default '{}',
    report_type  text        not null,
    result       text        references files,
    status       text        not null check (status in ('failed', 'pending', 'succeeded')),
    succeeded_at timestamptz,
    check ((status = 'succeeded') = (succeeded_at is not null)),
    check ((status = 'failed') = (error is not null))
);
create index report_runs_by_created on report_runs (tenant, created desc, id desc);
create index on report_runs (result);
alter table report_runs enable row level security;
alter table report_runs force row level security;
create policy one_tenant on report_runs using (tenant = current_setting('billow.tenant', true));
