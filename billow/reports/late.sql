-- What happened between two points in time, was posted after its period was closed, and is booked in a later one?
select t.dated, t.created as booked, t.event, t.source, i.number, t.customer, t.debit, t.credit, t.currency, t.amount
from ledger_transfers t left join invoices i on i.id = t.invoice
where t.dated >= %(from)s and t.dated < %(to)s
order by t.currency, t.dated, t.source, t.event, t.sequence
