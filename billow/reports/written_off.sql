-- What was written off between two points in time: invoices that nobody pays, lost disputes, small differences?
-- What was paid later is deducted. For uncollectible invoices, ask your adviser whether their tax may be claimed back.
with moved as (
    select created, event, customer, invoice, debit as account, currency, amount from ledger_transfers
    where debit in ('bad_debt', 'rounding')
    union all
    select created, event, customer, invoice, credit, currency, -amount from ledger_transfers
    where credit in ('bad_debt', 'rounding')
)
select m.created, m.account, m.event, m.customer, c.name, i.number, m.currency, m.amount
from moved m left join customers c on c.id = m.customer left join invoices i on i.id = m.invoice
where m.created >= %(from)s and m.created < %(to)s
order by m.currency, m.created, m.customer, i.number
