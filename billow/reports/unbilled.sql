-- What was earned and not yet invoiced at a point in time, by customer and by the invoice that billed it later?
-- Ask when the invoices of that time are final: until then nobody has counted the usage.
with moved as (
    select customer, invoice, currency, amount from ledger_open('unbilled', %(at)s)
)
select m.customer, c.name, i.number, m.currency, sum(m.amount) as amount
from moved m left join customers c on c.id = m.customer left join invoices i on i.id = m.invoice
group by m.customer, c.name, i.number, m.currency
having sum(m.amount) <> 0
order by m.currency, m.customer, i.number
