-- A refund without a credit note keeps the base of each rate, of what has no tax too (the rate ''), with the reason and the invoice:
-- so returns have what a credit note of the same amount would give. Of earlier refunds the base is worked back from the tax.
alter table refund_taxes
    add column base bigint,
    add column reason text default 'standard_rated',
    add column invoice text references invoices;

-- What is declared of taxes: invoices when they are finalized, less voided ones, credit notes and refunds.
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
