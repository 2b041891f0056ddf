-- Which sales to businesses in other member states go on the EC sales list, by VAT number?
-- Services are those with reverse charge. What is voided or credited is deducted when that happens.
select rate.country,
    coalesce(
        (
            select upper(regexp_replace(tax_id ->> 'value', '[^A-Za-z0-9]', '', 'g'))
            from jsonb_array_elements(invoice.customer_tax_ids) as tax_id
            where tax_id ->> 'type' = 'eu_vat' limit 1
        ),
        '(no number)'
    ) as vat_number,
    case rate.treatment when 'eu_goods' then 'goods' else 'services' end as kind,
    entry.currency, sum(entry.base)::bigint as base
from tax_entries entry join tax_rates rate on rate.id = entry.tax_rate join invoices invoice on invoice.id = entry.invoice
where entry.at >= %(from)s and entry.at < %(to)s and rate.treatment in ('eu_goods', 'eu_reverse_charge')
group by 1, 2, 3, 4
order by 1, 2, 3, 4
