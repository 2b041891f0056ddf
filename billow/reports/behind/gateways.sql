-- Which transfers are behind a figure of the report gateways, of one gateway and currency?
with sides as (
    select id, created, event, source, customer, invoice, debit as own, credit as other, amount from ledger_transfers
    where created >= %(from)s and created < %(to)s and currency = %(currency)s and debit = 'clearing:' || %(gateway)s::text
    union all
    select id, created, event, source, customer, invoice, credit, debit, -amount from ledger_transfers
    where created >= %(from)s and created < %(to)s and currency = %(currency)s and credit = 'clearing:' || %(gateway)s::text
), figures as (
    select id, created, event, source, customer, invoice, other, gateways_figure(event) as figure,
        case when gateways_figure(event) in ('collected', 'otherwise') then amount else -amount end as amount
    from sides
)
select m.id as entry, m.created as at, m.event, m.customer, c.name, m.invoice, m.source, m.other as account, m.amount,
    count(*) over () as rows, sum(m.amount) over () as total
from figures m left join customers c on c.id = m.customer
where m.figure = %(figure)s
order by m.created, m.id
limit %(most)s offset %(skip)s
