-- Which sales to businesses in other member states go on the EC sales list, by VAT number?
-- Services are those with reverse charge. A voided invoice is deducted when it was voided.
with dated as (
    select id, customer_tax_ids, 1 as sign from invoices
    where finalized_at >= %(from)s and finalized_at < %(to)s
    union all
    select id, customer_tax_ids, -1 from invoices
    where finalized_at is not null and voided_at >= %(from)s and voided_at < %(to)s
)
select rate.country,
    coalesce(
        (
            select upper(regexp_replace(number ->> 'value', '[^A-Za-z0-9]', '', 'g'))
            from jsonb_array_elements(dated.customer_tax_ids) as number
            where number ->> 'type' = 'eu_vat' limit 1
        ),
        '(no number)'
    ) as vat_number,
    case rate.treatment when 'eu_goods' then 'goods' else 'services' end as kind,
    line.currency, sum(sign * (tax ->> 'taxable_amount')::bigint)::bigint as base
from dated join invoice_lines line on line.invoice = dated.id
cross join lateral jsonb_array_elements(line.taxes) as tax
join tax_rates rate on rate.id = tax -> 'tax_rate_details' ->> 'tax_rate'
where rate.treatment in ('eu_goods', 'eu_reverse_charge')
group by 1, 2, 3, 4
order by 1, 2, 3, 4
