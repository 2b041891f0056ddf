-- Which transfers are behind what the report dso counts as billed, in a month and a currency?
with sides as (
    select id, created, event, source, customer, invoice, debit as own, credit as other, amount from ledger_transfers
    where created >= %(from)s and created < %(to)s and currency = %(currency)s and debit ^@ 'receivable:'
    union all
    select id, created, event, source, customer, invoice, credit, debit, -amount from ledger_transfers
    where created >= %(from)s and created < %(to)s and currency = %(currency)s and credit ^@ 'receivable:'
), figures as (
    select id, created, event, source, customer, invoice, other, collections_figure(event, other) as figure,
        amount as amount
    from sides
)
select m.id as entry, m.created as at, m.event, m.customer, c.name, m.invoice, m.source, m.other as account, m.amount,
    count(*) over () as rows, sum(m.amount) over () as total
from figures m left join customers c on c.id = m.customer
where m.figure = %(figure)s
order by m.created, m.id
limit %(most)s offset %(skip)s
