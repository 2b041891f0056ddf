-- An outbox of mails, and what merchants have set for their account and mode.

-- What a merchant has set for an account and mode; where there is no row, what billow does by itself.
create table merchant_settings (
    tenant        text  primary key default current_setting('billow.tenant'),
    display_name  text,   -- on mails; null: the seller's
    primary_color text,   -- of the buttons in mails, as #1D4FB8
    mails         jsonb not null default '{}',  -- whether a kind of mail is sent, by kind
    reminder_days jsonb not null default '[3, 7, 14]',  -- days after the due date
    retries       jsonb not null default '{}'   -- when a failed payment is tried again (core/dunning.py)
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
    unique (tenant, cause)
);
create index mails_by_created on mails (tenant, created desc, id desc);
create index mails_by_about on mails (about);
create index mails_bounced on mails (tenant, lower(recipient)) where state = 'bounced';

-- The migration sees the invoices of all tenants: their security is lifted until its end.
alter table invoices no force row level security;

-- Invoices that wait to be mailed get their row in the outbox.
insert into mails (tenant, id, created, kind, about, cause, customer, facts, state)
    select j.tenant, 'mail_' || substr(j.ref, 4), j.run_at, 'invoice', j.ref, 'invoice ' || j.ref, i.customer, '{}',
        'waiting'
    from jobs j join invoices i on i.id = j.ref where j.kind = 'invoice.mail';
update jobs set kind = 'mail.send', ref = 'mail_' || substr(ref, 4) where kind = 'invoice.mail';
alter table invoices force row level security;

alter table merchant_settings enable row level security;
alter table merchant_settings force row level security;
create policy one_tenant on merchant_settings using (tenant = current_setting('billow.tenant', true));

alter table mails enable row level security;
alter table mails force row level security;
create policy one_tenant on mails using (tenant = current_setting('billow.tenant', true));
