-- What revenue is left of what was earned after what was given back, by month and currency?
-- Earned is the account revenue with breakage, given back is revenue_adjustments: credit notes on what was earned, refunds and
-- credits that were given away. Months are those of the seller's time zone.
with moved as (
    select created, credit as account, currency, amount from ledger_transfers
    where (credit ^@ 'revenue:' or credit in ('breakage', 'revenue_adjustments'))
        and created >= %(from)s and created < %(to)s
    union all
    select created, debit, currency, -amount from ledger_transfers
    where (debit ^@ 'revenue:' or debit in ('breakage', 'revenue_adjustments'))
        and created >= %(from)s and created < %(to)s
)
select to_char(created at time zone (select seller_zone()), 'YYYY-MM') as month, currency,
    coalesce(sum(amount) filter (where account <> 'revenue_adjustments'), 0) as earned,
    coalesce(-sum(amount) filter (where account = 'revenue_adjustments'), 0) as given_back,
    sum(amount) as net
from moved
group by 1, 2
order by currency, month
