-- How many days of sales wait to be paid at the end of each month, by currency?
-- DSO is receivables at the month's end / what the month's invoices added to them, with tax, * days of the month. Months are
-- those of the seller's time zone.
with moved as (
    select created, event, credit as other, currency, amount from ledger_transfers
    where debit ^@ 'receivable:' and created < %(to)s
    union all
    select created, event, debit, currency, -amount from ledger_transfers
    where credit ^@ 'receivable:' and created < %(to)s
), monthly as (
    select date_trunc('month', created at time zone z) as month, currency, sum(amount) as change,
        coalesce(sum(amount) filter (where event = 'invoice.finalized' or event = 'invoice.voided'
            and (other in ('deferred_revenue', 'unbilled') or other ^@ 'revenue:' or other ^@ 'tax_payable:')), 0) as billed
    from moved cross join (select seller_zone() as z) zone
    group by 1, 2
), months as (
    select currency, month
    from (select currency, min(month) as first from monthly group by 1) begun cross join lateral generate_series(
        first, date_trunc('month', (%(to)s::timestamptz - interval '1 microsecond') at time zone seller_zone()),
        interval '1 month') as month
), running as (
    select month, currency, coalesce(billed, 0) as billed,
        sum(coalesce(change, 0)) over (partition by currency order by month) as receivables,
        extract(day from month + interval '1 month' - interval '1 day') as days
    from months left join monthly using (month, currency)
)
select to_char(month, 'YYYY-MM') as month, currency, receivables, billed,
    coalesce(round(receivables * days / nullif(greatest(billed, 0), 0), 1)::text, 'n/a') as dso
from running
where (month + interval '1 month') at time zone seller_zone() > %(from)s
order by currency, month
