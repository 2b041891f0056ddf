-- What items of subscriptions cost at first, for how long, and what they cost from then on.
create table trial_offers (
    tenant       text        not null default current_setting('billow.tenant'),
    id           text        primary key,
    created      timestamptz not null,
    active       boolean     not null default true,
    duration     jsonb       not null,
    end_behavior jsonb       not null,
    nickname     text,
    price        text        not null,
    foreign key (tenant, price) references prices (tenant, id)
);
create index trial_offers_by_created on trial_offers (tenant, created desc, id desc);
create index trial_offers_by_price on trial_offers (tenant, price);

alter table subscription_items add column current_trial jsonb;

alter table trial_offers enable row level security;
alter table trial_offers force row level security;
create policy one_tenant on trial_offers using (tenant = current_setting('billow.tenant', true));
