-- Which sales to businesses in other member states go on the EC sales list, by VAT number?
-- Services are those with reverse charge, also by a tax rate of the seller's own where the buyer has a number of another state. What is voided or credited is deducted when that happens; what comes to nothing has no row.
with numbers as (
    select invoice.id as invoice, (
        select upper(regexp_replace(tax_id ->> 'value', '[^A-Za-z0-9]', '', 'g'))
        from jsonb_array_elements(invoice.customer_tax_ids) as tax_id
        where tax_id ->> 'type' = 'eu_vat' limit 1
    ) as number
    from invoices invoice
), home as (
    select country from accounts where id = split_part(current_setting('billow.tenant', true), '/', 1)
)
select case left(numbers.number, 2) when 'EL' then 'GR' else coalesce(left(numbers.number, 2), rate.country) end as country,
    coalesce(numbers.number, '(no number)') as vat_number,
    case entry.treatment when 'eu_goods' then 'goods' else 'services' end as kind,
    entry.currency, sum(entry.base)::bigint as base
from tax_entries entry join tax_rates rate on rate.id = entry.tax_rate join numbers on numbers.invoice = entry.invoice
    cross join home
where entry.at >= %(from)s and entry.at < %(to)s and entry.treatment in ('eu_goods', 'eu_reverse_charge')
    and (rate.treatment is not null or left(numbers.number, 2) <> replace(home.country, 'GR', 'EL'))
group by 1, 2, 3, 4
having sum(entry.base) <> 0
order by 1, 2, 3, 4
