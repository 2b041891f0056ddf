-- What is declared in the one-stop shop for sales between two points in time, by state of consumption and rate?
-- A voided invoice is deducted when it was voided. Amounts are in the currencies of the invoices.
with dated as (
    select id, 1 as sign from invoices where finalized_at >= %(from)s and finalized_at < %(to)s
    union all
    select id, -1 from invoices
    where finalized_at is not null and voided_at >= %(from)s and voided_at < %(to)s
)
select rate.country, trim_scale(rate.percentage)::text as rate,
    case when tax ->> 'taxability_reason' = 'standard_rated' then 'standard' else 'reduced' end as kind,
    line.currency, sum(sign * (tax ->> 'taxable_amount')::bigint)::bigint as base,
    sum(sign * (tax ->> 'amount')::bigint)::bigint as tax
from dated join invoice_lines line on line.invoice = dated.id
cross join lateral jsonb_array_elements(line.taxes) as tax
join tax_rates rate on rate.id = tax -> 'tax_rate_details' ->> 'tax_rate'
where rate.treatment = 'oss'
group by 1, rate.percentage, 3, 4
order by 1, rate.percentage, 3, 4
