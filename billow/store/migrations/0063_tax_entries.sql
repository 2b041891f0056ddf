-- What is declared of taxes, one place for all returns: invoices when they are finalized, less those that are voided,
-- less credit notes, less what refunds have corrected.
create view tax_entries with (security_invoker = true) as
with documents as (
    select id as invoice, 1 as sign, finalized_at as at from invoices where finalized_at is not null
    union all
    select id, -1, voided_at from invoices where finalized_at is not null and voided_at is not null
), notes as (
    select id, -1 as sign, created as at from credit_notes where not voids
    union all
    -- A voided invoice is taken back whole, so what was credited of it counts no longer.
    select n.id, 1, coalesce(n.voided_at, i.voided_at) from credit_notes n join invoices i on i.id = n.invoice
    where not n.voids and coalesce(n.voided_at, i.voided_at) is not null
), lines as (
    select d.at, d.sign, d.invoice, l.currency, l.taxes, l.net
    from documents d join invoice_lines l on l.invoice = d.invoice
    union all
    select n.at, n.sign, c.invoice, c.currency, l.taxes, l.net
    from notes n join credit_notes c on c.id = n.id join credit_note_lines l on l.credit_note = n.id
)
select l.at, l.invoice, l.currency, tax -> 'tax_rate_details' ->> 'tax_rate' as tax_rate,
    tax ->> 'taxability_reason' as reason, l.sign * (tax ->> 'taxable_amount')::bigint as base,
    l.sign * (tax ->> 'amount')::bigint as tax
from lines l cross join lateral jsonb_array_elements(l.taxes) as tax
union all
select l.at, l.invoice, l.currency, null, null, l.sign * l.net, 0 from lines l where l.taxes = '[]'
union all
-- A refund without a credit note takes its part of each tax back; its base is what that tax is of.
select b.created, null, r.currency, rate.id, 'standard_rated',
    -round((tax ->> 'amount')::bigint * 100 / rate.percentage)::bigint, -(tax ->> 'amount')::bigint
from refunds r join balance_transactions b on b.id = r.balance_transaction
cross join lateral jsonb_array_elements(r.granted -> 'taxes') as tax
join tax_rates rate on rate.id = tax ->> 'tax_rate'
where r.status = 'succeeded' and rate.percentage > 0;
