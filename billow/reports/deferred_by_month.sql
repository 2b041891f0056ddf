-- How did deferred revenue move from month to month: invoiced in advance, earned, and credited or voided, by currency?
-- Months are those of the seller's time zone. Opening, billed and taken back, less earned, is the closing balance.
with days as (
    select date_trunc('month', day::timestamp) as month, debit, credit, event, currency, sum(amount) as amount
    from ledger_moved('-infinity', %(to)s) group by 1, 2, 3, 4, 5
), moved as (
    select month, event, currency, amount from days where credit = 'deferred_revenue'
    union all
    select month, event, currency, -amount from days where debit = 'deferred_revenue'
), monthly as (
    select month, currency, sum(amount) as change,
        coalesce(sum(amount) filter (where deferred_figure(event) = 'billed'), 0) as billed,
        coalesce(-sum(amount) filter (where deferred_figure(event) = 'earned'), 0) as earned
    from moved
    group by 1, 2
), months as (
    select currency, month
    from (select currency, min(month) as first from monthly group by 1) begun cross join lateral generate_series(
        first, date_trunc('month', (%(to)s::timestamptz - interval '1 microsecond') at time zone (select seller_zone())),
        interval '1 month') as month
), running as (
    select month, currency, coalesce(change, 0) as change, coalesce(billed, 0) as billed, coalesce(earned, 0) as earned,
        sum(coalesce(change, 0)) over (partition by currency order by month) as closing
    from months left join monthly using (month, currency)
)
select to_char(month, 'YYYY-MM') as month, currency, closing - change as opening, billed, earned,
    change - billed + earned as taken_back, closing
from running
where (month + interval '1 month') at time zone (select seller_zone()) > %(from)s
order by currency, month
