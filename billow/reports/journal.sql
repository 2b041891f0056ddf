-- Which entries were made in the books between two points in time, of which customer and invoice?
select t.created as at, t.event, c.name, coalesce(i.number, t.source) as document, t.debit, t.credit, t.currency, t.amount
from ledger_transfers t
left join customers c on c.id = t.customer
left join invoices i on i.id = t.invoice
where t.created >= %(from)s and t.created < %(to)s
order by t.created, t.id
