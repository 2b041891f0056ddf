-- Which transfers are behind a figure of the report deferred_by_month, in a month and a currency?
with sides as (
    select id, created, event, source, customer, invoice, debit as own, credit as other, amount from ledger_transfers
    where created >= %(from)s and created < %(to)s and currency = %(currency)s and debit = 'deferred_revenue'
    union all
    select id, created, event, source, customer, invoice, credit, debit, -amount from ledger_transfers
    where created >= %(from)s and created < %(to)s and currency = %(currency)s and credit = 'deferred_revenue'
), figures as (
    select id, created, event, source, customer, invoice, other, deferred_figure(event) as figure,
        case when deferred_figure(event) = 'earned' then amount else -amount end as amount
    from sides
)
select m.id as entry, m.created as at, m.event, m.customer, c.name, m.invoice, m.source, m.other as account, m.amount,
    count(*) over () as rows, sum(m.amount) over () as total
from figures m left join customers c on c.id = m.customer
where m.figure = %(figure)s
order by m.created, m.id
limit %(most)s offset %(skip)s
