-- Which bases and taxes were invoiced between two points in time, by country, treatment and rate?
-- A voided invoice is deducted when it was voided. Of stacked taxes each jurisdiction has its own base.
with dated as (
    select id, 1 as sign from invoices where finalized_at >= %(from)s and finalized_at < %(to)s
    union all
    select id, -1 from invoices
    where finalized_at is not null and voided_at >= %(from)s and voided_at < %(to)s
), taxed as (
    select line.currency, sign, rate.country, coalesce(rate.jurisdiction, rate.display_name) as jurisdiction,
        coalesce(rate.treatment, 'by hand') as treatment, rate.percentage,
        (tax ->> 'taxable_amount')::bigint as base, (tax ->> 'amount')::bigint as amount
    from dated join invoice_lines line on line.invoice = dated.id
    cross join lateral jsonb_array_elements(line.taxes) as tax
    join tax_rates rate on rate.id = tax -> 'tax_rate_details' ->> 'tax_rate'
    union all
    select line.currency, sign, null, null, 'untaxed', 0, line.net, 0
    from dated join invoice_lines line on line.invoice = dated.id
    where line.taxes = '[]'
)
select country, jurisdiction, treatment, trim_scale(percentage)::text as rate, currency,
    sum(sign * base)::bigint as base, sum(sign * amount)::bigint as tax
from taxed
group by country, jurisdiction, treatment, percentage, currency
order by country nulls last, jurisdiction, treatment, percentage, currency
