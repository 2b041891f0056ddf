-- How much of what could be collected was collected, by month and currency?
-- Opening and billed, less collected, credited, written off and what else, is the closing balance of receivables. Effectiveness is
-- (opening + billed - closing) / (opening + billed - closing that is not due yet). Months are those of the seller's time zone.
with moved as (
    select date_trunc('month', day::timestamp) as month, debit, credit, event, currency, due, sum(amount) as amount
    from ledger_moved('-infinity', %(to)s) group by 1, 2, 3, 4, 5, 6
), sides as (
    select month, event, credit as other, currency, due, amount from moved where debit = 'receivable'
    union all
    select month, event, debit, currency, due, -amount from moved where credit = 'receivable'
), sorted as (
    select m.month, m.currency, m.amount, m.due, collections_figure(m.event, m.other) as what
    from sides m
), grouped as (
    select month, currency, due, what, sum(amount) as amount from sorted group by 1, 2, 3, 4
), monthly as (
    select month, currency, sum(amount) as change,
        coalesce(sum(amount) filter (where what = 'billed'), 0) as billed,
        coalesce(-sum(amount) filter (where what = 'collected'), 0) as collected,
        coalesce(-sum(amount) filter (where what = 'credited'), 0) as credited,
        coalesce(-sum(amount) filter (where what = 'written_off'), 0) as written_off,
        coalesce(-sum(amount) filter (where what = 'otherwise'), 0) as otherwise
    from grouped group by 1, 2
), months as (
    select currency, month
    from (select currency, min(month) as first from monthly group by 1) begun cross join lateral generate_series(
        first, date_trunc('month', (%(to)s::timestamptz - interval '1 microsecond') at time zone (select seller_zone())),
        interval '1 month') as month
), running as (
    select month, currency, coalesce(change, 0) as change, coalesce(billed, 0) as billed,
        coalesce(collected, 0) as collected, coalesce(credited, 0) as credited, coalesce(written_off, 0) as written_off,
        coalesce(otherwise, 0) as otherwise, sum(coalesce(change, 0)) over (partition by currency order by month) as closing,
        (select coalesce(sum(g.amount), 0) from grouped g
         where g.currency = months.currency and g.month <= months.month and g.due > months.month) as not_due
    from months left join monthly using (month, currency)
)
select to_char(month, 'YYYY-MM') as month, currency, closing - change as opening, billed, collected, credited,
    written_off, otherwise, closing, not_due,
    coalesce(round(100 * (billed - change) / nullif(closing - change + billed - not_due, 0), 1)::text || ' %%', 'n/a')
        as effectiveness
from running
where (month + interval '1 month') at time zone (select seller_zone()) > %(from)s
order by currency, month
