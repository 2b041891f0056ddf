-- How many days of sales wait to be paid at the end of each month, by currency?
-- DSO is receivables at the month's end / what the month's invoices added to them, with tax, * days of the month. Months are
-- those of the seller's time zone.
with days as (
    select date_trunc('month', day::timestamp) as month, debit, credit, event, currency, sum(amount) as amount
    from ledger_moved('-infinity', %(to)s) group by 1, 2, 3, 4, 5
), moved as (
    select month, event, credit as other, currency, amount from days where debit = 'receivable'
    union all
    select month, event, debit, currency, -amount from days where credit = 'receivable'
), monthly as (
    select month, currency, sum(amount) as change,
        coalesce(sum(amount) filter (where collections_figure(event, other) = 'billed'), 0) as billed
    from moved
    group by 1, 2
), months as (
    select currency, month
    from (select currency, min(month) as first from monthly group by 1) begun cross join lateral generate_series(
        first, date_trunc('month', (%(to)s::timestamptz - interval '1 microsecond') at time zone (select seller_zone())),
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
where (month + interval '1 month') at time zone (select seller_zone()) > %(from)s
order by currency, month
