-- The people behind connected accounts, and since when an account asks for each of its capabilities.
alter table connected_accounts add column requested_at jsonb not null default '{}';
create table persons (
    tenant                     text        not null default current_setting('billow.tenant'),
    id                         text        primary key,
    created                    timestamptz not null,
    account                    text        not null references connected_accounts on delete cascade,
    additional_tos_acceptances jsonb       not null,
    address                    jsonb       not null,
    dob                        jsonb       not null,
    email                      text,
    first_name                 text,
    full_name_aliases          jsonb       not null,
    gender                     text,
    last_name                  text,
    maiden_name                text,
    metadata                   jsonb       not null,
    nationality                text,
    phone                      text,
    political_exposure         text,
    registered_address         jsonb       not null,
    relationship               jsonb       not null
);
create index persons_by_account on persons (account, created desc, id desc);
alter table persons enable row level security;
alter table persons force row level security;
create policy one_tenant on persons using (tenant = current_setting('billow.tenant', true));
