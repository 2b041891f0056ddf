-- The whole database of billow. It is applied by the numbered migrations; a test holds the two together, and every
-- table of a resource together with its declaration in resources/.
--
-- A tenant is an account and a mode ('acct_1/test'). It is bound when a transaction begins, fills the column `tenant` by
-- itself, and row level security shows and takes nothing else: no query needs to say it, none can forget it.
-- Amounts are bigint in minor units, rates and quantities are numeric, instants are timestamptz in UTC. No default and no
-- query asks the database what time it is.
--
-- A table whose rows are changed soon after they are written, or each month, has a fillfactor of 50: a page has room for
-- both versions of each row, so that the change of a column without an index writes no index again.

-- ----------------------------------------------------------------------------------------- the installation

-- Whose billing this is. One installation may serve several accounts; they never meet.
create table accounts (
    id               text        primary key,
    name             text,
    country          text        not null default 'US',
    default_currency text        not null default 'usd',
    created          timestamptz not null,
    upcoming_days    integer     not null default 7 check (upcoming_days between 0 and 45),
    will_be_due_days integer     not null default 3 check (will_be_due_days between 0 and 45),
    api_version      text        not null default '2026-10-28.endive',  -- of requests that name none, and of events
    platform         text,  -- the account that has connected this one
    may_charge       boolean     not null default true,  -- false while the holder of a connected one has to say more
    business_profile jsonb       not null default '{}',
    company          jsonb       not null default '{}',
    settings         jsonb       not null default '{}',
    seller           jsonb       not null default '{}',  -- what papers say besides (flows/outside/seller.py)
    logo             bytea,
    books            jsonb       not null default '{}',  -- its chart of accounts and fiscal year (flows/outside/books.py)
    approval_limit   bigint  -- above it operators need a second person (flows/approvals); null: never
);
create index accounts_by_platform on accounts (platform) where platform is not null;

-- Who may ask. Only a keyed hash of a key is kept, and a hint to tell keys apart. A key is looked up before its tenant is
-- known, so who has bound none sees all of them: the policy stands at the end.
create table api_keys (
    tenant       text        not null default current_setting('billow.tenant'),
    id           text        primary key,
    created      timestamptz not null,
    name         text,
    kind         text        not null check (kind in ('secret', 'restricted', 'publishable')),
    permissions  jsonb       not null default '{}',
    digest       text        not null unique,
    hint         text        not null,
    expires_at   timestamptz,
    last_used_at timestamptz,
    check ((kind = 'restricted') or (permissions = '{}'))
);
create index api_keys_by_tenant on api_keys (tenant, created);

-- What was answered to a request, so that the same request hears the same again. No status: still in progress.
create table idempotency_keys (
    tenant      text        not null default current_setting('billow.tenant'),
    key         text        not null,
    fingerprint text        not null,
    request     text        not null,
    status      bigint,
    body        bytea,
    created     timestamptz not null,
    primary key (tenant, key),
    check ((status is null) = (body is null))
);
create index idempotency_keys_by_age on idempotency_keys (tenant, created);

-- What is due, and when: one timer per kind and thing. `clock` is 'wall', or the test clock that it belongs to.
-- Workers look across tenants, so row level security does not bind this table; each statement names its tenant.
create table jobs (
    tenant text        not null,
    clock  text        not null,
    kind   text        not null,
    ref    text        not null,
    run_at timestamptz not null,
    tries  bigint      not null default 0,
    error  text,
    parked boolean     not null default false,
    waiting_since timestamptz,  -- since when it asks an outside that does not answer; such asking is no failed try
    starts bigint      not null default 0,  -- how often it was begun by a worker that did not come back (store/starts.py)
    primary key (tenant, kind, ref)
);
create index jobs_due on jobs (clock, kind, run_at, tenant, ref) where not parked;  -- in the order they are run
create index jobs_stuck on jobs (kind) where parked or waiting_since is not null;

-- One row, gone after a crash of the server as all that is unlogged: tells one life of the server from the next, since
-- a crash gives the numbers of lost transactions to others. Read by store/commit.py.
create unlogged table crash_markers (
    place  bigint primary key default 1 check (place = 1),
    marker text   not null
);

-- What happened, as it was emitted: `data` is kept as text, since an event never changes. Written by store/outbox.py.
create table events (
    tenant           text        not null default current_setting('billow.tenant'),
    id               text        primary key,
    created          timestamptz not null,
    api_version      text        not null,
    data             bytea       not null,        -- JSON that the program packs (store/packed.py)
    pending_webhooks bigint      not null default 0,
    request          jsonb       not null,
    type             text        not null,
    related          text,
    written_at          timestamptz not null,  -- by the wall's clock, where `created` may be a test clock's
    sequence         bigint                 -- without gaps; given soon after the commit, by store/sequence.py
);
create index events_by_created on events (tenant, created desc, id desc);
create index events_by_type on events (tenant, type, created desc, id desc);
create index events_by_related on events (tenant, related, created desc);
create unique index events_by_sequence on events (tenant, sequence) where sequence is not null;
create index events_unnumbered on events (tenant, id) where sequence is null;

-- The number of the newest event. Whoever numbers events holds this row, so that they are numbered by one at a time.
create table event_counters (
    tenant text   primary key default current_setting('billow.tenant'),
    last   bigint not null
);

-- Who wants to hear of it.
create table webhook_endpoints (
    tenant         text        not null default current_setting('billow.tenant'),
    id             text        primary key,
    created        timestamptz not null,
    api_version    text,                          -- null: that of the account
    connect        boolean     not null default false,  -- hears of connected accounts, and not of its own
    description    text,
    enabled_events jsonb       not null,
    metadata       jsonb       not null default '{}',
    status         text        not null check (status in ('disabled', 'enabled')),
    url            text        not null,
    secret         text        not null,
    former_secret  text,                          -- signs as well, until it expires
    former_until   timestamptz,
    check ((former_secret is null) = (former_until is null))
);
create index webhook_endpoints_by_created on webhook_endpoints (tenant, created desc, id desc);

-- The same in the words of v2: snapshots, or thin events that only name what changed.
create table event_destinations (
    tenant          text        not null default current_setting('billow.tenant'),
    id              text        primary key,
    created         timestamptz not null,
    description     text        not null default '',
    disabled_reason text,
    enabled_events  jsonb       not null,
    event_payload   text        not null check (event_payload in ('snapshot', 'thin')),
    events_from     jsonb       not null default '["@self"]',
    metadata        jsonb       not null default '{}',
    name            text        not null,
    secret          text        not null,
    snapshot_api_version text,                     -- null: that of the account, or thin events
    updated         timestamptz not null,
    url             text        not null
);
create index event_destinations_by_created on event_destinations (tenant, created desc, id desc);

-- What is to be sent to whom, and how it went: one row for an event and a receiver, written with the event.
create table webhook_deliveries (
    tenant          text        not null default current_setting('billow.tenant'),
    id              text        primary key,
    created         timestamptz not null,
    attempts        bigint      not null default 0,
    error           text,
    event           text        not null,
    last_attempt_at timestamptz,
    next_attempt_at timestamptz,
    receiver        text        not null,          -- a webhook endpoint or an event destination
    response_status bigint,
    status          text        not null check (status in ('failed', 'pending', 'succeeded')),
    unique (event, receiver),
    check ((status = 'pending') = (next_attempt_at is not null))
);
create index webhook_deliveries_by_receiver on webhook_deliveries (tenant, receiver, created desc, id desc);
create index webhook_deliveries_waiting on webhook_deliveries (receiver) where status = 'pending';

-- What is to be sent, once its event has a number: who numbers adds to it, and only the receiver's deliverer deletes
-- from it, so that nobody who writes an event waits for who delivers one. Deliverers look across tenants: who has bound
-- none sees all of them, by the policy at the end.
create table webhook_queue (
    tenant   text        not null default current_setting('billow.tenant'),
    delivery text        primary key,
    receiver text        not null,
    due_at   timestamptz not null,
    sequence bigint      not null,
    written_at  timestamptz                           -- of the event; empty where an older version has queued it
);
create index webhook_queue_due on webhook_queue (receiver, due_at, sequence);

-- What API requests asked, without secrets, and how they were answered: for those who look for a fault in
-- their own program. Written apart from the requests themselves, and deleted after thirty days.
create table api_requests (
    tenant          text        not null default current_setting('billow.tenant'),
    id              text        primary key,
    created         timestamptz not null,
    method          text        not null,
    address         text        not null,       -- the path, without its query
    status          bigint      not null,
    error           jsonb,                        -- the error object that was answered
    about           text,                         -- the object that was answered
    key             text,                         -- the API key, by its id
    api_version     text,
    idempotency_key text,
    user_agent      text,
    sent            jsonb,                        -- the parameters without secrets; null where they were too long
    milliseconds    bigint      not null
);
create index api_requests_by_created on api_requests (tenant, created desc, id desc);
create index api_requests_by_about on api_requests (tenant, about, created desc) where about is not null;

-- How a receiver does: `busy_until` while a deliverer has it, `slow` when it was slow or failed the last time.
create table webhook_receivers (
    tenant     text    not null default current_setting('billow.tenant'),
    id         text    primary key,
    busy_until timestamptz,
    slow       boolean not null default false,
    failing_since timestamptz,
    warned_at  timestamptz
);

-- Clocks that can be moved. `frozen_time` is the time of whatever belongs to the customers on it.
create table test_clocks (
    tenant         text        not null default current_setting('billow.tenant'),
    id             text        primary key,
    created        timestamptz not null,
    deletes_after  timestamptz not null,
    frozen_time    timestamptz not null,
    name           text,
    status         text        not null check (status in ('advancing', 'internal_failure', 'ready')),
    status_details jsonb       not null default '{}'
);
create index test_clocks_by_created on test_clocks (tenant, created desc, id desc);

-- ----------------------------------------------------------------------------------------- who pays

-- Who pays. The row is locked before anything that belongs to the customer. A deleted customer stays, for its invoices.
create table customers (
    tenant                text        not null default current_setting('billow.tenant'),
    id                    text        primary key,
    created               timestamptz not null,
    address               jsonb,
    balance               bigint      not null default 0,  -- negative: we owe the customer
    business_name         text,
    currency              text,
    default_source        text,
    delinquent            boolean     not null default false,
    description           text,
    discount              text,
    email                 text,
    individual_name       text,
    invoice_prefix        text        not null,
    invoice_settings      jsonb       not null,
    metadata              jsonb       not null default '{}',
    name                  text,
    next_invoice_sequence bigint      not null default 1 check (next_invoice_sequence > 0),
    numbered_from         bigint      not null default 1 check (numbered_from > 0),  -- from here on without a gap
    page_declines         jsonb,                    -- cards declined lately on the pages: {"count": 3, "since": 1780000000}
    phone                 text,
    preferred_locales     jsonb       not null default '[]',
    shipping              jsonb,
    tax                   jsonb       not null default
        '{"automatic_tax": "unrecognized_location", "ip_address": null, "location": null, "provider": "stripe"}',
    tax_exempt            text        not null default 'none' check (tax_exempt in ('exempt', 'none', 'reverse')),
    test_clock            text,
    deleted               boolean     not null default false,
    cash_balance          jsonb,                           -- null: nothing was transferred or set
    constraint customers_invoice_prefix unique (tenant, invoice_prefix)
) with (fillfactor = 50);
create index customers_by_created on customers (tenant, created desc, id desc);
create index customers_by_email on customers (tenant, email, created desc) where email is not null;
create index customers_by_test_clock on customers (tenant, test_clock) where test_clock is not null;

-- Cards, bank accounts and wallets on file: `card` has what is shown of a card, `details` of another type. `token`
-- is what the gateway calls one; numbers are never here. Once detached, never used again.
create table payment_methods (
    tenant          text        not null default current_setting('billow.tenant'),
    id              text        primary key,
    created         timestamptz not null,
    allow_redisplay text        not null,
    billing_details jsonb       not null,
    card            jsonb,
    customer        text,
    metadata        jsonb       not null default '{}',
    type            text        not null,
    details         jsonb,
    token           text        not null,
    detached        boolean     not null default false,
    gateway         text,                            -- which stores it
    radar_options   jsonb,
    check (customer is null or not detached),
    check ((card is not null) = (type = 'card')),
    check ((details is not null) = (type <> 'card'))
);
create index payment_methods_by_created on payment_methods (tenant, created desc, id desc);
create index payment_methods_by_customer on payment_methods (tenant, customer, created desc, id desc);

-- A card that was typed into a form, until it is attached or charged, once. Its number is not kept: the
-- reference is the name of a test card.
create table tokens (
    tenant    text        not null default current_setting('billow.tenant'),
    id        text        primary key,
    created   timestamptz not null,
    card      jsonb,                  -- none where a security code was typed again, which is stored nowhere
    reference text        not null,
    used      boolean     not null default false,
    type      text        not null default 'card' check (type in ('card', 'cvc_update')),
    constraint tokens_card_check check ((type = 'card') = (card is not null))
);
create index tokens_by_created on tokens (tenant, created desc, id desc);

-- The payment methods that were attached as sources, as the older part of the API shows them.
create view cards with (security_invoker) as
    select tenant, id, created, allow_redisplay, billing_details, card, customer, metadata
    from payment_methods where id like 'card\_%' and customer is not null;

-- ----------------------------------------------------------------------------------------- what is sold

-- What is sold. Callers may choose the id, so it is unique in its tenant only.
create table products (
    tenant               text        not null default current_setting('billow.tenant'),
    id                   text        not null,
    created              timestamptz not null,
    active               boolean     not null default true,
    default_price        text,
    description          text,
    images               jsonb       not null default '[]',
    marketing_features   jsonb       not null default '[]',
    metadata             jsonb       not null default '{}',
    name                 text        not null,
    package_dimensions   jsonb,
    shippable            boolean,
    statement_descriptor text,
    tax_code             text,
    tax_details          jsonb,
    type                 text        not null check (type in ('good', 'service')),
    unit_label           text,
    updated              timestamptz not null,
    url                  text,
    primary key (tenant, id)
);
create index products_by_created on products (tenant, created desc, id desc);
create index products_by_default_price on products (tenant, default_price) where default_price is not null;

-- What a product costs. Amounts are kept as the exact decimal, and as an integer where they are one. Callers may choose
-- the id of a plan, which is a price, so it is unique in its tenant only.
create table prices (
    tenant              text        not null default current_setting('billow.tenant'),
    id                  text        not null,
    created             timestamptz not null,
    active              boolean     not null default true,
    billing_scheme      text        not null check (billing_scheme in ('per_unit', 'tiered')),
    currency            text        not null,
    currency_options    jsonb       not null default '{}',
    custom_unit_amount  jsonb,
    lookup_key          text,
    metadata            jsonb       not null default '{}',
    nickname            text,
    product             text        not null,
    recurring           jsonb,
    tax_behavior        text        not null check (tax_behavior in ('exclusive', 'inclusive', 'unspecified')),
    tiers               jsonb,
    tiers_mode          text        check (tiers_mode in ('graduated', 'volume')),
    transform_quantity  jsonb,
    type                text        not null check (type in ('one_time', 'recurring')),
    unit_amount         bigint,
    unit_amount_decimal numeric,
    inline              boolean     not null default false,
    primary key (tenant, id),
    constraint prices_lookup_key unique (tenant, lookup_key),
    foreign key (tenant, product) references products (tenant, id),
    check ((billing_scheme = 'tiered') = (tiers is not null)),
    check ((tiers is null) = (tiers_mode is null)),
    check ((type = 'recurring') = (recurring is not null)),
    check (num_nonnulls(tiers, custom_unit_amount, unit_amount_decimal) = 1),
    check (unit_amount is null or unit_amount = unit_amount_decimal)
);
create index prices_by_created on prices (tenant, created desc, id desc);
create index prices_by_product on prices (tenant, product, created desc, id desc);

-- Recurring prices in their old clothes: what /v1/plans reads. It is written as a price.
create view plans with (security_invoker = true) as
select tenant, id, created, active, unit_amount as amount, unit_amount_decimal as amount_decimal, billing_scheme, currency,
    recurring->>'interval' as interval, (recurring->>'interval_count')::bigint as interval_count, metadata,
    recurring->>'meter' as meter, nickname, product, tiers, tiers_mode, transform_quantity as transform_usage,
    (recurring->>'trial_period_days')::bigint as trial_period_days, recurring->>'usage_type' as usage_type, inline
from prices where type = 'recurring';

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

-- A coupon at work. It stays when it is taken off, for the invoices that it was on.
create table discounts (
    tenant            text        not null default current_setting('billow.tenant'),
    id                text        primary key,
    created           timestamptz not null,
    checkout_session  text,
    coupon            text        not null,
    customer          text        references customers,
    "end"             timestamptz,
    invoice           text,
    invoice_item      text,
    promotion_code    text,
    source            jsonb       not null,
    spent_on          text,
    start             timestamptz not null,
    subscription      text,
    subscription_item text,
    foreign key (tenant, coupon) references coupons (tenant, id)
);
create index discounts_by_customer on discounts (customer);

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
    tax_type     text,
    jurisdiction_level text,
    rate_type text,
    treatment text,
    mention text
);
create index tax_rates_by_created on tax_rates (tenant, created desc, id desc);

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

-- What is counted, and how. Among active meters a name of events is unique.
create table meters (
    tenant              text        not null default current_setting('billow.tenant'),
    id                  text        primary key,
    created             timestamptz not null,
    customer_mapping    jsonb       not null,
    default_aggregation jsonb       not null,
    display_name        text        not null,
    event_name          text        not null,
    event_time_window   text        check (event_time_window in ('day', 'hour')),
    status              text        not null check (status in ('active', 'inactive')),
    status_transitions  jsonb       not null,
    updated             timestamptz not null,
    value_settings      jsonb       not null
);
create index meters_by_created on meters (tenant, created desc, id desc);
create unique index meters_event_name on meters (tenant, event_name) where status = 'active';


-- Agreements that renew. `emitted` is false until the first payment is settled and the creation is emitted.
create table subscriptions (
    tenant                 text        not null default current_setting('billow.tenant'),
    id                     text        primary key,
    created                timestamptz not null,
    application_fee_percent numeric,
    billing_cycle_anchor   timestamptz not null,
    billing_cycle_anchor_config jsonb,
    billing_mode           jsonb       not null,
    billing_schedules      jsonb       not null default '[]',
    billing_thresholds     jsonb,
    cancel_at              timestamptz,
    cancel_at_period_end   boolean     not null,
    canceled_at            timestamptz,
    cancellation_details   jsonb       not null,
    collection_method      text        not null
        check (collection_method in ('charge_automatically', 'send_invoice')),
    currency               text        not null,
    customer               text        not null references customers,
    days_until_due         bigint,
    default_payment_method text,
    default_source         text,
    default_tax_rates      jsonb       not null default '[]',
    description            text,
    discounts              jsonb       not null default '[]',
    ended_at               timestamptz,
    invoice_settings       jsonb       not null default '{"account_tax_ids": null, "custom_fields": null,
        "description": null, "footer": null, "issuer": {"account": null, "type": "self"}}',
    latest_invoice         text,
    metadata               jsonb       not null,
    next_pending_invoice_item_invoice timestamptz,
    on_behalf_of           text,
    payment_settings       jsonb       not null,
    pause_collection       jsonb,
    pending_change         jsonb,
    pending_invoice_item_interval jsonb,
    pending_setup_intent   text,
    pending_update         jsonb,
    resumes_at             timestamptz,                     -- when a pause ends that was chosen in the portal
    provisional            boolean     not null default false,
    schedule               text,
    start_date             timestamptz not null,
    status                 text        not null
        check (status in ('active', 'canceled', 'incomplete', 'incomplete_expired', 'past_due', 'paused',
            'trialing', 'unpaid')),
    status_details         jsonb,
    test_clock             text,
    transfer_data          jsonb,
    trial_end              timestamptz,
    trial_settings         jsonb       not null,
    trial_start            timestamptz,
    emitted                boolean     not null,
    watched                boolean     not null default false,
    automatic_tax jsonb not null default '{"disabled_reason": null, "enabled": false, "liability": null}',
    check (status <> 'trialing' or trial_end is not null),
    check (collection_method <> 'send_invoice' or days_until_due is not null)
) with (fillfactor = 50);
create index on subscriptions (tenant, created desc, id desc);
create index on subscriptions (tenant, customer);
create index subscriptions_watched on subscriptions (tenant, customer)
    where watched and status in ('active', 'past_due');

-- The prices of a subscription, each in its own period.
create table subscription_items (
    tenant               text        not null default current_setting('billow.tenant'),
    id                   text        primary key,
    created              timestamptz not null,
    billed_until         timestamptz,
    billed_use           numeric,
    billing_thresholds   jsonb,
    counted_from         timestamptz,
    current_period_end   timestamptz not null,
    current_period_start timestamptz not null,
    current_trial        jsonb,
    discounts            jsonb       not null default '[]',
    metadata             jsonb       not null,
    metered_from         timestamptz,
    price                text        not null,
    quantity             bigint,
    subscription         text        not null references subscriptions,
    tax_rates            jsonb       not null default '[]',
    foreign key (tenant, price) references prices (tenant, id),
    check (current_period_start < current_period_end),
    check (quantity >= 0)
) with (fillfactor = 50);
create index on subscription_items (subscription);
create index on subscription_items (tenant, price);

-- What subscriptions will be, phase by phase. A subscription is planned by one schedule at a time.
create table subscription_schedules (
    tenant                text        not null default current_setting('billow.tenant'),
    id                    text        primary key,
    created               timestamptz not null,
    billing_mode          jsonb       not null,
    canceled_at           timestamptz,
    completed_at          timestamptz,
    current_phase         jsonb,
    customer              text        not null references customers,
    default_settings      jsonb       not null,
    end_behavior          text        not null check (end_behavior in ('cancel', 'none', 'release', 'renew')),
    metadata              jsonb       not null,
    phases                jsonb       not null,
    released_at           timestamptz,
    released_subscription text,
    status                text        not null
        check (status in ('active', 'canceled', 'completed', 'not_started', 'released')),
    subscription          text references subscriptions,
    test_clock            text,
    check (status <> 'active' or (subscription is not null and current_phase is not null)),
    check (status = 'active' or current_phase is null)
);
create index on subscription_schedules (tenant, created desc, id desc);
create index on subscription_schedules (tenant, customer);
create unique index subscription_schedules_active on subscription_schedules (subscription) where status = 'active';

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
where s.emitted and s.status in ('active', 'past_due', 'trialing')
group by s.tenant, s.customer, f.id, f.lookup_key;

-- Prepaid wallets of customers: credits that are bought with invoices of their own, also by themselves.
create table wallets (
    tenant               text        not null default current_setting('billow.tenant'),
    id                   text        primary key,
    created              timestamptz not null,
    applicability_config jsonb       not null,
    automatic_tax        jsonb       not null,
    currency             text        not null,
    customer             text        not null references customers,
    default_tax_rates    jsonb       not null,
    expires_after        bigint      check (expires_after > 0),
    latest_invoice       text,
    metadata             jsonb       not null,
    name                 text,
    status               text        not null check (status in ('active', 'closed')),
    test_clock           text,
    top_up               jsonb,
    updated              timestamptz not null,
    watched              boolean     not null,
    check (not watched or (status = 'active' and top_up is not null))
);
create index wallets_by_created on wallets (tenant, created desc, id desc);
create index wallets_by_customer on wallets (customer, created desc, id desc);
create index wallets_watched on wallets (tenant, customer) where watched;

-- What is owed. A number is given once, at finalization, and never twice.
create table invoices (
    tenant                     text        not null default current_setting('billow.tenant'),
    id                         text        primary key,
    created                    timestamptz not null,
    installment_plan jsonb,  -- that its payment is made by, if the card has it
    account_country            text,
    account_name               text,
    account_tax_ids            jsonb,
    amount_due                 bigint      not null,
    amount_overpaid            bigint      not null default 0,
    amount_paid                bigint      not null,
    amount_paid_off_stripe     bigint      not null,
    attempt_count              bigint      not null,
    attempted                  boolean     not null,
    auto_advance               boolean     not null,
    automatically_finalizes_at timestamptz,
    billing_reason             text        not null
        check (billing_reason in ('automatic_pending_invoice_item_invoice', 'manual', 'quote_accept', 'subscription',
            'subscription_create', 'subscription_cycle', 'subscription_threshold', 'subscription_update', 'upcoming')),
    collection_method          text        not null
        check (collection_method in ('charge_automatically', 'send_invoice')),
    currency                   text        not null,
    custom_fields              jsonb,
    customer                   text        not null references customers,
    customer_address           jsonb,
    customer_email             text,
    customer_name              text,
    customer_phone             text,
    customer_shipping          jsonb,
    customer_tax_exempt        text        not null,
    customer_tax_ids           jsonb       not null default '[]',
    default_payment_method     text,
    default_tax_rates          jsonb       not null default '[]',
    description                text,
    discounts                  jsonb       not null default '[]',
    due_date                   timestamptz,
    effective_at               timestamptz,
    ending_balance             bigint,
    footer                     text,
    hosted_invoice_url         text,
    invoice_pdf                text,
    last_finalization_error    jsonb,
    metadata                   jsonb       not null,
    next_payment_attempt       timestamptz,
    number                     text,
    on_behalf_of               text,
    parent                     jsonb,
    payment_settings           jsonb       not null default '{"default_mandate": null, "payment_method_options": null,
        "payment_method_types": null}',
    period_end                 timestamptz not null,
    period_start               timestamptz not null,
    starting_balance           bigint      not null,
    status                     text        not null
        check (status in ('draft', 'open', 'paid', 'uncollectible', 'void')),
    subtotal                   bigint      not null,
    subtotal_excluding_tax     bigint      not null,
    test_clock                 text,
    threshold_reason           jsonb,
    total                      bigint      not null,
    total_discount_amounts     jsonb       not null default '[]',
    total_excluding_tax        bigint      not null,
    total_taxes                jsonb       not null default '[]',
    webhooks_delivered_at      timestamptz,
    days_until_due             bigint,
    labels                     jsonb       not null default '{}',
    finalized_at               timestamptz,
    marked_uncollectible_at    timestamptz,
    paid_at                    timestamptz,
    voided_at                  timestamptz,
    uncollectible_reason       text,
    subscription               text,
    payment_intent             text,
    payment_secret             text,
    mail_error                 text,
    payment_number             text,            -- by which a bank transfer names it
    automatic_tax jsonb not null default '{"disabled_reason": null, "enabled": false, "liability": null, "provider": null, "status": null}',
    tax_decision jsonb,
    national_tax jsonb,                          -- the tax in the currency of the seller's tax office
    post_payment_credit_notes_amount bigint not null default 0,
    pre_payment_credit_notes_amount bigint not null default 0,
    applied_credits jsonb not null default '[]',
    seller_version             text,            -- the seller as it was issued by (seller_versions)
    wallet                     text        references wallets,  -- whose top-up it is
    top_up                     text        check (top_up in ('automatic', 'requested')),
    shared_percents            jsonb,
    amount_shipping            bigint      not null default 0,
    application_fee_amount     bigint,
    default_source             text,
    rendering                  jsonb       not null default '{"amount_tax_display": null, "pdf": {"page_size": "auto"},
        "template": null, "template_version": null}',
    shipping_cost              jsonb,
    shipping_details           jsonb,
    statement_descriptor       text,
    transfer_data              jsonb,
    from_invoice               jsonb,
    latest_revision            text,
    check ((status = 'draft') = (finalized_at is null)),
    check (status = 'draft' or number is not null),
    check (amount_due >= 0 and amount_paid >= 0)
);
create index on invoices (tenant, created desc, id desc);
create index on invoices (tenant, customer);
create index on invoices (subscription);
create unique index on invoices (tenant, number);
create index invoices_by_wallet on invoices (wallet, created) where wallet is not null;
create unique index invoices_by_payment_number on invoices (tenant, payment_number) where payment_number is not null;

-- The lines of invoices, written before their invoice so that its event shows them.
create table invoice_lines (
    tenant              text        not null default current_setting('billow.tenant'),
    id                  text        primary key,
    created             timestamptz not null,
    amount              bigint      not null,
    currency            text        not null,
    description         text,
    discount_amounts    jsonb       not null default '[]',
    discountable        boolean     not null,
    discounts           jsonb       not null default '[]',
    invoice             text        not null references invoices deferrable initially deferred,
    metadata            jsonb       not null,
    quantity_decimal    numeric,
    subscription        text,
    taxes               jsonb       not null default '[]',
    tax_rates           jsonb       not null default '[]',
    kind                text        not null
        check (kind in ('licensed', 'metered', 'trial', 'item', 'prepaid', 'shipping')),
    position            bigint      not null,
    customer            text        not null,
    subscription_item   text,
    invoice_item        text,
    proration           boolean     not null,
    price               text,
    product             text,
    unit_amount_decimal numeric,
    flat_amount_decimal numeric,
    tier                bigint,
    period_start        timestamptz not null,
    period_end          timestamptz not null,
    net                 bigint      not null,  -- after discounts, without any tax: what is there to be earned
    earned              bigint      not null,
    usage               numeric,
    proration_details   jsonb,
    tax_behavior text,
    tax_code text,
    applied_credits jsonb not null default '[]',
    tax_amounts jsonb not null default '[]',
    credited            bigint      not null default 0  -- of the net, by credit notes
) with (fillfactor = 50);
create index on invoice_lines (invoice);
create index on invoice_lines (tenant, invoice, position, id);
create index on invoice_lines (subscription_item);

create type id_range as range (subtype = text, collation = "C");

-- For what time each item has been billed: the exclusion is the last wall against billing a period twice (invariant
-- 5). Ids are compared as ranges of one value: a range overlaps another where the ids are equal, which needs no extension.
create table billing_periods (
    tenant            text        not null default current_setting('billow.tenant'),
    id                text        primary key,
    created           timestamptz not null,
    customer          text        not null,
    subscription      text        not null,
    subscription_item text        not null,
    kind              text        not null check (kind in ('licensed', 'metered')),
    price             text        not null,
    quantity          numeric,
    period_start      timestamptz not null,
    period_end        timestamptz not null,
    invoice           text,
    invoice_item      text,
    counted_from      timestamptz,
    billed_use        numeric,
    continued         boolean     not null default false,
    credited          bigint      not null,
    discount          text,
    check (period_start <= period_end),
    check (invoice is null or invoice_item is null),
    exclude using gist (id_range(subscription_item, subscription_item, '[]') with &&,
        tstzrange(period_start, period_end) with &&)
);
create index on billing_periods (subscription);
create index on billing_periods (invoice_item) where invoice_item is not null;

-- What waits for the next invoice, or sits on a draft.
create table invoice_items (
    tenant              text        not null default current_setting('billow.tenant'),
    id                  text        primary key,
    created             timestamptz not null,
    amount              bigint      not null,
    currency            text        not null,
    customer            text        not null,
    description         text,
    discountable        boolean     not null,
    discounts           jsonb       not null default '[]',
    invoice             text,
    metadata            jsonb       not null,
    proration           boolean     not null,
    quantity_decimal    numeric     not null,
    tax_rates           jsonb       not null default '[]',
    test_clock          text,
    price               text,
    product             text,
    unit_amount_decimal numeric,
    subscription        text,
    subscription_item   text,
    proration_details   jsonb,
    period_start        timestamptz not null,
    period_end          timestamptz not null,
    tax_behavior text,
    tax_code text,
    revises             text
);
create index on invoice_items (tenant, created desc, id desc);
create index on invoice_items (tenant, customer);
create index on invoice_items (invoice);

-- Which intent pays which invoice.
create table invoice_payments (
    tenant           text        not null default current_setting('billow.tenant'),
    id               text        primary key,
    created          timestamptz not null,
    amount_paid      bigint,
    amount_requested bigint      not null,
    currency         text        not null,
    invoice          text        not null,
    is_default       boolean     not null,
    status           text        not null check (status in ('open', 'paid', 'canceled')),
    payment_intent   text,
    canceled_at      timestamptz,
    paid_at          timestamptz,
    payment_record   text,
    check (amount_requested >= 0),
    constraint invoice_payments_payment_check check (num_nonnulls(payment_intent, payment_record) = 1)
) with (fillfactor = 50);
create index on invoice_payments (tenant, created desc, id desc);
create index on invoice_payments (invoice);
create index on invoice_payments (payment_intent);

-- The wish to be paid, over as many attempts as it takes.
create table payment_intents (
    tenant              text        not null default current_setting('billow.tenant'),
    id                  text        primary key,
    created             timestamptz not null,
    card_terms jsonb,  -- what a payment by card is made with, once
    allowed_payment_method_types jsonb,
    amount              bigint      not null,
    amount_capturable   bigint      not null default 0,
    amount_details      jsonb,
    amount_received     bigint      not null,
    application_fee_amount bigint,
    automatic_payment_methods jsonb,
    canceled_at         timestamptz,
    cancellation_reason text,
    capture_method      text        not null default 'automatic',
    client_secret       text,
    confirmation_method text        not null default 'automatic',
    currency            text        not null,
    customer            text,
    description         text,
    excluded_payment_method_types jsonb,
    hooks               jsonb,
    last_payment_error  jsonb,
    latest_charge       text,
    metadata            jsonb       not null,
    next_action         jsonb,
    on_behalf_of        text,
    payment_details     jsonb,
    payment_method      text,
    payment_method_configuration_details jsonb,
    payment_method_options jsonb,
    payment_method_types jsonb      not null default '["card"]',
    processing          jsonb,
    receipt_email       text,
    setup_future_usage  text        check (setup_future_usage in ('off_session', 'on_session')),
    shipping            jsonb,
    statement_descriptor text,
    statement_descriptor_suffix text,
    status              text        not null
        check (status in ('canceled', 'processing', 'requires_action', 'requires_capture', 'requires_confirmation',
            'requires_payment_method', 'succeeded')),
    transfer_data       jsonb,
    transfer_group      text,
    invoice             text,
    mandate             text,
    return_url          text,
    radar_options       jsonb,
    check (amount > 0)
) with (fillfactor = 50);
create index on payment_intents (tenant, created desc, id desc);
create index on payment_intents (tenant, customer);
create index on payment_intents (invoice);

-- The gateways of an account. The secrets are those of the gateway's API and of its notices.
create table gateways (
    tenant         text        not null default current_setting('billow.tenant'),
    name           text        not null,
    created        timestamptz not null,
    kind           text        not null,
    position       bigint      not null,
    currencies     text[]      not null,
    types          text[]      not null,
    active         boolean     not null default true,
    address        text,
    secret         text        not null,
    signing_secret text        not null,
    primary key (tenant, name)
);

-- One try to take money, written before the gateway is asked: no crash can lose its answer. One at a time.
create table attempts (
    tenant         text        not null default current_setting('billow.tenant'),
    id             text        primary key,
    created        timestamptz not null,
    card_terms jsonb,  -- what a payment by card is made with, once
    kind           text        not null default 'charge' check (kind in ('charge', 'capture', 'increment', 'refund', 'setup')),
    payment_intent text,
    setup_intent   text,
    charge         text,                            -- what is captured or refunded, or pending until it is paid
    refund         text,
    invoice        text,
    customer       text,
    amount         bigint      not null,
    currency       text        not null,            -- of a set-up it is empty: no money moves
    payment_method text,
    token          text        not null,
    off_session    boolean     not null,
    capture        boolean     not null default true,
    automatic      boolean     not null,
    keep           boolean     not null default false, -- whether its method pays from now on, once it has paid
    state          text        not null
        check (state in ('processing', 'succeeded', 'failed', 'requires_action')),
    request        text,                            -- that began it; a request that died hears its outcome from it
    gateway        text,                            -- which is asked; empty where an older version wrote it
    method_type    text        not null default 'card',
    return_url     text,                            -- where its customer comes back to from a page of the bank's
    action_url     text,                            -- of that page
    wishes         jsonb       not null default '[]', -- what is asked of the gateway where a payment is held
    three_d_secure text        check (three_d_secure in ('any', 'challenge')),  -- asked of a card's holder, who is there
    final          boolean     not null default true, -- whether a capture is the last one
    terms          jsonb,                           -- what a raised hold changes on its intent once it has succeeded
    movement       text,                            -- the balance transaction of a capture
    check ((refund is not null) = (kind = 'refund')),
    check (amount > 0 or kind = 'setup' or (kind = 'capture' and final)),
    check (amount >= 0),
    check ((setup_intent is not null) = (kind = 'setup')),
    check (kind = 'setup' or num_nonnulls(payment_intent, charge) > 0),
    constraint attempts_check4 check (amount = 0 or kind <> 'setup')
) with (fillfactor = 50);
create index attempts_by_request on attempts (request) where request is not null;
create unique index on attempts (payment_intent) where state = 'processing';
create unique index on attempts (charge, kind) where state = 'processing' and kind <> 'refund';
create index on attempts (charge);
create index on attempts (payment_intent);
create unique index on attempts (setup_intent) where state = 'processing';
create index on attempts (setup_intent) where setup_intent is not null;

-- A method that a customer enters on a page of the gateway's own, and which page of ours goes on with it.
create table method_collections (
    tenant    text        not null default current_setting('billow.tenant'),
    id        text        primary key,
    created   timestamptz not null,
    page      text        not null check (page in ('checkout', 'invoice', 'method')),
    about     text        not null,             -- the checkout session or invoice, or whose method it is
    entered   jsonb       not null,             -- what else was entered on our page; emptied when it is over
    gateway   text        not null,
    reference text,                             -- the gateway's, once it has answered
    url       text,                             -- of the gateway's page
    method    text,                             -- what the gateway calls the method that was entered
    error     text,                             -- why nothing came of it, in words for the customer
    state     text        not null check (state in ('open', 'taken', 'failed', 'expired')),
    unique (tenant, gateway, reference),
    unique (tenant, gateway, method)
);
create index method_collections_by_created on method_collections (tenant, created);
create index method_collections_by_page on method_collections (about, created);

-- What the customer has agreed to: later debits of one payment method, many times or once.
create table mandates (
    tenant                 text        not null default current_setting('billow.tenant'),
    id                     text        primary key,
    created                timestamptz not null,
    customer_acceptance    jsonb       not null,
    multi_use              jsonb,
    on_behalf_of           text,
    payment_method         text        not null,
    payment_method_details jsonb       not null,
    single_use             jsonb,
    status                 text        not null check (status in ('active', 'inactive', 'pending')),
    type                   text        not null check (type in ('multi_use', 'single_use'))
);
create index on mandates (payment_method);

-- The wish to keep a payment method for later, over as many attempts as it takes.
create table setup_intents (
    tenant                        text        not null default current_setting('billow.tenant'),
    id                            text        primary key,
    created                       timestamptz not null,
    card_terms jsonb,  -- what a payment by card is made with, once
    allowed_payment_method_types  jsonb,
    attach_to_self                boolean,
    automatic_payment_methods     jsonb,
    cancellation_reason           text,
    client_secret                 text,
    customer                      text,
    description                   text,
    excluded_payment_method_types jsonb,
    flow_directions               jsonb,
    last_setup_error              jsonb,
    latest_attempt                text,
    mandate                       text,
    metadata                      jsonb       not null,
    next_action                   jsonb,
    on_behalf_of                  text,
    payment_method                text,
    payment_method_configuration_details jsonb,
    payment_method_options        jsonb,
    payment_method_types          jsonb       not null,
    single_use_mandate            text,
    status                        text        not null
        check (status in ('canceled', 'processing', 'requires_action', 'requires_confirmation',
            'requires_payment_method', 'succeeded')),
    usage                         text        not null,
    return_url                    text,
    subscription                  text
) with (fillfactor = 50);
create index on setup_intents (tenant, created desc, id desc);
create index on setup_intents (tenant, customer);
create index on setup_intents (subscription) where subscription is not null;

-- One try to set a payment method up, as the API shows it.
create table setup_attempts (
    tenant                 text        not null default current_setting('billow.tenant'),
    id                     text        primary key,
    created                timestamptz not null,
    attach_to_self         boolean,
    customer               text,
    flow_directions        jsonb,
    on_behalf_of           text,
    payment_method         text        not null,
    payment_method_details jsonb       not null,
    setup_error            jsonb,
    setup_intent           text        not null references setup_intents,
    status                 text        not null,
    usage                  text        not null,
    attempt                text
) with (fillfactor = 50);
create index on setup_attempts (setup_intent, created desc, id desc);

-- Which types of payment methods an account offers by itself. The first one is there before it is written.
create table payment_method_configurations (
    tenant      text        not null default current_setting('billow.tenant'),
    id          text        primary key,
    created     timestamptz not null,
    active      boolean     not null default true,
    is_default  boolean     not null default false,
    name        text        not null,
    parent      text,
    preferences jsonb       not null default '{}'
);
create unique index on payment_method_configurations (tenant) where is_default;
create index on payment_method_configurations (tenant, created desc, id desc);

-- Money taken, or a try that failed.
create table charges (
    tenant                          text        not null default current_setting('billow.tenant'),
    id                              text        primary key,
    created                         timestamptz not null,
    amount                          bigint      not null,
    amount_captured                 bigint      not null,
    amount_refunded                 bigint      not null,
    balance_transaction             text,
    billing_details                 jsonb       not null,
    calculated_statement_descriptor text,
    captured                        boolean     not null,
    currency                        text        not null,
    customer                        text,
    description                     text,
    failure_code                    text,
    failure_message                 text,
    fraud_details                   jsonb       not null default '{}',
    metadata                        jsonb       not null,
    outcome                         jsonb,
    paid                            boolean     not null,
    payment_intent                  text,
    payment_method                  text,
    payment_method_details          jsonb,
    receipt_email                   text,
    receipt_url                     text,
    refunded                        boolean     not null,
    shipping                        jsonb,
    source                          jsonb,
    statement_descriptor            text,
    statement_descriptor_suffix     text,
    status                          text        not null check (status in ('failed', 'pending', 'succeeded')),
    transfer_group                  text,
    reference                       text,
    gateway                         text,
    dispute                         text,
    disputed                        boolean     not null default false,
    failure_balance_transaction     text,
    late_for                        text,   -- the intent or charge that it came too late for
    application_fee                 text,
    application_fee_amount          bigint,
    on_behalf_of                    text,
    source_transfer                 text,
    transfer                        text,
    transfer_data                   jsonb,
    radar_options   jsonb,
    check (amount > 0)
);
create index on charges (tenant, created desc, id desc);
create index on charges (tenant, customer);
create index on charges (payment_intent);
create index charges_by_reference on charges (reference) where reference is not null;
create index charges_late on charges (tenant, created desc) where late_for is not null;

-- What moved our balance with the gateway.
create table balance_transactions (
    tenant             text        not null default current_setting('billow.tenant'),
    id                 text        primary key,
    created            timestamptz not null,
    amount             bigint      not null,
    available_on       timestamptz not null,
    currency           text        not null,
    description        text,
    fee                bigint      not null,
    fee_details        jsonb       not null,
    net                bigint      not null,
    reporting_category text        not null,
    source             text,
    type               text        not null check (type in ('adjustment', 'application_fee',
        'application_fee_refund', 'charge', 'payment', 'payment_failure_refund', 'payment_refund', 'payout',
        'payout_cancel', 'payout_failure', 'refund', 'refund_failure', 'stripe_fee', 'transfer', 'transfer_refund')),
    exchange_rate      numeric,                       -- the gateway's, from the charge's currency into this one
    payout             text,                          -- that it is of, or that pays it out
    check (net = amount - fee)
);
create index on balance_transactions (tenant, created desc, id desc);
create index on balance_transactions (source);
create index balance_transactions_by_payout on balance_transactions (payout) where payout is not null;

-- What is credited of an invoice after it was finalized. `taken_back` is the net that it takes back of each invoice line.
create table credit_notes (
    tenant                       text        not null default current_setting('billow.tenant'),
    id                           text        primary key,
    created                      timestamptz not null,
    amount                       bigint      not null check (amount > 0),
    currency                     text        not null,
    customer                     text        not null references customers,
    customer_balance_transaction text,
    discount_amount              bigint      not null,
    discount_amounts             jsonb       not null,
    effective_at                 timestamptz not null,
    invoice                      text        not null references invoices,
    memo                         text,
    metadata                     jsonb       not null,
    number                       text        not null,
    out_of_band_amount           bigint,
    pdf                          text        not null,
    post_payment_amount          bigint      not null check (post_payment_amount >= 0),
    pre_payment_amount           bigint      not null check (pre_payment_amount >= 0),
    reason                       text
        check (reason in ('duplicate', 'fraudulent', 'order_change', 'product_unsatisfactory')),
    refunds                      jsonb       not null,
    status                       text        not null check (status in ('issued', 'void')),
    subtotal                     bigint      not null,
    subtotal_excluding_tax       bigint      not null,
    total                        bigint      not null,
    total_excluding_tax          bigint      not null,
    total_taxes                  jsonb       not null,
    type                         text        not null check (type in ('mixed', 'post_payment', 'pre_payment')),
    voided_at                    timestamptz,
    labels                       jsonb       not null,
    taken_back                   jsonb       not null,
    voids                        boolean     not null,  -- it is the document of an invoice that was voided
    check (pre_payment_amount + post_payment_amount = total),
    check ((status = 'void') = (voided_at is not null)),
    unique (tenant, number),
    amount_shipping bigint not null default 0,
    shipping_cost jsonb
);
create index credit_notes_by_created on credit_notes (tenant, created desc, id desc);
create index credit_notes_by_customer on credit_notes (customer, created desc, id desc);
create index credit_notes_by_invoice on credit_notes (invoice, created desc, id desc);

-- Their lines, written before their credit note so that its event shows them.
create table credit_note_lines (
    tenant              text        not null default current_setting('billow.tenant'),
    id                  text        primary key,
    created             timestamptz not null,
    amount              bigint      not null,
    credit_note         text        not null references credit_notes deferrable initially deferred,
    description         text,
    discount_amount     bigint      not null,
    discount_amounts    jsonb       not null,
    invoice_line_item   text,
    metadata            jsonb       not null,
    quantity            bigint,
    tax_rates           jsonb       not null,
    taxes               jsonb       not null,
    type                text        not null check (type in ('custom_line_item', 'invoice_line_item')),
    unit_amount         bigint,
    unit_amount_decimal numeric,
    net                 bigint      not null,
    position            bigint      not null,
    untaxed             bigint      not null,
    check ((type = 'invoice_line_item') = (invoice_line_item is not null)),
    shipping boolean not null default false
);
create index credit_note_lines_by_note on credit_note_lines (credit_note, position, id);
create index credit_note_lines_by_line on credit_note_lines (invoice_line_item);

-- Every change of a customer's balance, and what it was right after. Only what is noted on one ever changes.
create table customer_balance_transactions (
    tenant         text        not null default current_setting('billow.tenant'),
    id             text        primary key,
    created        timestamptz not null,
    amount         bigint      not null,  -- negative: credit for the customer
    credit_note    text,
    currency       text        not null,
    customer       text        not null,
    description    text,
    ending_balance bigint      not null,
    invoice        text,
    metadata       jsonb       not null default '{}',
    type           text        not null
);
create index on customer_balance_transactions (tenant, customer, created desc, id desc);

-- Tax numbers of customers; without a customer they are our own.
create table tax_ids (
    tenant       text        not null default current_setting('billow.tenant'),
    id           text        primary key,
    created      timestamptz not null,
    country      text,
    customer     text,
    type         text        not null,
    value        text        not null,
    verification jsonb,
    verified_at  timestamptz
);
create index on tax_ids (tenant, created desc, id desc);
create index on tax_ids (customer);

-- Money given back. `emitted` is false until the gateway's first answer, when its creation is emitted.
create table refunds (
    tenant              text        not null default current_setting('billow.tenant'),
    id                  text        primary key,
    created             timestamptz not null,
    amount              bigint      not null,
    balance_transaction text,
    charge              text,       -- none where a customer's cash is returned
    currency            text        not null,
    customer            text,
    failure_reason      text,
    metadata            jsonb       not null default '{}',
    payment_intent      text,
    payment_method      text,
    pending_reason      text,
    reason              text,
    status              text        not null
        check (status in ('canceled', 'failed', 'pending', 'requires_action', 'succeeded')),
    emitted             boolean     not null,
    failure_balance_transaction text,
    instructions_email  text,
    refund_application_fee boolean  not null default false,
    reverse_transfer    boolean     not null default false,
    transfer_reversal   text,
    credited            bigint      not null default 0,  -- how much of it is on credit notes
    granted             jsonb,       -- how the rest was booked: its net and its taxes
    bank_entry          text,       -- of the statement that shows its transfer
    next_action         jsonb,
    reference           text,       -- the bank's, of its transfer
    send_to             text,       -- the account that it is transferred to
    method_type         text,       -- the type of payment method that its charge was paid with
    check (amount > 0),
    constraint refunds_from_check check (charge is not null or customer is not null)
);
create index on refunds (tenant, created desc, id desc);
create index on refunds (charge);
create index on refunds (payment_intent);
create index refunds_by_customer on refunds (customer) where charge is null;

-- Payments that a cardholder contests at the bank. `movements` are the gateway's, so that each is booked once.
create table disputes (
    tenant                 text        not null default current_setting('billow.tenant'),
    id                     text        primary key,
    created                timestamptz not null,
    amount                 bigint      not null,
    balance_transactions   jsonb       not null,
    charge                 text        not null,
    currency               text        not null,
    evidence               jsonb       not null,
    is_charge_refundable   boolean     not null,
    metadata               jsonb       not null,
    network_reason_code    text,
    payment_intent         text,
    payment_method_details jsonb,
    reason                 text        not null,
    status                 text        not null
        check (status in ('lost', 'needs_response', 'prevented', 'under_review', 'warning_closed',
            'warning_needs_response', 'warning_under_review', 'won')),
    due_by                 timestamptz,
    gateway                text        not null,
    movements              jsonb       not null,
    reference              text        not null,
    submission_count       bigint      not null,
    check (amount > 0)
);
create index disputes_by_created on disputes (tenant, created desc, id desc);
create index disputes_by_charge on disputes (charge);
create unique index disputes_by_reference on disputes (tenant, gateway, reference);

-- Charges that the issuer of the card suspects to be fraud.
create table early_fraud_warnings (
    tenant         text        not null default current_setting('billow.tenant'),
    id             text        primary key,
    created        timestamptz not null,
    actionable     boolean     not null,
    charge         text        not null,
    fraud_type     text        not null,
    payment_intent text,
    gateway        text        not null,
    reference      text        not null
);
create index early_fraud_warnings_by_created on early_fraud_warnings (tenant, created desc, id desc);
create unique index early_fraud_warnings_by_reference on early_fraud_warnings (tenant, gateway, reference);

-- The books: every movement of money, from the credited account to the debited one. Written by ledger/post.py only.
create table ledger_transfers (
    tenant    text        not null default current_setting('billow.tenant'),
    id        text        primary key,
    created   timestamptz not null,           -- when it happened, not when it was written
    debit     text        collate "C" not null,  -- 'receivable:cus_1'; byte order, so that prefixes use the index
    credit    text        collate "C" not null,
    amount    bigint      not null check (amount > 0),
    currency  text        not null,
    event     text        not null,           -- what happened: 'invoice.finalized'
    source    text        not null,           -- to what: 'in_1'
    sequence  bigint      not null,           -- its place among the transfers of one posting
    customer  text,
    invoice   text,
    line      text,
    dated     timestamptz,                    -- when it happened, where that period was closed before it was posted
    check (debit <> credit),
    unique (tenant, source, event, sequence)  -- an event is posted once: a replay fails
);
create index ledger_transfers_late on ledger_transfers (tenant, source, event) where dated is not null;
create index ledger_transfers_by_created on ledger_transfers (tenant, created desc, id desc);
create index ledger_transfers_by_debit on ledger_transfers (tenant, debit, created);
create index ledger_transfers_by_credit on ledger_transfers (tenant, credit, created);
create index ledger_transfers_by_invoice on ledger_transfers (tenant, invoice) where invoice is not null;
create index ledger_transfers_by_customer on ledger_transfers (tenant, customer, created desc) where customer is not null;

-- Books are not corrected by rubbing out: a correction is a transfer in the other direction.
create function refuse_to_change_the_books() returns trigger language plpgsql as $$
begin
    raise exception 'ledger transfers are final: post one in the other direction'
        using errcode = 'restrict_violation';
end $$;
create trigger ledger_transfers_are_final before update or delete or truncate on ledger_transfers
    for each statement execute function refuse_to_change_the_books();

-- Transfers that no seal covers yet, each with the hash of what it says: written with them, taken by who seals.
create table ledger_unsealed (
    tenant   text  not null default current_setting('billow.tenant'),
    transfer text  not null,
    leaf     bytea not null,
    primary key (tenant, transfer)
);

-- A chain of hashes over the transfers (ledger/chain.py): each seal covers some of them, and the seal before it. What is
-- here says nothing of a person, and stays when personal data is erased.
create table ledger_seals (
    tenant    text        not null default current_setting('billow.tenant'),
    number    bigint      not null check (number > 0),
    created   timestamptz not null,           -- by the wall's clock
    transfers text[]      not null,
    leaves    bytea[]     not null,           -- of each transfer, in the same order
    previous  bytea       not null,
    hash      bytea       not null,
    primary key (tenant, number),
    unique (tenant, hash),
    check (cardinality(transfers) > 0 and cardinality(transfers) = cardinality(leaves))
);

create function refuse_to_change_the_seals() returns trigger language plpgsql as $$
begin
    raise exception 'the seals of the ledger are final' using errcode = 'restrict_violation';
end $$;
create trigger ledger_seals_are_final before update or delete or truncate on ledger_seals
    for each statement execute function refuse_to_change_the_seals();
create trigger ledger_unsealed_is_final before update or truncate on ledger_unsealed
    for each statement execute function refuse_to_change_the_seals();

-- Measured use, one row per event. `digest` is a 128-bit hash of tenant and identifier: the key by which an event is
-- counted once, whoever sends it how often. `payload` holds only what is neither customer nor value. `arrival` orders
-- events by when they came, as `last` wants it for two values of one instant. A canceled event stays, as a trace.
create table meter_events (
    tenant      text        not null default current_setting('billow.tenant'),
    digest      uuid        primary key,
    meter       text        not null,
    customer    text        not null,
    identifier  text        not null,
    series      bigint      not null,      -- a 64-bit hash of customer and meter
    at          timestamptz not null,
    value       numeric     not null,
    payload     jsonb,
    created     timestamptz not null,
    arrival     bigint      not null,
    canceled_at timestamptz
);
-- The ragged edges of a period are read from single events. The short key makes the index a third of what customer and
-- meter would take; they are compared as well, since two series may share a hash.
create index meter_events_by_time on meter_events (series, at);

-- One number per transaction that brings events; they are numbered within it.
create sequence meter_arrivals;

-- The same events per customer, meter and hour, written in the same transaction: what billing reads. Of a meter with an
-- `event_time_window` an hour has only the event that counts in its window, or none.
create table meter_hours (
    tenant       text        not null default current_setting('billow.tenant'),
    meter        text        not null,
    customer     text        not null,
    hour         timestamptz not null,
    sum          numeric     not null,
    count        bigint      not null,
    last         numeric,
    last_at      timestamptz,
    last_arrival bigint,
    primary key (customer, meter, hour, tenant),
    check (count >= 0),
    check (num_nulls(last, last_at, last_arrival) in (0, 3))
);
-- What all customers used of a meter, the latest first.
create index on meter_hours (meter, hour, tenant);


-- ----------------------------------------------------------------------------------------- search

-- The words by which objects are found: of metadata each value whole, of names and the like word by word. Kept by triggers, so
-- that no writer can forget it. (An index on an expression would not do: row level security uses no operator that might leak.)
create table search_terms (
    tenant text not null default current_setting('billow.tenant'),
    noun   text not null,  -- the table
    field  text not null,  -- 'name', 'metadata.order'
    term   text not null,
    id     text not null,
    primary key (tenant, noun, field, term, id)
);
create index search_terms_by_id on search_terms (tenant, noun, id);

-- What is written together is one word: an address, a telephone number.
create function search_words(said text) returns text[] language sql immutable parallel safe as $$
    select case
        when said ~ '^\S+@\S+$' or said ~ '^\+?[0-9 ()./-]+$' then array[left(lower(said), 500)]
        else coalesce((
            select array_agg(left(word, 200) order by place)
            from regexp_split_to_table(lower(said), '[^[:alnum:]]+') with ordinality as split (word, place)
            where word <> ''
        ), '{}')
    end
$$;

-- The arguments of the trigger are the columns whose words are noted, besides metadata.
create function note_search_terms() returns trigger language plpgsql as $$
begin
    if tg_op <> 'INSERT' then
        delete from search_terms where noun = tg_table_name and id = old.id;
    end if;
    if tg_op <> 'DELETE' then
        insert into search_terms (tenant, noun, field, term, id)
            select new.tenant, tg_table_name, 'metadata.' || key, lower(value), new.id
            from jsonb_each_text(new.metadata)
            union
            select new.tenant, tg_table_name, field, word, new.id
            from unnest(tg_argv[0:]) as field, unnest(search_words(to_jsonb(new) ->> field)) as word;
    end if;
    return null;
end $$;
create trigger charges_noted after insert on charges
    for each row when (new.metadata <> '{}') execute function note_search_terms();
create trigger charges_noted_again after update of metadata on charges
    for each row execute function note_search_terms();
create trigger charges_forgotten after delete on charges
    for each row execute function note_search_terms();
create trigger customers_noted after insert on customers
    for each row execute function note_search_terms('email', 'name', 'phone');
create trigger customers_noted_again after update of metadata, email, name, phone on customers
    for each row execute function note_search_terms('email', 'name', 'phone');
create trigger customers_forgotten after delete on customers
    for each row execute function note_search_terms('email', 'name', 'phone');
create trigger invoices_noted after insert on invoices
    for each row when (new.metadata <> '{}') execute function note_search_terms();
create trigger invoices_noted_again after update of metadata on invoices
    for each row execute function note_search_terms();
create trigger invoices_forgotten after delete on invoices
    for each row execute function note_search_terms();
create trigger payment_intents_noted after insert on payment_intents
    for each row when (new.metadata <> '{}') execute function note_search_terms();
create trigger payment_intents_noted_again after update of metadata on payment_intents
    for each row execute function note_search_terms();
create trigger payment_intents_forgotten after delete on payment_intents
    for each row execute function note_search_terms();
create trigger prices_noted after insert on prices
    for each row when (new.metadata <> '{}') execute function note_search_terms();
create trigger prices_noted_again after update of metadata on prices
    for each row execute function note_search_terms();
create trigger prices_forgotten after delete on prices
    for each row execute function note_search_terms();
create trigger products_noted after insert on products
    for each row execute function note_search_terms('description', 'name', 'url');
create trigger products_noted_again after update of metadata, description, name, url on products
    for each row execute function note_search_terms('description', 'name', 'url');
create trigger products_forgotten after delete on products
    for each row execute function note_search_terms('description', 'name', 'url');
create trigger subscriptions_noted after insert on subscriptions
    for each row when (new.metadata <> '{}') execute function note_search_terms();
create trigger subscriptions_noted_again after update of metadata on subscriptions
    for each row execute function note_search_terms();
create trigger subscriptions_forgotten after delete on subscriptions
    for each row execute function note_search_terms();

create index invoices_by_status on invoices (tenant, status, created desc, id desc);
create index subscriptions_by_status on subscriptions (tenant, status, created desc, id desc);
create index charges_by_customer on charges (tenant, customer, created desc, id desc);

-- ----------------------------------------------------------------------------------------- files

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

-- What customers are offered. Those that revise each other share a series: only one of them is accepted.
create table quotes (
    tenant                  text        not null default current_setting('billow.tenant'),
    id                      text        primary key,
    created                 timestamptz not null,
    amount_subtotal         bigint      not null,
    amount_total            bigint      not null,
    application_fee_amount  bigint,
    application_fee_percent numeric,
    collection_method       text        not null check (collection_method in ('charge_automatically', 'send_invoice')),
    computed                jsonb       not null,
    currency                text,
    customer                text        references customers,
    default_tax_rates       jsonb       not null,
    description             text,
    discounts               jsonb       not null,
    expires_at              timestamptz not null,
    footer                  text,
    from_quote              jsonb,
    header                  text,
    invoice                 text,  -- a draft, which may be deleted
    invoice_settings        jsonb       not null,
    metadata                jsonb       not null,
    number                  text,
    on_behalf_of            text,
    status                  text        not null check (status in ('accepted', 'canceled', 'draft', 'open')),
    subscription            text        references subscriptions,
    subscription_data       jsonb       not null,
    subscription_schedule   text        references subscription_schedules,
    test_clock              text,
    total_details           jsonb       not null,
    transfer_data           jsonb,
    accepted_at             timestamptz,
    canceled_at             timestamptz,
    finalized_at            timestamptz,
    at_period_end           boolean     not null,
    labels                  jsonb       not null,
    series                  text        not null,
    sequence                bigint,
    revision                bigint,
    emitted                 boolean     not null,
    automatic_tax jsonb not null default '{"enabled": false, "liability": null, "provider": null, "status": null}',
    unique (tenant, number)
);
create index quotes_by_created on quotes (tenant, created desc, id desc);
create index quotes_by_customer on quotes (customer, created desc, id desc);
create index quotes_by_series on quotes (series);
create unique index quotes_one_accepted on quotes (series) where status = 'accepted';

-- What is offered at a lasting address.
create table payment_links (
    tenant                      text        not null default current_setting('billow.tenant'),
    id                          text        primary key,
    created                     timestamptz not null,
    active                      boolean     not null,
    after_completion            jsonb       not null,
    allow_promotion_codes       boolean     not null,
    application_fee_amount      bigint,
    application_fee_percent     numeric,
    billing_address_collection  text        not null,
    consent_collection          jsonb,
    currency                    text        not null,
    custom_fields               jsonb       not null,
    custom_text                 jsonb       not null,
    customer_creation           text        not null,
    inactive_message            text,
    invoice_creation            jsonb,
    managed_payments            jsonb,
    metadata                    jsonb       not null,
    name_collection             jsonb,
    on_behalf_of                text,
    optional_items              jsonb,
    payment_intent_data         jsonb,
    payment_method_collection   text        not null,
    payment_method_options      jsonb,
    payment_method_types        jsonb,
    phone_number_collection     jsonb       not null,
    restrictions                jsonb,
    shipping_address_collection jsonb,
    shipping_options            jsonb       not null,
    submit_type                 text        not null,
    subscription_data           jsonb,
    tax_id_collection           jsonb       not null,
    transfer_data               jsonb,
    url                         text        not null,
    mode                        text        not null check (mode in ('payment', 'setup', 'subscription')),
    automatic_tax jsonb not null default '{"enabled": false, "liability": null}'
);
create index payment_links_by_created on payment_links (tenant, created desc, id desc);

-- One visit of a customer to the payment page.
create table checkout_sessions (
    tenant                               text        not null default current_setting('billow.tenant'),
    id                                   text        primary key,
    created                              timestamptz not null,
    adaptive_pricing                     jsonb,
    after_expiration                     jsonb,
    allow_promotion_codes                boolean,
    allowed_payment_method_types         jsonb,
    amount_subtotal                      bigint,
    amount_total                         bigint,
    billing_address_collection           text,
    branding_settings                    jsonb,
    cancel_url                           text,
    client_reference_id                  text,
    client_secret                        text,
    collected_information                jsonb       not null,
    consent                              jsonb,
    consent_collection                   jsonb,
    currency                             text,
    custom_fields                        jsonb       not null,
    custom_text                          jsonb       not null,
    customer                             text        references customers,
    customer_creation                    text,
    customer_details                     jsonb,
    customer_email                       text,
    discounts                            jsonb,
    excluded_payment_method_types        jsonb,
    expires_at                           timestamptz not null,
    integration_identifier               text,
    invoice                              text,
    invoice_creation                     jsonb,
    locale                               text,
    managed_payments                     jsonb,
    metadata                             jsonb       not null,
    mode                                 text        not null check (mode in ('payment', 'setup', 'subscription')),
    name_collection                      jsonb,
    optional_items                       jsonb,
    origin_context                       text,
    payment_intent                       text,
    payment_link                         text        references payment_links,
    payment_method_collection            text,
    payment_method_configuration_details jsonb,
    payment_method_options               jsonb       not null,
    payment_method_types                 jsonb       not null,
    payment_status                       text        not null check (payment_status in ('no_payment_required', 'paid', 'unpaid')),
    permissions                          jsonb,
    phone_number_collection              jsonb       not null,
    recovered_from                       text,
    redirect_on_completion               text,
    return_url                           text,
    saved_payment_method_options         jsonb,
    setup_intent                         text,
    shipping_address_collection          jsonb,
    shipping_cost                        jsonb,
    shipping_options                     jsonb       not null,
    status                               text        not null check (status in ('complete', 'expired', 'open')),
    submit_type                          text,
    subscription                         text,
    success_url                          text,
    tax_id_collection                    jsonb,
    total_details                        jsonb,
    ui_mode                              text        not null check (ui_mode in ('elements', 'embedded_page', 'form', 'hosted_page')),
    url                                  text,
    wallet_options                       jsonb,
    test_clock                           text,
    data                                 jsonb       not null,
    discount_ids                         jsonb       not null,
    pending                              jsonb       not null,
    attempt_until                        timestamptz,
    automatic_tax jsonb not null default '{"enabled": false, "liability": null, "provider": null, "status": null}'
);
create index checkout_sessions_by_created on checkout_sessions (tenant, created desc, id desc);
create index checkout_sessions_by_customer on checkout_sessions (customer, created desc, id desc);
create index checkout_sessions_by_payment_intent on checkout_sessions (payment_intent) where payment_intent is not null;
create index checkout_sessions_by_subscription on checkout_sessions (subscription) where subscription is not null;
create index checkout_sessions_by_awaited on checkout_sessions ((pending->>'awaits')) where pending->>'awaits' is not null;
create index checkout_sessions_by_begun on checkout_sessions ((pending->>'subscription')) where status = 'open';
create index checkout_sessions_by_payment_link on checkout_sessions (payment_link) where payment_link is not null;

-- Reasons of the seller's own, from which customers choose when they cancel.
create table feedback_options (
    tenant             text        not null default current_setting('billow.tenant'),
    id                 text        primary key,
    created            timestamptz not null,
    description        text        not null,
    status             text        not null check (status in ('active', 'inactive')),
    status_transitions jsonb       not null
);
create index feedback_options_by_created on feedback_options (tenant, created desc, id desc);

-- What customers may do in the billing portal.
create table portal_configurations (
    tenant             text        not null default current_setting('billow.tenant'),
    id                 text        primary key,
    created            timestamptz not null,
    active             boolean     not null,
    business_profile   jsonb       not null,
    default_return_url text,
    features           jsonb       not null,
    is_default         boolean     not null,
    login_page         jsonb       not null,
    metadata           jsonb       not null,
    name               text,
    updated            timestamptz not null
);
create index portal_configurations_by_created on portal_configurations (tenant, created desc, id desc);
create unique index portal_configurations_one_default on portal_configurations (tenant) where is_default;

-- One customer's entry to the billing portal.
create table portal_sessions (
    tenant           text        not null default current_setting('billow.tenant'),
    id               text        primary key,
    created          timestamptz not null,
    after_expiration jsonb,
    configuration    text        not null references portal_configurations,
    customer         text        not null references customers,
    flow             jsonb,
    locale           text,
    on_behalf_of     text,
    return_url       text,
    url              text        not null,
    expires_at       timestamptz not null
);
create index portal_sessions_by_created on portal_sessions (tenant, created desc, id desc);

-- Links to the billing portal that were asked for by mail. The link itself is not stored: it is sealed with the
-- installation's secret. Requests for addresses of nobody are noted as well, and counted alike.
create table portal_logins (
    tenant        text        not null default current_setting('billow.tenant'),
    id            text        primary key,
    created       timestamptz not null,
    configuration text        not null references portal_configurations,
    customers     jsonb       not null,
    email         text        not null,
    origin        text        not null,
    session       text        references portal_sessions,
    expires_at    timestamptz not null,
    used_at       timestamptz
);
create index portal_logins_by_email on portal_logins (tenant, email, created);
create index portal_logins_by_origin on portal_logins (tenant, origin, created);
create index portal_logins_by_created on portal_logins (tenant, created);

-- The amounts of which customers want to hear when their costs reach them, once in a period.
create table cost_alerts (
    tenant     text        not null default current_setting('billow.tenant'),
    id         text        primary key,
    created    timestamptz not null,
    customer   text        not null references customers,
    amount     bigint      not null check (amount > 0),
    currency   text        not null,
    told_until timestamptz,
    unique (tenant, customer, currency, amount)
);
create index cost_alerts_by_customer on cost_alerts (customer);

-- The lines of quotes, checkout sessions and payment links, with what they come to.
create table line_items (
    tenant          text        not null default current_setting('billow.tenant'),
    id              text        primary key,
    created         timestamptz not null,
    amount_discount bigint      not null,
    amount_subtotal bigint      not null,
    amount_tax      bigint      not null,
    amount_total    bigint      not null,
    currency        text        not null,
    description     text,
    discounts       jsonb       not null,
    price           text        not null,
    quantity        bigint      check (quantity >= 0),
    taxes           jsonb       not null,
    position        bigint      not null,
    quote           text        references quotes,
    own_discounts   jsonb       not null,
    tax_rates       jsonb       not null,
    adjustable_quantity jsonb,
    metadata        jsonb       not null,
    session         text        references checkout_sessions,
    payment_link    text        references payment_links,
    optional        boolean     not null,
    foreign key (tenant, price) references prices (tenant, id),
    constraint line_items_of_one check (num_nonnulls(quote, session, payment_link) = 1)
);
create unique index line_items_by_quote on line_items (quote, position);
create unique index line_items_by_session on line_items (session, position);
create unique index line_items_by_payment_link on line_items (payment_link, position);

-- The accounts of businesses for which a platform bills. What each of them bills is in its own tenant.
create table connected_accounts (
    tenant            text        not null default current_setting('billow.tenant'),
    id                text        primary key,
    created           timestamptz not null,
    business_profile  jsonb       not null,
    business_type     text,
    capabilities      jsonb       not null,
    charges_enabled   boolean     not null,
    company           jsonb,
    controller        jsonb       not null,
    country           text        not null,
    default_currency  text        not null,
    details_submitted boolean     not null,
    email             text,
    individual        jsonb,
    metadata          jsonb       not null,
    settings          jsonb       not null,
    tos_acceptance    jsonb       not null,
    type              text        not null,
    rejected          text,
    link              jsonb,
    requested_at      jsonb       not null default '{}'
);
create index connected_accounts_by_created on connected_accounts (tenant, created desc, id desc);

-- The people behind a connected account: its representative, owners and directors.
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

-- The bank accounts to which connected accounts are paid out; of their numbers only the end is kept.
create table external_accounts (
    tenant               text        not null default current_setting('billow.tenant'),
    id                   text        primary key,
    created              timestamptz not null,
    account              text        not null,
    account_holder_name  text,
    account_holder_type  text,
    account_type         text,
    bank_name            text,
    country              text        not null,
    currency             text        not null,
    default_for_currency boolean     not null,
    fingerprint          text,
    last4                text        not null,
    metadata             jsonb       not null,
    routing_number       text
);
create index external_accounts_by_account on external_accounts (account, created desc, id desc);

-- ----------------------------------------------------------------------------------------- bank

-- Statements of the seller's bank account, and files that could not be booked.
create table bank_statements (
    tenant    text        not null default current_setting('billow.tenant'),
    id        text        primary key,
    created   timestamptz not null,
    account   text,
    closed_on text,
    closing   bigint,
    currency  text,
    digest    text        not null,
    file      text        not null,
    name      text,
    opening   bigint,
    reason    text,
    state     text        not null check (state in ('imported', 'set_aside')),
    check ((state = 'set_aside') = (reason is not null))
);
create index bank_statements_by_created on bank_statements (tenant, created desc, id desc);
create index bank_statements_by_digest on bank_statements (tenant, digest);

-- Payments on them, and payments recorded by hand. An entry is known by the bank's reference: it is imported once.
create table bank_entries (
    tenant         text        not null default current_setting('billow.tenant'),
    id             text        primary key,
    created        timestamptz not null,
    account        text        not null,
    amount         bigint      not null,
    bank_reference text,
    batch          text,
    booked_on      text        not null,
    code           text,
    currency       text        not null,
    customer       text,
    end_to_end     text,
    iban           text,
    identity       text        not null,
    mandate        text,
    name           text,
    part           bigint      not null,
    reason         text,
    return_reason  text,
    reversal       boolean     not null,
    reversed_by    text,
    rule           text,
    state          text        not null
        check (state in ('new', 'queued', 'applied', 'ignored', 'outgoing', 'reversed')),
    statement      text        references bank_statements,
    structured     text,
    text           text,
    unapplied      bigint      not null,
    value_on       text,
    version        bigint      not null,
    refund         text        references refunds,  -- the refund of a cash balance that it transfers, or brings back
    unique (tenant, account, identity)
);
create index bank_entries_by_refund on bank_entries (refund) where refund is not null;
create index bank_entries_by_created on bank_entries (tenant, created desc, id desc);
create index bank_entries_by_statement on bank_entries (statement);
create index bank_entries_open on bank_entries (tenant, state, created) where state in ('new', 'queued');
create index bank_entries_by_iban on bank_entries (tenant, iban) where iban is not null and customer is not null;

-- What their parts were used for.
create table bank_applications (
    tenant          text        not null default current_setting('billow.tenant'),
    id              text        primary key,
    created         timestamptz not null,
    amount          bigint      not null,
    customer        text,
    entry           text        not null references bank_entries,
    invoice         text,
    invoice_payment text,
    kind            text        not null check (kind in ('balance', 'given_back', 'intent', 'invoice', 'refund', 'rounding')),
    rounding        bigint      not null,
    undone_at       timestamptz,
    payment_intent  text,                            -- without an invoice, paid whole
    refund          text        references refunds,  -- of a cash balance, or of an intent that had used it
    check (amount > 0 and rounding >= 0),
    check ((kind = 'invoice') = (invoice_payment is not null)),
    check ((kind = 'intent') = (payment_intent is not null)),
    constraint bank_applications_refund_check check ((kind in ('given_back', 'refund')) = (refund is not null))
);
create index bank_applications_by_created on bank_applications (tenant, created desc, id desc);
create index bank_applications_by_entry on bank_applications (entry);
create index bank_applications_by_invoice on bank_applications (invoice);
create index bank_applications_by_intent on bank_applications (payment_intent) where payment_intent is not null;
create index bank_applications_by_refund on bank_applications (refund) where refund is not null;

-- What customers transferred and what it paid, as Stripe's cash balance shows it.
create table cash_balance_transactions (
    tenant                 text        not null default current_setting('billow.tenant'),
    id                     text        primary key,
    created                timestamptz not null,
    applied_to_payment     jsonb,
    currency               text        not null,
    customer               text        not null references customers,
    ending_balance         bigint      not null,
    entry                  text        not null references bank_entries,
    funded                 jsonb,
    net_amount             bigint      not null check (net_amount <> 0),
    type                   text        not null
        check (type in ('adjusted_for_overdraft', 'applied_to_payment', 'funded', 'funding_reversed', 'refunded_from_payment',
            'return_canceled', 'return_initiated', 'transferred_to_balance', 'unapplied_from_payment')),
    unapplied_from_payment jsonb,
    refunded_from_payment  jsonb
);
create index cash_balance_transactions_by_created on cash_balance_transactions (tenant, created desc, id desc);
create index cash_balance_transactions_by_customer on cash_balance_transactions (customer, created desc, id desc);

-- Files of direct debits, as they were written.
create table sepa_batches (
    tenant  text        not null default current_setting('billow.tenant'),
    id      text        primary key,
    created timestamptz not null,
    amount  bigint      not null,
    content text        not null,
    count   bigint      not null
);
create index sepa_batches_by_created on sepa_batches (tenant, created desc, id desc);

-- The debits in them. An attempt is in one file only, so no account is debited twice.
create table sepa_collections (
    tenant     text        not null default current_setting('billow.tenant'),
    id         text        primary key,
    created    timestamptz not null,
    amount     bigint      not null,
    attempt    text        not null unique references attempts,
    batch      text        not null references sepa_batches,
    booked_as  text        not null,
    collect_on text        not null,
    end_to_end text        not null,
    mandate    text        not null,
    reason     text,
    sequence   text        not null check (sequence in ('FRST', 'RCUR')),
    state      text        not null check (state in ('exported', 'settled', 'rejected', 'returned')),
    unique (tenant, end_to_end)
);
create index sepa_collections_by_created on sepa_collections (tenant, created desc, id desc);
create index sepa_collections_by_batch on sepa_collections (batch);
create index sepa_collections_by_booking on sepa_collections (tenant, booked_as);
create index sepa_collections_by_mandate on sepa_collections (tenant, mandate);

-- Shares of a platform's money that go to connected accounts.
create table transfers (
    tenant              text        not null default current_setting('billow.tenant'),
    id                  text        primary key,
    created             timestamptz not null,
    amount              bigint      not null check (amount > 0),
    amount_reversed     bigint      not null check (amount_reversed between 0 and amount),
    balance_transaction text,
    currency            text        not null,
    description         text,
    destination         text        not null,
    destination_payment text        not null,
    metadata            jsonb       not null,
    reversed            boolean     not null,
    source_transaction  text,
    source_type         text,
    transfer_group      text
);
create index transfers_by_created on transfers (tenant, created desc, id desc);
create index transfers_by_source on transfers (source_transaction);

-- The parts of transfers that came back.
create table transfer_reversals (
    tenant                     text        not null default current_setting('billow.tenant'),
    id                         text        primary key,
    created                    timestamptz not null,
    amount                     bigint      not null check (amount > 0),
    balance_transaction        text,
    currency                   text        not null,
    destination_payment_refund text,
    metadata                   jsonb       not null,
    transfer                   text        not null references transfers,
    source_refund              text
);
create index transfer_reversals_by_transfer on transfer_reversals (transfer, created desc, id desc);

-- What a platform keeps of the payments of its connected accounts.
create table application_fees (
    tenant                  text        not null default current_setting('billow.tenant'),
    id                      text        primary key,
    created                 timestamptz not null,
    account                 text        not null,
    amount                  bigint      not null check (amount > 0),
    amount_refunded         bigint      not null check (amount_refunded between 0 and amount),
    balance_transaction     text,
    charge                  text        not null,
    currency                text        not null,
    originating_transaction text,
    refunded                boolean     not null
);
create index application_fees_by_created on application_fees (tenant, created desc, id desc);
create index application_fees_by_charge on application_fees (charge);
create index application_fees_by_origin on application_fees (originating_transaction);

-- The parts of fees that went back.
create table fee_refunds (
    tenant              text        not null default current_setting('billow.tenant'),
    id                  text        primary key,
    created             timestamptz not null,
    amount              bigint      not null check (amount > 0),
    balance_transaction text,
    currency            text        not null,
    fee                 text        not null references application_fees,
    metadata            jsonb       not null
);
create index fee_refunds_by_fee on fee_refunds (fee, created desc, id desc);

-- ----------------------------------------------------------------------------------------- mails

-- The seller as invoices were issued by: the same content is kept once.
create table seller_versions (
    tenant  text  not null default current_setting('billow.tenant'),
    id      text  not null,  -- the hash of what follows
    content jsonb not null,
    logo    bytea,
    primary key (tenant, id)
);

-- How far each series of numbers has come that all customers of an account and mode share.
create table number_series (
    tenant  text        not null default current_setting('billow.tenant'),
    id      text        not null,  -- its numbers without the number: ACME-2026-{number:04}
    kind    text        not null,  -- what it numbers: invoice
    created timestamptz not null,
    next    bigint      not null,
    primary key (tenant, id)
);

-- What a merchant has set for an account and mode; where there is no row, what billow does by itself.
create table merchant_settings (
    tenant        text  primary key default current_setting('billow.tenant'),
    display_name  text,   -- on mails; null: the seller's
    primary_color text,   -- of the buttons in mails, as #1D4FB8
    mails         jsonb not null default '{}',  -- whether a kind of mail is sent, by kind
    reminder_days jsonb not null default '[3, 7, 14]',  -- days after the due date
    retries       jsonb not null default '{}',  -- when a failed payment is tried again (core/dunning.py)
    void_credit_notes boolean  -- whether voiding an invoice issues a credit note; null: where the seller is in the EU
);

-- The mails that are to be sent and were sent: one for each cause, whatever happens twice.
create table mails (
    tenant    text        not null default current_setting('billow.tenant'),
    id        text        primary key,
    created   timestamptz not null,
    kind      text        not null,
    about     text        not null,  -- the id of the invoice, charge, refund, subscription or payment method
    cause     text        not null,
    customer  text,                  -- null: it goes to the merchant
    facts     jsonb       not null,
    state     text        not null check (state in ('waiting', 'sent', 'not_sent', 'bounced')),
    recipient text,
    subject   text,
    closed_at timestamptz,
    error     text,
    left_out  text,                  -- why it was sent without the machine format that the customer wants
    unique (tenant, cause)
);
create index mails_by_created on mails (tenant, created desc, id desc);
create index mails_by_about on mails (about);
create index mails_lacking on mails (tenant) where left_out is not null;
create index mails_bounced on mails (tenant, lower(recipient)) where state = 'bounced';
create index mails_closed on mails (tenant, closed_at) where state in ('sent', 'not_sent');

-- The failures of scheduled payments, each with the next attempt that was planned and the reason of its time.
create table payment_failures (
    tenant         text        not null default current_setting('billow.tenant'),
    invoice        text        not null,
    number         bigint      not null,  -- the attempts so far
    created        timestamptz not null,
    code           text        not null,
    class          text        not null,  -- of core/dunning.py
    payment_method text,
    sent           boolean     not null,  -- whether the gateway was asked
    next_at        timestamptz,           -- null: there is no further attempt
    reason         text        not null,
    primary key (tenant, invoice, number)
);

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

-- How many units of a currency a euro buys, as published for a day.
create table exchange_rates (
    tenant   text    not null default current_setting('billow.tenant'),
    currency text    not null,
    valid_on date    not null,
    rate     numeric not null check (rate > 0),
    primary key (tenant, currency, valid_on)
);

-- The taxes on sales that are made elsewhere, with their lines.
create table tax_calculations (
    tenant               text        not null default current_setting('billow.tenant'),
    id                   text        primary key,
    created              timestamptz not null,
    amount_total         bigint      not null,
    currency             text        not null,
    customer             text,
    customer_details     jsonb       not null,
    expires_at           timestamptz,
    ship_from_details    jsonb,
    shipping_cost        jsonb,
    tax_amount_exclusive bigint      not null,
    tax_amount_inclusive bigint      not null,
    tax_breakdown        jsonb       not null,
    tax_date             timestamptz not null
);

-- The lines of a tax calculation, each with its taxes.
create table tax_calculation_line_items (
    tenant        text        not null default current_setting('billow.tenant'),
    id            text        primary key,
    created       timestamptz not null,
    amount        bigint      not null,
    amount_tax    bigint      not null,
    metadata      jsonb       not null,
    product       text,
    quantity      bigint      not null,
    reference     text        not null,
    tax_behavior  text        not null,
    tax_breakdown jsonb       not null,
    tax_code      text        not null,
    calculation   text        not null references tax_calculations,
    position      bigint      not null,
    unique (calculation, position)
);

-- Sales elsewhere whose tax is owed, and what was reversed of them.
create table tax_transactions (
    tenant            text        not null default current_setting('billow.tenant'),
    id                text        primary key,
    created           timestamptz not null,
    currency          text        not null,
    customer          text,
    customer_details  jsonb       not null,
    metadata          jsonb       not null,
    posted_at         timestamptz not null,
    reference         text        not null,
    reversal          jsonb,
    ship_from_details jsonb,
    shipping_cost     jsonb,
    tax_date          timestamptz not null,
    type              text        not null check (type in ('reversal', 'transaction')),
    calculation       text        unique references tax_calculations,
    unique (tenant, reference)
);
create index tax_transactions_by_original on tax_transactions ((reversal ->> 'original_transaction'));

-- The lines of a tax transaction; those of a reversal are negative.
create table tax_transaction_line_items (
    tenant       text        not null default current_setting('billow.tenant'),
    id           text        primary key,
    created      timestamptz not null,
    amount       bigint      not null,
    amount_tax   bigint      not null,
    metadata     jsonb       not null,
    product      text,
    quantity     bigint      not null,
    reference    text        not null,
    reversal     jsonb,
    tax_behavior text        not null,
    tax_code     text        not null,
    type         text        not null,
    transaction  text        not null references tax_transactions,
    position     bigint      not null,
    unique (transaction, position)
);

-- ----------------------------------------------------------------------------------------- tenancy

-- Every table with a tenant shows and takes only the rows of the tenant that is bound; also to its owner.
do $$
declare
    name text;
begin
    for name in
        select c.table_name from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
        where c.table_schema = current_schema() and c.column_name = 'tenant' and t.table_type = 'BASE TABLE'
        and c.table_name not in ('api_keys', 'jobs', 'webhook_queue') order by c.table_name
    loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy one_tenant on %I using (tenant = current_setting(''billow.tenant'', true))', name);
    end loop;
end $$;

alter table api_keys enable row level security;
alter table api_keys force row level security;
create policy one_tenant on api_keys
    using (coalesce(current_setting('billow.tenant', true), '') in ('', tenant));

alter table webhook_queue enable row level security;
alter table webhook_queue force row level security;
create policy one_tenant on webhook_queue
    using (coalesce(current_setting('billow.tenant', true), '') in ('', tenant));

-- Billing credits of customers, which pay for usage.
create table credit_grants (
    tenant               text        not null default current_setting('billow.tenant'),
    id                   text        primary key,
    created              timestamptz not null,
    amount               jsonb       not null,
    applicability_config jsonb       not null,
    category             text        not null check (category in ('paid', 'promotional')),
    customer             text        not null references customers,
    effective_at         timestamptz not null,
    expires_at           timestamptz,
    metadata             jsonb       not null,
    name                 text,
    priority             bigint      not null check (priority between 0 and 100),
    test_clock           text,
    updated              timestamptz not null,
    voided_at            timestamptz,
    balance              bigint      not null check (balance >= 0),
    wallet               text        references wallets,
    bought_with          text        references invoices  -- the invoice of the top-up that paid for it
);
create index credit_grants_by_wallet on credit_grants (wallet) where wallet is not null;
create index credit_grants_by_bought_with on credit_grants (bought_with) where bought_with is not null;
create index credit_grants_by_created on credit_grants (tenant, created desc, id desc);
create index credit_grants_by_customer on credit_grants (customer, created desc, id desc);

-- Each change of what is left of a grant.
create table credit_balance_transactions (
    tenant       text        not null default current_setting('billow.tenant'),
    id           text        primary key,
    created      timestamptz not null,
    credit       jsonb,
    credit_grant text        not null references credit_grants,
    debit        jsonb,
    effective_at timestamptz not null,
    test_clock   text,
    type         text        not null check (type in ('credit', 'debit')),
    customer     text        not null references customers,
    invoice      text        references invoices,
    invoice_line text,
    amount       bigint      not null check (amount <> 0)
);
create index credit_balance_transactions_by_created on credit_balance_transactions (tenant, created desc, id desc);
create index credit_balance_transactions_by_customer on credit_balance_transactions (customer, created desc, id desc);
create index credit_balance_transactions_by_grant on credit_balance_transactions (credit_grant, created desc, id desc);
create index credit_balance_transactions_by_invoice on credit_balance_transactions (invoice) where invoice is not null;

alter table credit_grants enable row level security;
alter table credit_grants force row level security;
create policy one_tenant on credit_grants using (tenant = current_setting('billow.tenant', true));
alter table credit_balance_transactions enable row level security;
alter table credit_balance_transactions force row level security;
create policy one_tenant on credit_balance_transactions using (tenant = current_setting('billow.tenant', true));

-- Months of which the books are closed: softly, until they are opened again, or hard, for good. Each row closes all
-- time before its end. Rows are written by ledger/periods.py.
create table closed_periods (
    tenant  text        not null default current_setting('billow.tenant'),
    id      text        not null,  -- the month: 2026-10
    created timestamptz not null,  -- by the wall's clock
    ends    timestamptz not null,  -- in the seller's time zone
    hard    boolean     not null,
    primary key (tenant, id)
);
alter table closed_periods enable row level security;
alter table closed_periods force row level security;
create policy one_tenant on closed_periods using (tenant = current_setting('billow.tenant', true));

-- Each time that a refund without a credit note takes its part of a tax back, or gives it again since it failed, or since
-- a credit note takes it over: so what a month has declared does not change.
create table refund_taxes (
    tenant   text        not null default current_setting('billow.tenant'),
    created  timestamptz not null,
    event    text        not null,  -- of the ledger, as its source
    source   text        not null,
    refund   text        references refunds,
    currency text        not null,
    tax_rate text        not null,  -- empty: of what has no tax
    amount   bigint      not null,  -- negative: given again, as the base is
    base     bigint,  -- null: before it was kept, what the tax is of
    reason   text        default 'standard_rated',
    invoice  text        references invoices,
    primary key (tenant, source, event, tax_rate)
);
create index refund_taxes_by_refund on refund_taxes (refund);
alter table refund_taxes enable row level security;
alter table refund_taxes force row level security;
create policy one_tenant on refund_taxes using (tenant = current_setting('billow.tenant', true));

-- What is declared of taxes: invoices when they are finalized, less voided ones, credit notes and refunds.
create view tax_entries with (security_invoker = true) as
with late as (
    -- What came after its period was closed is declared in the period in which it is booked.
    select source, event, created as booked from ledger_transfers where dated is not null and sequence = 0
), documents as (
    select id as invoice, 1 as sign, finalized_at as at, id as source, 'invoice.finalized' as event
    from invoices where finalized_at is not null
    union all
    select id, -1, voided_at, id, 'invoice.voided'
    from invoices where finalized_at is not null and voided_at is not null
), notes as (
    select id, -1 as sign, created as at, id as source, 'credit_note.issued' as event
    from credit_notes where not voids
    union all
    -- A voided invoice is taken back whole, so what was credited of it counts no longer.
    select n.id, 1, coalesce(n.voided_at, i.voided_at), case when n.voided_at is null then i.id else n.id end,
        case when n.voided_at is null then 'invoice.voided' else 'credit_note.voided' end
    from credit_notes n join invoices i on i.id = n.invoice
    where not n.voids and coalesce(n.voided_at, i.voided_at) is not null
), lines as (
    select coalesce(late.booked, d.at) as at, d.sign, d.invoice, l.currency, l.taxes, l.net
    from documents d join invoice_lines l on l.invoice = d.invoice
    left join late on late.source = d.source and late.event = d.event
    union all
    select coalesce(late.booked, n.at), n.sign, c.invoice, c.currency, l.taxes, l.net
    from notes n join credit_notes c on c.id = n.id join credit_note_lines l on l.credit_note = n.id
    left join late on late.source = n.source and late.event = n.event
), entries as (
    select l.at, l.invoice, l.currency, tax -> 'tax_rate_details' ->> 'tax_rate' as tax_rate,
        tax ->> 'taxability_reason' as reason, l.sign * (tax ->> 'taxable_amount')::bigint as base,
        l.sign * (tax ->> 'amount')::bigint as tax
    from lines l cross join lateral jsonb_array_elements(l.taxes) as tax
    union all
    select l.at, l.invoice, l.currency, null, null, l.sign * l.net, 0 from lines l where l.taxes = '[]'
    union all
    -- A refund without a credit note takes its part of each base and tax back. Before bases were kept, each is what its tax is of.
    select coalesce(late.booked, r.created), r.invoice, r.currency, nullif(r.tax_rate, ''), r.reason,
        -coalesce(r.base, round(r.amount * 100 / nullif(rate.percentage, 0))::bigint, 0), -r.amount
    from refund_taxes r left join tax_rates rate on rate.id = r.tax_rate
    left join late on late.source = r.source and late.event = r.event
)
-- How each is treated is what the books say (core/books/treatments.py): of a rate by hand, by its reason and its country.
select e.at, e.invoice, e.currency, e.tax_rate, e.reason, e.base, e.tax,
    case when rate.id is null then 'untaxed'
        when rate.treatment is not null then rate.treatment
        when e.reason = 'reverse_charge' then 'eu_reverse_charge'
        when e.reason in ('customer_exempt', 'excluded_territory', 'not_collecting', 'not_subject_to_tax', 'product_exempt',
            'product_exempt_holiday', 'zero_rated') or rate.percentage = 0 then 'exempt'
        when rate.country is null or rate.country
            = (select a.country from accounts a where a.id = split_part(current_setting('billow.tenant', true), '/', 1))
            then 'domestic'
        else 'by_hand' end as treatment
from entries e left join tax_rates rate on rate.id = e.tax_rate;
-- The people who work in the dashboard. They belong to the installation and have a role for each account, so they are
-- looked up before a tenant is known. Of passwords, codes, links and sessions only hashes are kept.
create table operators (
    id             text        primary key,
    created        timestamptz not null,
    email          text        not null check (email = lower(email)),
    name           text        not null,
    password       text        not null,
    second_factor  text,  -- the sealed secret of one-time passwords
    factor_since   timestamptz,  -- when it was confirmed; null: not yet
    factor_step    bigint      not null default 0,  -- the last step whose code was used: each counts once
    recovery_codes jsonb       not null default '[]',
    failures       integer     not null default 0,
    failed_at      timestamptz
);
create unique index operators_by_email on operators (email);

-- Who may do what in which account (core/roles.py).
create table operator_roles (
    operator text not null references operators,
    account  text not null references accounts,
    role     text not null,
    primary key (account, operator)
);

-- Links with which people choose a password; each works once.
create table operator_invitations (
    digest     text        primary key,
    account    text        not null references accounts,
    role       text        not null,
    email      text,  -- null: whoever opens it first, on a new installation
    resets     boolean     not null default false,  -- whether it gives somebody who is known another password
    created    timestamptz not null,
    expires_at timestamptz not null
);

-- Lists as people have narrowed them, under names of their own; each sees their own only.
create table operator_views (
    operator text        not null references operators,
    account  text        not null references accounts,
    path     text        not null,  -- the list: '/invoices'
    name     text        not null,
    query    text        not null,  -- what narrows it, as in its address
    created  timestamptz not null,
    primary key (operator, account, path, name)
);

-- Who is signed in, in which browser.
create table operator_sessions (
    digest    text        primary key,
    operator  text        not null references operators,
    created   timestamptz not null,
    seen      timestamptz not null,
    address   text        not null,
    agent     text        not null,
    confirmed boolean     not null  -- whether the second factor was given, where there is one
);
create index operator_sessions_by_operator on operator_sessions (operator);

-- From where passwords and codes were wrong lately.
create unlogged table sign_in_failures (
    address text        not null,
    at      timestamptz not null
);
create index sign_in_failures_by_address on sign_in_failures (address, at);

-- Who did what, when and from where. Each entry holds the hash of the one before it.
create table audit_entries (
    account  text        not null references accounts,
    number   bigint      not null,
    at       timestamptz not null,
    operator text,
    who      text        not null,
    action   text        not null,
    about    text,
    details  jsonb       not null default '{}',
    address  text        not null,
    previous bytea       not null,
    hash     bytea       not null,
    primary key (account, number)
);

-- Payments that were made elsewhere, as they were reported.
create table payment_records (
    tenant                        text        not null default current_setting('billow.tenant'),
    id                            text        primary key,
    created                       timestamptz not null,
    canceled                      bigint      not null,
    currency                      text        not null,
    customer                      text        references customers,
    customer_details              jsonb,
    customer_presence             text,
    description                   text,
    failed                        bigint      not null,
    guaranteed                    bigint      not null,
    metadata                      jsonb       not null,
    payment_method_details        jsonb,
    processor_details             jsonb       not null,
    refunded                      bigint      not null,
    requested                     bigint      not null check (requested > 0),
    shipping_details              jsonb,
    guaranteed_at                 timestamptz,
    invoice                       text        references invoices,
    latest_payment_attempt_record text,
    refunds                       jsonb       not null default '[]',
    check (guaranteed in (0, requested) and refunded between 0 and guaranteed)
);
create index on payment_records (tenant, created desc, id desc);
create index on payment_records (invoice) where invoice is not null;

-- Each attempt at one, and how it ended.
create table payment_attempt_records (
    tenant                        text        not null default current_setting('billow.tenant'),
    id                            text        primary key,
    created                       timestamptz not null,
    canceled                      bigint      not null,
    currency                      text        not null,
    customer                      text        references customers,
    customer_details              jsonb,
    customer_presence             text,
    description                   text,
    failed                        bigint      not null,
    guaranteed                    bigint      not null,
    metadata                      jsonb       not null,
    payment_method_details        jsonb,
    processor_details             jsonb       not null,
    refunded                      bigint      not null,
    requested                     bigint      not null check (requested > 0),
    shipping_details              jsonb,
    initiated_at                  timestamptz not null,
    payment_record                text        not null references payment_records
);
create index on payment_attempt_records (payment_record, created desc, id desc);

-- What was given back of one corrects its part of the tax, as a refund does.
alter table refund_taxes
    add column payment_record text references payment_records,
    add constraint refund_taxes_refunded_check check (num_nonnulls(refund, payment_record) = 1);
alter table payment_records enable row level security;
alter table payment_records force row level security;
create policy one_tenant on payment_records using (tenant = current_setting('billow.tenant', true));
alter table payment_attempt_records enable row level security;
alter table payment_attempt_records force row level security;
create policy one_tenant on payment_attempt_records using (tenant = current_setting('billow.tenant', true));

-- Acts with money that operators asked for, and what became of them.
create table approvals (
    tenant     text        not null default current_setting('billow.tenant'),
    id         text        primary key,
    created    timestamptz not null,
    act        text        not null,
    about      text        not null,
    terms      jsonb       not null,
    amount     bigint      not null,
    currency   text        not null,
    asked_by   text        not null references operators,
    status     text        not null default 'waiting',
    decided_by text        references operators,
    decided_at timestamptz,
    problem    text
);
create index approvals_by_created on approvals (tenant, created desc, id desc);
create unique index approvals_waiting on approvals (tenant, act, about) where status = 'waiting';

alter table approvals enable row level security;
alter table approvals force row level security;
create policy one_tenant on approvals using (tenant = current_setting('billow.tenant', true));

-- Payouts: what gateways pay out of their balances to the bank.
create table payouts (
    tenant                      text        not null default current_setting('billow.tenant'),
    id                          text        primary key,
    created                     timestamptz not null,
    amount                      bigint      not null check (amount <> 0),
    arrival_date                timestamptz not null,
    automatic                   boolean     not null,
    balance_transaction         text,
    bank_entry                  text,
    sent_back                   boolean     not null default false,  -- by the bank that had it
    currency                    text        not null,
    description                 text,
    destination                 text,
    failure_balance_transaction text,
    failure_code                text,
    failure_message             text,
    gateway                     text        not null,
    metadata                    jsonb       not null,
    method                      text        not null check (method in ('instant', 'standard')),
    original_payout             text,
    reconciliation_status       text        not null
        check (reconciliation_status in ('completed', 'in_progress', 'not_applicable')),
    reference                   text,
    reversed_by                 text,
    source_type                 text        not null,
    statement_descriptor        text,
    status                      text        not null
        check (status in ('canceled', 'failed', 'in_transit', 'paid', 'pending'))
);
create index payouts_by_created on payouts (tenant, created desc, id desc);
create unique index payouts_by_reference on payouts (tenant, gateway, reference);

alter table payouts enable row level security;
alter table payouts force row level security;
create policy one_tenant on payouts using (tenant = current_setting('billow.tenant', true));

-- The time zone of the account's seller, whose months and days the books have.
create function seller_zone() returns text language sql stable as $$
    select coalesce((
        select nullif(seller ->> 'time_zone', '') from billow.accounts
        where id = split_part(current_setting('billow.tenant'), '/', 1)
    ), 'UTC')
$$;

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

-- What a form has collected of a payment, to confirm one intent with.
create table confirmation_tokens (
    tenant                 text        not null default current_setting('billow.tenant'),
    id                     text        primary key,
    created                timestamptz not null,
    expires_at             timestamptz not null,
    payment_intent         text,
    payment_method         text        not null,
    payment_method_options jsonb,
    payment_method_preview jsonb       not null,
    return_url             text,
    setup_future_usage     text check (setup_future_usage in ('off_session', 'on_session')),
    setup_intent           text,
    shipping               jsonb,
    check (num_nonnulls(payment_intent, setup_intent) < 2)
);
create index on confirmation_tokens (tenant, created desc, id desc);
alter table confirmation_tokens enable row level security;
alter table confirmation_tokens force row level security;
create policy one_tenant on confirmation_tokens using (tenant = current_setting('billow.tenant', true));

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

-- Keys to one customer for an hour. Like other keys they are looked up before their tenant is known.
create table ephemeral_keys (
    tenant   text        not null default current_setting('billow.tenant'),
    id       text        primary key,
    created  timestamptz not null,
    customer text        not null references customers on delete cascade,
    digest   text        not null unique,
    expires  timestamptz not null,
    hint     text        not null,
    version  text        not null
);
create index on ephemeral_keys (expires);
create index on ephemeral_keys (customer);
alter table ephemeral_keys enable row level security;
alter table ephemeral_keys force row level security;
create policy one_tenant on ephemeral_keys
    using (coalesce(current_setting('billow.tenant', true), '') in ('', tenant));

-- How the monthly recurring revenue of a subscription changed, as its events say. `sequence` is that of the event.
create table recurring_revenue (
    tenant       text        not null default current_setting('billow.tenant'),
    subscription text        not null references subscriptions on delete cascade,
    sequence     bigint      not null,
    at           timestamptz not null,
    change       bigint      not null check (change <> 0),
    currency     text        not null,
    customer     text        not null,
    primary key (tenant, subscription, sequence)
);
create index on recurring_revenue (tenant, customer);
create index on recurring_revenue (subscription);
alter table recurring_revenue enable row level security;
alter table recurring_revenue force row level security;
create policy one_tenant on recurring_revenue using (tenant = current_setting('billow.tenant', true));

-- Up to which event the changes above are read.
create table recurring_revenue_read (
    tenant   text   primary key default current_setting('billow.tenant'),
    sequence bigint not null
);
alter table recurring_revenue_read enable row level security;
alter table recurring_revenue_read force row level security;
create policy one_tenant on recurring_revenue_read using (tenant = current_setting('billow.tenant', true));

-- What moved each customer's recurring revenue, by day of the seller's time zone: `after` is `before` and `change`. It is made of the
-- changes above; a customer who never paid before is new, one who comes back is a reactivation (core/recurring.py).
create table recurring_movements (
    tenant   text   not null default current_setting('billow.tenant'),
    customer text   not null references customers on delete cascade,
    currency text   not null,
    day      date   not null,
    before   bigint not null check (before >= 0),
    change   bigint not null check (change <> 0),
    after    bigint not null check (after >= 0),
    kind     text   not null check (kind in ('churn', 'contraction', 'expansion', 'new', 'reactivation')),
    primary key (tenant, customer, currency, day),
    check (before + change = after)
);
create index on recurring_movements (tenant, day);
create index on recurring_movements (customer);
alter table recurring_movements enable row level security;
alter table recurring_movements force row level security;
create policy one_tenant on recurring_movements using (tenant = current_setting('billow.tenant', true));

-- What moved recurring revenue on a day, by kind: sums of recurring_movements, whose triggers keep them. `customers` is how many more
-- pay after it.
create table recurring_days (
    tenant    text    not null default current_setting('billow.tenant'),
    currency  text    not null,
    day       date    not null,
    kind      text    not null,
    change    numeric not null,
    customers bigint  not null,
    primary key (tenant, currency, day, kind)
);

create function add_recurring_days() returns trigger language plpgsql as $$
begin
    insert into billow.recurring_days (currency, day, kind, change, customers)
    select currency, day, kind, sum(change), count(*) filter (where before = 0) - count(*) filter (where after = 0)
    from moved group by 1, 2, 3
    on conflict (tenant, currency, day, kind) do update
    set change = recurring_days.change + excluded.change, customers = recurring_days.customers + excluded.customers;
    return null;
end $$;
create trigger recurring_movements_are_summed_up after insert on recurring_movements
    referencing new table as moved for each statement execute function add_recurring_days();

create function take_recurring_days() returns trigger language plpgsql as $$
begin
    update billow.recurring_days d set change = d.change - m.change, customers = d.customers - m.customers
    from (
        select currency, day, kind, sum(change) as change,
            count(*) filter (where before = 0) - count(*) filter (where after = 0) as customers
        from moved group by 1, 2, 3
    ) m where d.currency = m.currency and d.day = m.day and d.kind = m.kind;
    delete from billow.recurring_days where change = 0;
    return null;
end $$;
create trigger recurring_movements_are_taken_back after delete on recurring_movements
    referencing old table as moved for each statement execute function take_recurring_days();

alter table recurring_days enable row level security;
alter table recurring_days force row level security;
create policy one_tenant on recurring_days using (tenant = current_setting('billow.tenant', true));

-- The customers who paid at the start of each month, by currency, and what the month changed in their recurring revenue: how many
-- were lost and what they paid, what others pay less, and what others pay more. Reports on churn and retention read it.
create function customers_held(since_at timestamptz, until_at timestamptz) returns table (
    month timestamp, currency text, customers numeric, start numeric, lost bigint, churned numeric, contracted numeric,
    expanded numeric
) language sql stable as $$
    with zone as (
        select since_at at time zone z as since, until_at at time zone z as until from (select (select billow.seller_zone()) as z) zone
    ), months as (
        select month, greatest(month, since) as starts, least(month + interval '1 month', until) as ends
        from zone cross join lateral generate_series(
            date_trunc('month', greatest(since, (select min(day) from billow.recurring_days)::timestamp)),
            until - interval '1 microsecond', interval '1 month') as month
    ), daily as (
        select currency, day, sum(change) as change, sum(customers) as customers
        from billow.recurring_days group by 1, 2
    ), opened as (
        select m.month, d.currency, sum(d.change) as start, sum(d.customers) as customers
        from months m join daily d on d.day < m.starts
        group by 1, 2
    ), moved as (
        -- What each customer who moved in a month paid at its start, and at its end.
        select m.month, r.currency, r.customer, (array_agg(r.before order by r.day))[1] as start,
            (array_agg(r.after order by r.day desc))[1] as "end"
        from months m join billow.recurring_movements r on r.day >= m.starts and r.day < m.ends
        group by 1, 2, 3
    ), changed as (
        select month, currency, count(*) filter (where "end" = 0) as lost,
            sum(start) filter (where "end" = 0) as churned,
            sum(start - "end") filter (where "end" > 0 and "end" < start) as contracted,
            sum("end" - start) filter (where "end" > start) as expanded
        from moved where start > 0
        group by 1, 2
    ), held as (
        select o.month, o.currency, o.customers, o.start, coalesce(c.lost, 0) as lost, coalesce(c.churned, 0) as churned,
            coalesce(c.contracted, 0) as contracted, coalesce(c.expanded, 0) as expanded
        from opened o left join changed c using (month, currency)
        where o.start > 0
    )
    select h.month, h.currency, h.customers, h.start, h.lost, h.churned, h.contracted, h.expanded from held h
$$;

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

-- The numbers of vouchers: each posting has one for ever, by series and fiscal year, in the order of the journal.
create table voucher_numbers (
    tenant text        not null default current_setting('billow.tenant'),
    source text        not null,  -- of the ledger, with its event: what the voucher is
    event  text        not null,
    series text        not null,
    year   date        not null,  -- the first day of the fiscal year
    number bigint      not null check (number > 0),
    booked date        not null,  -- in the seller's time zone
    given  timestamptz not null,
    primary key (tenant, source, event),
    unique (tenant, series, year, number)
);
create index voucher_numbers_by_booked on voucher_numbers (tenant, series, booked);
alter table voucher_numbers enable row level security;
alter table voucher_numbers force row level security;
create policy one_tenant on voucher_numbers using (tenant = current_setting('billow.tenant', true));

-- A number that was given once stays with its voucher, and leaves no gap behind.
create function refuse_to_change_a_voucher_number() returns trigger language plpgsql as $$
begin
    raise exception 'the number of a voucher is final' using errcode = 'restrict_violation';
end $$;
create trigger voucher_numbers_are_final before update or delete or truncate on voucher_numbers
    for each statement execute function refuse_to_change_a_voucher_number();

-- How far the vouchers of a tenant have numbers, so that giving new ones reads only what is new (ledger/voucher_numbers.py).
create table voucher_marks (
    tenant text        primary key default current_setting('billow.tenant'),
    until  timestamptz not null,  -- what was booked before it has a number, unless a later seal covers it
    seal   bigint      not null   -- of the ledger
);
alter table voucher_marks enable row level security;
alter table voucher_marks force row level security;
create policy one_tenant on voucher_marks using (tenant = current_setting('billow.tenant', true));

-- Sums of the ledger, so that screens and reports need not add up all transfers. They hold what is sealed; functions add what is not
-- sealed yet, so that their answers are those of the transfers at every instant (docs/decisions/0054-sums-of-the-ledger.md).
-- By which time zone a tenant's sums are made; without a row, or after the zone was changed, everything reads the transfers.
create table ledger_summed (
    tenant text primary key default current_setting('billow.tenant'),
    zone   text not null
);
alter table ledger_summed enable row level security;
alter table ledger_summed force row level security;
create policy one_tenant on ledger_summed using (tenant = current_setting('billow.tenant', true));

-- What moved in a day of the seller's time zone, between accounts without their customers. `due` is the month in which an invoice is due,
-- where that is a later one.
create table ledger_days (
    tenant   text    not null default current_setting('billow.tenant'),
    day      date    not null,
    debit    text    collate "C" not null,
    credit   text    collate "C" not null,
    event    text    not null,
    currency text    not null,
    due      date,
    amount   numeric not null check (amount > 0),
    unique nulls not distinct (tenant, day, debit, credit, event, currency, due)
) with (fillfactor = 80);
alter table ledger_days enable row level security;
alter table ledger_days force row level security;
create policy one_tenant on ledger_days using (tenant = current_setting('billow.tenant', true));

-- What each account was debited and credited.
create table ledger_accounts (
    tenant   text    not null default current_setting('billow.tenant'),
    account  text    collate "C" not null,
    currency text    not null,
    debit    numeric not null check (debit >= 0),
    credit   numeric not null check (credit >= 0),
    primary key (tenant, account, currency)
) with (fillfactor = 50);
alter table ledger_accounts enable row level security;
alter table ledger_accounts force row level security;
create policy one_tenant on ledger_accounts using (tenant = current_setting('billow.tenant', true));

-- What is open: of receivables by invoice, of what is not billed by invoice, of deferred revenue by line. What nets to nothing has no row.
create table ledger_items (
    tenant   text    not null default current_setting('billow.tenant'),
    kind     text    not null check (kind in ('deferred_revenue', 'receivable', 'unbilled')),
    customer text,
    invoice  text,
    line     text,
    currency text    not null,
    amount   numeric not null,                    -- debit less credit
    due      timestamptz,                         -- when a receivable was to be paid
    unique nulls not distinct (tenant, kind, customer, invoice, line, currency)
) with (fillfactor = 50);
create index ledger_items_settled on ledger_items (tenant) where amount = 0;
alter table ledger_items enable row level security;
alter table ledger_items force row level security;
create policy one_tenant on ledger_items using (tenant = current_setting('billow.tenant', true));

-- Where a day of the seller's time zone begins: at the first of two midnights, where clocks are put back to it.
create function start_of_day(day date, zone text) returns timestamptz language sql immutable as $$
    select case when ((midnight - interval '1 hour') at time zone zone)::date = day then midnight - interval '1 hour'
        else midnight end
    from (select day::timestamp at time zone zone as midnight) as found
$$;

create function summed_account(account text) returns text language sql immutable as $$
    select case when account ^@ 'receivable:' or account ^@ 'customer_balance:' or account ^@ 'connected_share:'
        then split_part(account, ':', 1) else account end
$$;

-- Transfers as they are summed up by day.
create view ledger_moves with (security_invoker) as
    select t.id, t.created, (t.created at time zone z)::date as day, billow.summed_account(t.debit) as debit,
        billow.summed_account(t.credit) as credit, t.event, t.currency, t.amount,
        case when (t.debit ^@ 'receivable:' or t.credit ^@ 'receivable:')
            and date_trunc('month', coalesce(i.due_date, i.finalized_at) at time zone z)
                > date_trunc('month', t.created at time zone z)
            then date_trunc('month', coalesce(i.due_date, i.finalized_at) at time zone z)::date end as due
    from billow.ledger_transfers t cross join (select (select billow.seller_zone()) as z) zone
        left join billow.invoices i on i.id = t.invoice;

-- The sides of transfers, debits above zero and credits below it.
create view ledger_sides with (security_invoker) as
    select t.id, t.created, side.account, t.customer, t.invoice, t.line, t.currency, side.amount
    from billow.ledger_transfers t cross join lateral (values (t.debit, t.amount), (t.credit, -t.amount)) as side (account, amount);

-- The sides of accounts that are kept by item.
create view ledger_item_sides with (security_invoker) as
    select s.id, s.created, split_part(s.account, ':', 1) as kind,
        case when s.account ^@ 'receivable:' then substr(s.account, 12) else s.customer end as customer, s.invoice,
        case when s.account = 'deferred_revenue' then s.line end as line, s.currency, s.amount,
        case when s.account ^@ 'receivable:' then coalesce(i.due_date, i.finalized_at) end as due
    from billow.ledger_sides s left join billow.invoices i on i.id = s.invoice
    where s.account ^@ 'receivable:' or s.account in ('deferred_revenue', 'unbilled');

-- Add transfers to the sums; without ids all that are sealed.
create function sum_up_transfers(wanted text[]) returns void language plpgsql as $$
declare
    these text := case when wanted is null then 'not exists (select from billow.ledger_unsealed u where u.transfer = one.id)'
        else 'one.id = any($1)' end;
begin
    execute format('insert into billow.ledger_days (day, debit, credit, event, currency, due, amount)
        select day, debit, credit, event, currency, due, sum(amount) from billow.ledger_moves one where %s
        group by 1, 2, 3, 4, 5, 6
        on conflict (tenant, day, debit, credit, event, currency, due) do update
        set amount = ledger_days.amount + excluded.amount', these) using wanted;
    execute format('insert into billow.ledger_accounts (account, currency, debit, credit)
        select account, currency, coalesce(sum(amount) filter (where amount > 0), 0),
            coalesce(-sum(amount) filter (where amount < 0), 0)
        from billow.ledger_sides one where %s group by 1, 2
        on conflict (tenant, account, currency) do update
        set debit = ledger_accounts.debit + excluded.debit, credit = ledger_accounts.credit + excluded.credit', these)
        using wanted;
    execute format('insert into billow.ledger_items (kind, customer, invoice, line, currency, amount, due)
        select kind, customer, invoice, line, currency, sum(amount), max(due) from billow.ledger_item_sides one where %s
        group by 1, 2, 3, 4, 5 having sum(amount) <> 0
        on conflict (tenant, kind, customer, invoice, line, currency) do update
        set amount = ledger_items.amount + excluded.amount', these) using wanted;
    delete from billow.ledger_items where amount = 0;
end $$;

-- Make the sums of a tenant again, unless they are made by the seller's time zone already. Each statement sees what was committed before
-- it: where the account was changed meanwhile, some may be by another zone, so they count for nothing and are made again.
create function make_ledger_sums() returns void language plpgsql as $$
declare
    made text := billow.seller_zone();
    before xid := (select xmin from billow.accounts where id = split_part(current_setting('billow.tenant'), '/', 1));
begin
    if exists (select from billow.ledger_summed where zone = made) then
        return;
    end if;
    delete from billow.ledger_days;
    delete from billow.ledger_accounts;
    delete from billow.ledger_items;
    perform billow.sum_up_transfers(null);
    insert into billow.ledger_summed (zone) values (made) on conflict (tenant) do update set zone = excluded.zone;
    if before is distinct from
        (select xmin from billow.accounts where id = split_part(current_setting('billow.tenant'), '/', 1))
    then
        delete from billow.ledger_summed;
    end if;
end $$;

-- What is sealed is added in the same transaction, also by a worker of an older version that seals while this one is installed.
create function sum_up_the_sealed() returns trigger language plpgsql as $$
begin
    if exists (select from billow.ledger_summed where zone = billow.seller_zone()) then
        perform billow.sum_up_transfers(array(select transfer from taken));
        delete from billow.ledger_summed where zone <> billow.seller_zone();  -- if it was changed meanwhile
    else
        delete from billow.ledger_summed;
    end if;
    return null;
end $$;
create trigger ledger_unsealed_is_summed_up after delete on ledger_unsealed
    referencing old table as taken for each statement execute function sum_up_the_sealed();

-- What moved from one point in time until before another, by day of the seller's time zone and by accounts without their customers: whole
-- days as they are stored, what is not sealed yet, and the rest of the first and the last day as transfers. This function and the next
-- two are planned for their values each time, and apart from the query that asks them.
create function ledger_moved(since timestamptz, until timestamptz) returns table (
    day date, debit text, credit text, event text, currency text, due date, amount numeric
) language sql stable set search_path = billow set plan_cache_mode = force_custom_plan as $$
    with bounds as (
        select z, since at time zone z as first, case
            when exists (select from billow.ledger_transfers t where t.created >= until) then until at time zone z
            else 'infinity' end as last
        from (select (select billow.seller_zone()) as z) zone
    ), days as (
        select z, case when since = billow.start_of_day(first::date, z) then first::date else first::date + 1 end as starts,
            last::date as ends
        from bounds
    ), whole as (
        select starts, ends, billow.start_of_day(starts, z) as begun, billow.start_of_day(ends, z) as ended from days
        where starts < ends and exists (select from billow.ledger_summed s where s.zone = z)
    ), edge as (
        select coalesce((select begun from whole), until) as ended
    )
    select d.day, d.debit, d.credit, d.event, d.currency, d.due, d.amount
    from billow.ledger_days d where d.day >= (select starts from whole) and d.day < (select ends from whole)
    union all
    select m.day, m.debit, m.credit, m.event, m.currency, m.due, m.amount
    from billow.ledger_unsealed u join billow.ledger_moves m on m.id = u.transfer
    where m.created >= (select begun from whole) and m.created < (select ended from whole)
    union all
    select m.day, m.debit, m.credit, m.event, m.currency, m.due, m.amount from billow.ledger_moves m
    where m.created >= since and m.created < (select ended from edge)
    union all
    select m.day, m.debit, m.credit, m.event, m.currency, m.due, m.amount from billow.ledger_moves m
    where m.created >= (select ended from whole) and m.created < until
$$;

-- The sums of all accounts at a point in time: what is summed up and not sealed yet, without what was booked later.
create function ledger_totals(at timestamptz) returns table (account text, currency text, debit numeric, credit numeric)
language sql stable set search_path = billow set plan_cache_mode = force_custom_plan as $$
    with ready as (
        select exists (select from billow.ledger_summed s where s.zone = billow.seller_zone()) as summed
    )
    select a.account, a.currency, sum(a.debit), sum(a.credit) from (
        select l.account, l.currency, l.debit, l.credit from billow.ledger_accounts l where (select summed from ready)
        union all
        select s.account, s.currency, greatest(s.amount, 0), greatest(-s.amount, 0)
        from billow.ledger_unsealed u join billow.ledger_sides s on s.id = u.transfer where (select summed from ready)
        union all
        select s.account, s.currency, -greatest(s.amount, 0), -greatest(-s.amount, 0)
        from billow.ledger_sides s where s.created > at and (select summed from ready)
        union all
        select s.account, s.currency, greatest(s.amount, 0), greatest(-s.amount, 0)
        from billow.ledger_sides s where s.created <= at and not (select summed from ready)
    ) a group by a.account, a.currency having sum(a.debit) <> 0 or sum(a.credit) <> 0
$$;

-- What is open at a point in time on the accounts of a kind, by item, debit less credit.
create function ledger_open(of text, at timestamptz) returns table (
    customer text, invoice text, line text, currency text, amount numeric, due timestamptz
) language sql stable set search_path = billow set plan_cache_mode = force_custom_plan as $$
    with ready as (
        select exists (select from billow.ledger_summed s where s.zone = billow.seller_zone()) as summed
    )
    select o.customer, o.invoice, o.line, o.currency, sum(o.amount), max(o.due) from (
        select i.customer, i.invoice, i.line, i.currency, i.amount, i.due
        from billow.ledger_items i where i.kind = of and (select summed from ready)
        union all
        select s.customer, s.invoice, s.line, s.currency, s.amount, s.due
        from billow.ledger_unsealed u join billow.ledger_item_sides s on s.id = u.transfer
        where s.kind = of and (select summed from ready)
        union all
        select s.customer, s.invoice, s.line, s.currency, -s.amount, s.due
        from billow.ledger_item_sides s where s.kind = of and s.created > at and (select summed from ready)
        union all
        select s.customer, s.invoice, s.line, s.currency, s.amount, s.due
        from billow.ledger_item_sides s where s.kind = of and s.created <= at and not (select summed from ready)
    ) o group by 1, 2, 3, 4 having sum(o.amount) <> 0
$$;

-- Which figure of the report cash a movement belongs to, by the account on its other side.
create function cash_figure(other text) returns text language sql immutable as $$
    select case when split_part(other, ':', 1) in ('receivable', 'unapplied_cash', 'prepaid', 'revenue') then 'collected'
        when split_part(other, ':', 1) in ('refunds_payable', 'customer_balance') then 'refunded'
        when other = 'gateway_fees' then 'fees'
        when other = 'disputed' then 'disputed'
        else 'otherwise' end
$$;

-- Which figure of the report collections a movement of receivables belongs to. What a voided invoice takes back from revenue and tax
-- is billed less; what it takes back from elsewhere is not.
create function collections_figure(event text, other text) returns text language sql immutable as $$
    select case when event = 'invoice.finalized' then 'billed'
        when event = 'invoice.voided' and split_part(other, ':', 1) in ('deferred_revenue', 'unbilled', 'revenue', 'tax_payable')
            then 'billed'
        when split_part(other, ':', 1) in ('clearing', 'bank', 'unapplied_cash') then 'collected'
        when other = 'bad_debt' then 'written_off'
        when event ^@ 'credit_note.' then 'credited'
        else 'otherwise' end
$$;

-- Which figure of the report deferred_by_month a movement of deferred revenue belongs to.
create function deferred_figure(event text) returns text language sql immutable as $$
    select case event when 'invoice.finalized' then 'billed' when 'revenue.recognized' then 'earned' else 'taken_back' end
$$;

-- Which figure of the report gateways a movement of what a gateway holds belongs to.
create function gateways_figure(event text) returns text language sql immutable as $$
    select case when event = 'payment.succeeded' then 'collected'
        when event ^@ 'refund.' then 'refunded'
        when event = 'gateway.fee' then 'fees'
        when event ^@ 'payout.' or event ^@ 'bank.' then 'paid_out'
        else 'otherwise' end
$$;

-- Which figure of the report net_revenue a movement of an account of revenue belongs to.
create function net_revenue_figure(account text) returns text language sql immutable as $$
    select case account when 'revenue_adjustments' then 'given_back' else 'earned' end
$$;
