-- Checkout sessions, payment links and the billing portal.

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
    mode                        text        not null check (mode in ('payment', 'setup', 'subscription'))
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
    attempt_until                        timestamptz
);
create index checkout_sessions_by_created on checkout_sessions (tenant, created desc, id desc);
create index checkout_sessions_by_customer on checkout_sessions (customer, created desc, id desc);
create index checkout_sessions_by_payment_intent on checkout_sessions (payment_intent) where payment_intent is not null;
create index checkout_sessions_by_subscription on checkout_sessions (subscription) where subscription is not null;
create index checkout_sessions_by_payment_link on checkout_sessions (payment_link) where payment_link is not null;

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

-- Their lines stand beside those of quotes.
alter table line_items alter column quote drop not null;
alter table line_items add column adjustable_quantity jsonb;
alter table line_items add column metadata jsonb;
update line_items set metadata = '{}';
alter table line_items alter column metadata set not null;
alter table line_items add column session text references checkout_sessions;
alter table line_items add column payment_link text references payment_links;
alter table line_items add column optional boolean;
update line_items set optional = false;
alter table line_items alter column optional set not null;
alter table line_items add constraint line_items_of_one check (num_nonnulls(quote, session, payment_link) = 1);
create unique index line_items_by_session on line_items (session, position);
create unique index line_items_by_payment_link on line_items (payment_link, position);

do $$
declare
    name text;
begin
    foreach name in array array['payment_links', 'checkout_sessions', 'portal_configurations', 'portal_sessions'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy one_tenant on %I using (tenant = current_setting(''billow.tenant'', true))', name);
    end loop;
end $$;
