-- How much revenue was earned between two points in time, by month, product and currency?
-- Months are those of the seller's time zone, in which it is earned.
-- Later reductions by credit notes are in the account revenue_adjustments and are not included.
with moved as (
    select day, substr(credit, 9) as product, currency, amount from ledger_moved(%(from)s, %(to)s) where credit ^@ 'revenue:'
    union all
    select day, substr(debit, 9), currency, -amount from ledger_moved(%(from)s, %(to)s) where debit ^@ 'revenue:'
)
select to_char(day, 'YYYY-MM') as month, product, currency, sum(amount)::bigint as amount
from moved
group by month, product, currency
order by month, currency, product
