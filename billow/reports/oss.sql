-- What is declared in the one-stop shop for sales between two points in time, by state of consumption and rate?
-- What is voided, credited or refunded is deducted when that happens; what comes to nothing has no row. Amounts are in the currencies of the invoices.
select rate.country, trim_scale(rate.percentage)::text as rate,
    case when entry.reason = 'standard_rated' then 'standard' else 'reduced' end as kind,
    entry.currency, sum(entry.base)::bigint as base, sum(entry.tax)::bigint as tax
from tax_entries entry join tax_rates rate on rate.id = entry.tax_rate
where entry.at >= %(from)s and entry.at < %(to)s and entry.treatment = 'oss'
group by 1, rate.percentage, 3, 4
having sum(entry.base) <> 0 or sum(entry.tax) <> 0
order by 1, rate.percentage, 3, 4
