-- Files that are uploaded, their bytes, and links to them.

-- What was uploaded. Its bytes are in a table of their own, so that lists need not read past them.
create table files (
    tenant     text        not null default current_setting('billow.tenant'),
    id         text        primary key,
    created    timestamptz not null,
    expires_at timestamptz,
    filename   text,
    purpose    text        not null,
    sha256     text        not null,
    size       bigint      not null check (size >= 0),
    type       text,
    url        text
);
create index files_by_created on files (tenant, created desc, id desc);

-- The bytes of files, until they expire. Pictures and papers are compressed already.
create table file_contents (
    tenant text  not null default current_setting('billow.tenant'),
    file   text  primary key references files,
    body   bytea not null
);
alter table file_contents alter column body set storage external;

-- Addresses at which anybody can fetch a file: the url ends in a secret.
create table file_links (
    tenant     text        not null default current_setting('billow.tenant'),
    id         text        primary key,
    created    timestamptz not null,
    expires_at timestamptz,
    file       text        not null references files,
    metadata   jsonb       not null default '{}',
    url        text        not null
);
create index file_links_by_created on file_links (tenant, created desc, id desc);
create index file_links_by_file on file_links (tenant, file, created desc, id desc);

do $$
declare
    name text;
begin
    foreach name in array array['files', 'file_contents', 'file_links']
    loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy one_tenant on %I using (tenant = current_setting(''billow.tenant'', true))', name);
    end loop;
end $$;
