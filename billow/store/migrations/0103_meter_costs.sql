-- What a unit of a meter costs the seller, in minor units of a currency, from a day on until the next such row.
create table meter_costs (
    tenant   text    not null default current_setting('billow.tenant'),
    meter    text    not null references meters on delete cascade,
    since    date    not null,
    currency text    not null,
    cost     numeric not null check (cost >= 0),
    primary key (tenant, meter, since)
);
create index on meter_costs (meter);
alter table meter_costs enable row level security;
alter table meter_costs force row level security;
create policy one_tenant on meter_costs using (tenant = current_setting('billow.tenant', true));
