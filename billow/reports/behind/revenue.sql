-- Which transfers are behind a figure of the report revenue, of one product in a month and a currency?
with sides as (
    select id, created, event, source, customer, invoice, debit as own, credit as other, amount from ledger_transfers
    where created >= %(from)s and created < %(to)s and currency = %(currency)s and debit = 'revenue:' || %(product)s::text
    union all
    select id, created, event, source, customer, invoice, credit, debit, -amount from ledger_transfers
    where created >= %(from)s and created < %(to)s and currency = %(currency)s and credit = 'revenue:' || %(product)s::text
), figures as (
    select id, created, event, source, customer, invoice, other, 'amount' as figure,
        -amount as amount
    from sides
)
select m.id as entry, m.created as at, m.event, m.customer, c.name, m.invoice, m.source, m.other as account, m.amount,
    count(*) over () as rows, sum(m.amount) over () as total
from figures m left join customers c on c.id = m.customer
where m.figure = %(figure)s
order by m.created, m.id
limit %(most)s offset %(skip)s
