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
    unique (tenant, number)
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
    check ((type = 'invoice_line_item') = (invoice_line_item is not null))
);
create index credit_note_lines_by_note on credit_note_lines (credit_note, position, id);
create index credit_note_lines_by_line on credit_note_lines (invoice_line_item);

alter table credit_notes enable row level security;
alter table credit_notes force row level security;
create policy one_tenant on credit_notes using (tenant = current_setting('billow.tenant', true));
alter table credit_note_lines enable row level security;
alter table credit_note_lines force row level security;
create policy one_tenant on credit_note_lines using (tenant = current_setting('billow.tenant', true));

-- What credit notes took off an invoice, and off the net of each of its lines.
alter table invoices add column post_payment_credit_notes_amount bigint not null default 0;
alter table invoices add column pre_payment_credit_notes_amount bigint not null default 0;
alter table invoice_lines add column credited bigint not null default 0;

-- How much of a refund is on credit notes; `granted` is how the rest was booked: its net and its taxes.
alter table refunds add column credited bigint not null default 0;
alter table refunds add column granted jsonb;

-- Whether voiding an invoice issues a credit note. Null: where the seller is in the European Union.
alter table merchant_settings add column void_credit_notes boolean;
