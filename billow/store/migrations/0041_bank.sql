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
    unique (tenant, account, identity)
);
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
    kind            text        not null check (kind in ('balance', 'invoice', 'rounding')),
    rounding        bigint      not null,
    undone_at       timestamptz,
    check (amount > 0 and rounding >= 0),
    check ((kind = 'invoice') = (invoice_payment is not null))
);
create index bank_applications_by_created on bank_applications (tenant, created desc, id desc);
create index bank_applications_by_entry on bank_applications (entry);
create index bank_applications_by_invoice on bank_applications (invoice);

alter table bank_statements enable row level security;
alter table bank_statements force row level security;
create policy one_tenant on bank_statements using (tenant = current_setting('billow.tenant', true));
alter table bank_entries enable row level security;
alter table bank_entries force row level security;
create policy one_tenant on bank_entries using (tenant = current_setting('billow.tenant', true));
alter table bank_applications enable row level security;
alter table bank_applications force row level security;
create policy one_tenant on bank_applications using (tenant = current_setting('billow.tenant', true));

alter table invoices add column amount_overpaid bigint not null default 0;
