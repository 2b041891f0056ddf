-- Transfers may be booked later than they happened, because their period was closed.
alter table ledger_transfers add column dated timestamptz;
create index ledger_transfers_late on ledger_transfers (tenant, source, event) where dated is not null;

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

create or replace view tax_entries with (security_invoker = true) as
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
)
select l.at, l.invoice, l.currency, tax -> 'tax_rate_details' ->> 'tax_rate' as tax_rate,
    tax ->> 'taxability_reason' as reason, l.sign * (tax ->> 'taxable_amount')::bigint as base,
    l.sign * (tax ->> 'amount')::bigint as tax
from lines l cross join lateral jsonb_array_elements(l.taxes) as tax
union all
select l.at, l.invoice, l.currency, null, null, l.sign * l.net, 0 from lines l where l.taxes = '[]'
union all
-- A refund without a credit note takes its part of each tax back; its base is what that tax is of.
select coalesce(late.booked, b.created), null, r.currency, rate.id, 'standard_rated',
    -round((tax ->> 'amount')::bigint * 100 / rate.percentage)::bigint, -(tax ->> 'amount')::bigint
from refunds r join balance_transactions b on b.id = r.balance_transaction
cross join lateral jsonb_array_elements(r.granted -> 'taxes') as tax
join tax_rates rate on rate.id = tax ->> 'tax_rate'
left join late on late.source = r.id and late.event = 'refund.granted'
where r.status = 'succeeded' and rate.percentage > 0;
