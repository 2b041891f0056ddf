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
