-- What did each gateway collect, refund, keep as fees and pay out between two points in time, and what does it still hold?
with moved as (
    select debit, credit, event, currency, false as within, sum(amount) as amount
    from ledger_moved('-infinity', %(from)s) group by 1, 2, 3, 4
    union all
    select debit, credit, event, currency, true, sum(amount) from ledger_moved(%(from)s, %(to)s) group by 1, 2, 3, 4
), sides as (
    select event, substr(debit, 10) as gateway, currency, within, amount from moved where debit ^@ 'clearing:'
    union all
    select event, substr(credit, 10), currency, within, -amount from moved where credit ^@ 'clearing:'
), sorted as (
    select gateway, currency, amount, within, gateways_figure(event) as what
    from sides
)
select gateway, currency, coalesce(sum(amount) filter (where not within), 0) as opening,
    coalesce(sum(amount) filter (where within and what = 'collected'), 0) as collected,
    coalesce(-sum(amount) filter (where within and what = 'refunded'), 0) as refunded,
    coalesce(-sum(amount) filter (where within and what = 'fees'), 0) as fees,
    coalesce(-sum(amount) filter (where within and what = 'paid_out'), 0) as paid_out,
    coalesce(sum(amount) filter (where within and what = 'otherwise'), 0) as otherwise,
    sum(amount) as closing
from sorted
group by gateway, currency
order by gateway, currency
