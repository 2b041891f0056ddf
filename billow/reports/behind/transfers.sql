-- Which transfers are behind a figure of a report, in a currency, and of one gateway or product where its row is of one?
with sides as not materialized (
    select id, created, event, source, customer, invoice, debit as own, credit as other, amount from ledger_transfers
    where created >= %(from)s and created < %(to)s and currency = %(currency)s
    union all
    select id, created, event, source, customer, invoice, credit, debit, -amount from ledger_transfers
    where created >= %(from)s and created < %(to)s and currency = %(currency)s
), figures as (
    select *, cash_figure(other) as figure from sides
    where %(report)s = 'cash' and (own ^@ 'clearing:' or own in ('bank', 'in_transit'))
        and not (other ^@ 'clearing:' or other in ('bank', 'in_transit'))
    union all
    select *, collections_figure(event, other) from sides
    where %(report)s in ('collections', 'dso') and own ^@ 'receivable:'
    union all
    select *, deferred_figure(event) from sides where %(report)s = 'deferred_by_month' and own = 'deferred_revenue'
    union all
    select *, gateways_figure(event) from sides where %(report)s = 'gateways' and own = 'clearing:' || %(of)s::text
    union all
    select *, case when %(figure)s = 'net' then 'net' else net_revenue_figure(own) end from sides
    where %(report)s = 'net_revenue' and (own ^@ 'revenue:' or own in ('breakage', 'revenue_adjustments'))
    union all
    select *, 'amount' from sides where %(report)s = 'revenue' and own = 'revenue:' || %(of)s::text
)
select f.id as entry, f.created as at, f.event, f.customer, c.name, f.invoice, f.source, f.other as account,
    f.amount * %(sign)s as amount, count(*) over () as rows, sum(f.amount * %(sign)s) over () as total
from figures f left join customers c on c.id = f.customer
where f.figure = %(figure)s
order by f.created, f.id
limit %(most)s offset %(skip)s
