-- The rest of the catalog: coupons and their codes, tax and shipping rates, tax codes, plans, entitlements.
-- Callers may choose the id of a plan, and a plan is a price: so prices are keyed by tenant and id.
alter table subscription_items drop constraint subscription_items_price_fkey;
alter table prices drop constraint prices_pkey;
alter table prices add primary key (tenant, id);
alter table subscription_items add foreign key (tenant, price) references prices (tenant, id);
create index on subscription_items (tenant, price);

-- Recurring prices in their old clothes: what /v1/plans reads. It is written as a price.
create view plans with (security_invoker = true) as
select tenant, id, created, active, unit_amount as amount, unit_amount_decimal as amount_decimal, billing_scheme, currency,
    recurring->>'interval' as interval, (recurring->>'interval_count')::bigint as interval_count, metadata,
    recurring->>'meter' as meter, nickname, product, tiers, tiers_mode, transform_quantity as transform_usage,
    (recurring->>'trial_period_days')::bigint as trial_period_days, recurring->>'usage_type' as usage_type
from prices where type = 'recurring' and not inline;

-- What is taken off. Callers may choose the id, so it is unique in its tenant only. A coupon that was redeemed is kept
-- when it is deleted, since the discounts made from it go on.
create table coupons (
    tenant             text        not null default current_setting('billow.tenant'),
    id                 text        not null,
    created            timestamptz not null,
    amount_off         bigint      check (amount_off > 0),
    applies_to         jsonb,
    currency           text,
    currency_options   jsonb       not null default '{}',
    duration           text        not null check (duration in ('forever', 'once', 'repeating')),
    duration_in_months bigint      check (duration_in_months > 0),
    max_redemptions    bigint      check (max_redemptions > 0),
    metadata           jsonb       not null default '{}',
    name               text,
    percent_off        numeric     check (percent_off > 0 and percent_off <= 100),
    redeem_by          timestamptz,
    times_redeemed     bigint      not null default 0 check (times_redeemed >= 0),
    deleted            boolean     not null default false,
    primary key (tenant, id),
    check (num_nonnulls(amount_off, percent_off) = 1),
    check ((amount_off is null) = (currency is null)),
    check ((duration = 'repeating') = (duration_in_months is not null)),
    check (times_redeemed <= max_redemptions)
);
create index coupons_by_created on coupons (tenant, created desc, id desc);

-- What customers type in to get a coupon. Among active codes of the same scope (one customer, or all) each is unique.
create table promotion_codes (
    tenant          text        not null default current_setting('billow.tenant'),
    id              text        primary key,
    created         timestamptz not null,
    active          boolean     not null default true,
    code            text        not null,
    coupon          text        not null,
    customer        text        references customers,
    expires_at      timestamptz,
    lowered         text        not null,  -- the code in small letters, by which it is found
    max_redemptions bigint      check (max_redemptions > 0),
    metadata        jsonb       not null default '{}',
    promotion       jsonb       not null,
    restrictions    jsonb       not null,
    times_redeemed  bigint      not null default 0 check (times_redeemed >= 0),
    check (times_redeemed <= max_redemptions)
);
create index promotion_codes_by_created on promotion_codes (tenant, created desc, id desc);
create index promotion_codes_by_coupon on promotion_codes (tenant, coupon, created desc, id desc);
create unique index promotion_codes_code on promotion_codes (tenant, lowered, coalesce(customer, '')) where active;
create index promotion_codes_by_code on promotion_codes (tenant, lowered);

-- Taxes that are set by hand. The percentage and whether it is inclusive never change.
create table tax_rates (
    tenant       text        not null default current_setting('billow.tenant'),
    id           text        primary key,
    created      timestamptz not null,
    active       boolean     not null default true,
    country      text,
    description  text,
    display_name text        not null,
    inclusive    boolean     not null,
    jurisdiction text,
    metadata     jsonb       not null default '{}',
    percentage   numeric     not null check (percentage between 0 and 100),
    state        text,
    tax_type     text
);
create index tax_rates_by_created on tax_rates (tenant, created desc, id desc);

-- What it costs to have something sent.
create table shipping_rates (
    tenant            text        not null default current_setting('billow.tenant'),
    id                text        primary key,
    created           timestamptz not null,
    active            boolean     not null default true,
    delivery_estimate jsonb,
    display_name      text        not null,
    fixed_amount      jsonb       not null,
    metadata          jsonb       not null default '{}',
    tax_behavior      text        not null check (tax_behavior in ('exclusive', 'inclusive', 'unspecified')),
    tax_code          text,
    type              text        not null check (type in ('fixed_amount'))
);
create index shipping_rates_by_created on shipping_rates (tenant, created desc, id desc);

-- What a product lets its customers do. The lookup key is how a program asks for it, and never changes.
create table features (
    tenant     text        not null default current_setting('billow.tenant'),
    id         text        primary key,
    created    timestamptz not null,
    active     boolean     not null default true,
    lookup_key text        not null,
    metadata   jsonb       not null default '{}',
    name       text        not null,
    constraint features_lookup_key unique (tenant, lookup_key)
);
create index features_by_created on features (tenant, created desc, id desc);

-- Which product has which feature.
create table product_features (
    tenant              text        not null default current_setting('billow.tenant'),
    id                  text        primary key,
    created             timestamptz not null,
    entitlement_feature text        not null references features,
    product             text        not null,
    unique (tenant, product, entitlement_feature),
    foreign key (tenant, product) references products (tenant, id) on delete cascade
);
create index product_features_by_product on product_features (tenant, product, created desc, id desc);
create index product_features_by_feature on product_features (entitlement_feature);

-- What kinds of things taxes tell apart: our own list and words, the same for every tenant.
create view tax_codes as
select current_setting('billow.tenant', true) as tenant, id, timestamptz '2026-01-01 00:00:00+00' as created,
    description, name
from (values
    ('txcd_00000000', 'Not taxable', 'What no tax is due on anywhere, such as a deposit or a fee set by law.'),
    ('txcd_10000000', 'Digital services, general',
        'Services that are delivered over a network with little human work; for what has no closer code.'),
    ('txcd_10010001', 'Web hosting', 'Space and computing on which a customer''s website is served to the public.'),
    ('txcd_10020001', 'Domain names', 'Registration, renewal and transfer of internet domain names.'),
    ('txcd_10030001', 'Content delivery', 'Copies of a customer''s files, served from places near those who ask.'),
    ('txcd_10040001', 'Object and block storage', 'Storage of data over a network, charged by volume and time.'),
    ('txcd_10040002', 'Backup and archive storage',
        'Storage of copies that are kept against loss, and their recovery.'),
    ('txcd_10050001', 'Managed databases', 'Databases that are run, patched and backed up for the customer.'),
    ('txcd_10060001', 'Data transfer', 'Traffic between networks, charged by volume.'),
    ('txcd_10070001', 'Serverless functions',
        'Programs of the customer that run on request, charged by calls and time.'),
    ('txcd_10080001', 'Machine learning inference',
        'Answers of a model that is run for the customer, charged by tokens, calls or time.'),
    ('txcd_10080002', 'Machine learning training', 'Computing that makes or adapts a model for the customer.'),
    ('txcd_10080003', 'GPU computing', 'Accelerated machines by the hour or second.'),
    ('txcd_10090001', 'Programming interfaces', 'Access to functions or data over an interface, charged by calls.'),
    ('txcd_10101000', 'Infrastructure as a service, personal',
        'Virtual machines, networks and storage for private use.'),
    ('txcd_10101001', 'Infrastructure as a service, business',
        'Virtual machines, networks and storage for use in a business.'),
    ('txcd_10102000', 'Platform as a service, personal', 'A place where software is built and run, for private use.'),
    ('txcd_10102001', 'Platform as a service, business',
        'A place where software is built and run, for use in a business.'),
    ('txcd_10103000', 'Software as a service, personal',
        'Software that is used over a network and not handed over, for private use.'),
    ('txcd_10103001', 'Software as a service, business',
        'Software that is used over a network and not handed over, for use in a business.'),
    ('txcd_10103100', 'Software as a service with download, personal',
        'Software used over a network that comes with a part to install, for private use.'),
    ('txcd_10103101', 'Software as a service with download, business',
        'Software used over a network that comes with a part to install, for use in a business.'),
    ('txcd_10104001', 'Monitoring and logging', 'Metrics, logs and traces that are collected, kept and shown.'),
    ('txcd_10104002', 'Security services, automated',
        'Scanning, filtering and certificates that are delivered over a network.'),
    ('txcd_10105001', 'Messaging and mail delivery',
        'Sending of mail, text messages and notifications on behalf of the customer.'),
    ('txcd_10201000', 'Games, downloaded', 'Computer games that are downloaded, with a right to use them for ever.'),
    ('txcd_10202000', 'Software, downloaded, personal',
        'Programs that are downloaded as they are offered to everybody, for private use.'),
    ('txcd_10202003', 'Software, downloaded, business',
        'Programs that are downloaded as they are offered to everybody, for use in a business.'),
    ('txcd_10203000', 'Software, made to order', 'Programs that are written for one customer and downloaded.'),
    ('txcd_10204000', 'Software maintenance', 'The right to new versions and corrections of a program.'),
    ('txcd_10301000', 'Music and sound, downloaded',
        'Recordings of sound that are downloaded, with a right to hear them for ever.'),
    ('txcd_10302000', 'Books, downloaded', 'Books as files, with a right to read them for ever.'),
    ('txcd_10304000', 'Images and documents, downloaded', 'Pictures, fonts, templates and reports as files.'),
    ('txcd_10401000', 'Video, streamed',
        'Films and series that are watched over a network while the subscription lasts.'),
    ('txcd_10402000', 'Music, streamed', 'Sound that is heard over a network while the subscription lasts.'),
    ('txcd_10501000', 'News and magazines, electronic', 'Periodicals that are read over a network.'),
    ('txcd_10601000', 'Data and information services', 'Access to collections of facts, prices or reports.'),
    ('txcd_10701000', 'Advertising, electronic', 'Space for and delivery of advertisements over a network.'),
    ('txcd_20030000', 'Services, general', 'Work done by people; for what has no closer code.'),
    ('txcd_20040001', 'Consulting', 'Advice by people on technical or business questions.'),
    ('txcd_20040002', 'Set-up and installation', 'Work that brings a product into use, charged for itself.'),
    ('txcd_20040003', 'Technical support', 'Help by people with the use of a product.'),
    ('txcd_20040004', 'Training, live', 'Courses held by people, in a room or over a network.'),
    ('txcd_20040005', 'Training, recorded', 'Courses that are recorded and watched on demand.'),
    ('txcd_20040006', 'Professional services, programming', 'Work of programmers that is charged by time.'),
    ('txcd_20050001', 'Data processing', 'Work on data that the customer supplies: conversion, cleaning, reports.'),
    ('txcd_20060001', 'Telephone and voice', 'Calls and numbers over public networks.'),
    ('txcd_20060002', 'Internet access', 'The connection to the network itself.'),
    ('txcd_30010001', 'Gift cards', 'Vouchers that can be spent later; tax is due when they are.'),
    ('txcd_92010001', 'Shipping', 'What is charged for sending goods.'),
    ('txcd_92020001', 'Handling', 'What is charged for packing and preparing goods.'),
    ('txcd_99999999', 'Goods, general', 'Things that can be touched; for what has no closer code.')
) as codes (id, name, description);

-- What each customer may do now: the features of the products of the subscriptions that run. It is derived, so it is
-- never behind; the id is made from customer and feature, so that it stays the same.
create view active_entitlements with (security_invoker = true) as
select s.tenant, 'ent_' || substr(md5(s.customer || ' ' || f.id), 1, 24) as id, min(s.created) as created, s.customer,
    f.id as feature, f.lookup_key
from subscriptions s
join subscription_items i on i.subscription = s.id
join prices p on p.tenant = s.tenant and p.id = i.price
join product_features pf on pf.tenant = s.tenant and pf.product = p.product
join features f on f.id = pf.entitlement_feature
where s.told and s.status in ('active', 'past_due', 'trialing')
group by s.tenant, s.customer, f.id, f.lookup_key;

do $$
declare
    name text;
begin
    foreach name in array array['coupons', 'promotion_codes', 'tax_rates', 'shipping_rates', 'features', 'product_features']
    loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy one_tenant on %I using (tenant = current_setting(''billow.tenant'', true))', name);
    end loop;
end $$;
