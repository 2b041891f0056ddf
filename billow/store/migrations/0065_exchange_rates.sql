-- The tax of invoices in the currency of the seller's tax office, and the rates by which it is converted.
alter table invoices add column national_tax jsonb;

-- How many units of a currency a euro buys, as published for a day.
create table exchange_rates (
    tenant   text    not null default current_setting('billow.tenant'),
    currency text    not null,
    valid_on date    not null,
    rate     numeric not null check (rate > 0),
    primary key (tenant, currency, valid_on)
);

alter table exchange_rates enable row level security;
alter table exchange_rates force row level security;
create policy one_tenant on exchange_rates using (tenant = current_setting('billow.tenant', true));
