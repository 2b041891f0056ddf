-- What revenue is left of what was earned after what was given back, by month and currency?
-- Earned is the account revenue with breakage, given back is revenue_adjustments: credit notes on what was earned, refunds and
-- credits that were given away. Months are those of the seller's time zone.
with days as (
    select date_trunc('month', day::timestamp) as month, debit, credit, currency, sum(amount) as amount
    from ledger_moved(%(from)s, %(to)s) group by 1, 2, 3, 4
), moved as (
    select month, credit as account, currency, amount from days
    where credit ^@ 'revenue:' or credit in ('breakage', 'revenue_adjustments')
    union all
    select month, debit, currency, -amount from days
    where debit ^@ 'revenue:' or debit in ('breakage', 'revenue_adjustments')
)
select to_char(month, 'YYYY-MM') as month, currency,
    coalesce(sum(amount) filter (where net_revenue_figure(account) = 'earned'), 0) as earned,
    coalesce(-sum(amount) filter (where net_revenue_figure(account) = 'given_back'), 0) as given_back,
    sum(amount) as net
from moved
group by 1, 2
order by currency, month
