-- How did cash move from month to month: collected, refunded, kept as fees and disputed, by currency?
-- Cash is what the bank has, what gateways hold, and payouts in transit; what moves between these is no movement of it. Months are
-- those of the seller's time zone; one without a movement has its row too.
with moved as (
    select date_trunc('month', day::timestamp) as month, debit, credit, currency, sum(amount) as amount
    from ledger_moved('-infinity', %(to)s) group by 1, 2, 3, 4
), sides as (
    select month, currency, amount, debit as account, credit as other from moved
    where debit ^@ 'clearing:' or debit in ('bank', 'in_transit')
    union all
    select month, currency, -amount, credit, debit from moved
    where credit ^@ 'clearing:' or credit in ('bank', 'in_transit')
), sorted as (
    select month, currency, amount, cash_figure(other) as what
    from sides
    where not (other ^@ 'clearing:' or other in ('bank', 'in_transit'))
), monthly as (
    select month, currency, sum(amount) as change,
        coalesce(sum(amount) filter (where what = 'collected'), 0) as collected,
        coalesce(-sum(amount) filter (where what = 'refunded'), 0) as refunded,
        coalesce(-sum(amount) filter (where what = 'fees'), 0) as fees,
        coalesce(-sum(amount) filter (where what = 'disputed'), 0) as disputed,
        coalesce(sum(amount) filter (where what = 'otherwise'), 0) as otherwise
    from sorted group by 1, 2
), months as (
    select currency, month
    from (select currency, min(month) as first from monthly group by 1) begun cross join lateral generate_series(
        first, date_trunc('month', (%(to)s::timestamptz - interval '1 microsecond') at time zone (select seller_zone())),
        interval '1 month') as month
), running as (
    select month, currency, coalesce(change, 0) as change, coalesce(collected, 0) as collected,
        coalesce(refunded, 0) as refunded, coalesce(fees, 0) as fees, coalesce(disputed, 0) as disputed,
        coalesce(otherwise, 0) as otherwise, sum(coalesce(change, 0)) over (partition by currency order by month) as closing
    from months left join monthly using (month, currency)
)
select to_char(month, 'YYYY-MM') as month, currency, closing - change as opening, collected, refunded, fees, disputed,
    otherwise, closing
from running
where (month + interval '1 month') at time zone (select seller_zone()) > %(from)s
order by currency, month
