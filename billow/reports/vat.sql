-- Which bases and taxes are declared between two points in time, by country, treatment and rate?
-- What is voided, credited or refunded is deducted when that happens; what comes to nothing has no row. Of stacked taxes each jurisdiction has its own base.
select rate.country,
    coalesce(rate.jurisdiction, nullif(concat_ws('-', rate.country, rate.state), ''), rate.display_name) as jurisdiction,
    entry.treatment, trim_scale(coalesce(rate.percentage, 0))::text as rate, entry.currency,
    sum(entry.base)::bigint as base, sum(entry.tax)::bigint as tax
from tax_entries entry left join tax_rates rate on rate.id = entry.tax_rate
where entry.at >= %(from)s and entry.at < %(to)s
group by rate.country, 2, 3, coalesce(rate.percentage, 0), entry.currency
having sum(entry.base) <> 0 or sum(entry.tax) <> 0
order by rate.country nulls last, 2, 3, coalesce(rate.percentage, 0), entry.currency
