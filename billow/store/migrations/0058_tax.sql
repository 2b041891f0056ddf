-- Tax that is decided for each invoice: settings, registrations, tables of rates, certificates, decisions.
alter table tax_rates add column jurisdiction_level text;
alter table tax_rates add column rate_type text;
alter table tax_rates add column treatment text;
alter table tax_rates add column mention text;
alter table invoices add column automatic_tax jsonb not null default '{"disabled_reason": null, "enabled": false, "liability": null, "provider": null, "status": null}';
alter table invoices add column tax_decision jsonb;
alter table subscriptions add column automatic_tax jsonb not null default '{"disabled_reason": null, "enabled": false, "liability": null}';
alter table quotes add column automatic_tax jsonb not null default '{"enabled": false, "liability": null, "provider": null, "status": null}';
alter table payment_links add column automatic_tax jsonb not null default '{"enabled": false, "liability": null}';
alter table checkout_sessions add column automatic_tax jsonb not null default '{"enabled": false, "liability": null, "provider": null, "status": null}';
alter table invoice_items add column tax_behavior text;
alter table invoice_items add column tax_code text;
alter table invoice_lines add column tax_behavior text;
alter table invoice_lines add column tax_code text;

-- Where the seller is for tax, and what holds for prices and products that do not say.
create table tax_settings (
    tenant       text  primary key default current_setting('billow.tenant'),
    head_office  jsonb,
    tax_behavior text  check (tax_behavior in ('exclusive', 'inclusive', 'inferred_by_currency')),
    tax_code     text,
    rounding     text  check (rounding in ('invoice', 'line')),  -- null: per invoice for sellers in the EU
    small_enterprise boolean not null default false
);

-- The tax offices that the seller is registered with, and from when to when.
create table tax_registrations (
    tenant          text        not null default current_setting('billow.tenant'),
    id              text        primary key,
    created         timestamptz not null,
    active_from     timestamptz not null,
    country         text        not null,
    country_options jsonb       not null,
    expires_at      timestamptz
);
create index tax_registrations_by_created on tax_registrations (tenant, created desc, id desc);

-- The rates of jurisdictions that the account has loaded (providers/taxes/table.py).
create table tax_table (
    tenant      text    not null default current_setting('billow.tenant'),
    country     text    not null,
    level       text    not null,
    name        text    not null,
    percentage  numeric not null check (percentage between 0 and 100),
    valid_from  date    not null,
    valid_to    date,
    state       text    not null,
    county      text    not null,
    city        text    not null,
    district    text    not null,
    postal_code text    not null,
    tax_type    text    not null,
    tax_code    text    not null,
    source      text    not null
);
create index tax_table_by_place on tax_table (tenant, country, state);

-- The certificates by which customers are exempt of tax in a state.
create table tax_certificates (
    tenant     text        not null default current_setting('billow.tenant'),
    created    timestamptz not null,
    customer   text        not null references customers,
    country    text        not null,
    state      text,
    number     text        not null,
    expires_on date,
    primary key (tenant, customer, country, number)
);

alter table tax_settings enable row level security;
alter table tax_settings force row level security;
create policy one_tenant on tax_settings using (tenant = current_setting('billow.tenant', true));

alter table tax_registrations enable row level security;
alter table tax_registrations force row level security;
create policy one_tenant on tax_registrations using (tenant = current_setting('billow.tenant', true));

alter table tax_table enable row level security;
alter table tax_table force row level security;
create policy one_tenant on tax_table using (tenant = current_setting('billow.tenant', true));

alter table tax_certificates enable row level security;
alter table tax_certificates force row level security;
create policy one_tenant on tax_certificates using (tenant = current_setting('billow.tenant', true));
