-- The websites on which an account shows wallets.
create table payment_method_domains (
    tenant      text        not null default current_setting('billow.tenant'),
    id          text        primary key,
    created     timestamptz not null,
    domain_name text        not null,
    enabled     boolean     not null,
    "real"      boolean     not null
);
create unique index on payment_method_domains (tenant, domain_name);
create index on payment_method_domains (tenant, created desc, id desc);
alter table payment_method_domains enable row level security;
alter table payment_method_domains force row level security;
create policy one_tenant on payment_method_domains using (tenant = current_setting('billow.tenant', true));
