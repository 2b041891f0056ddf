-- What does each customer owe at a point in time, by invoice, and for how many days has it been overdue?
-- An invoice without a due date was due when it was finalized. A day that has begun counts as one.
with aged as (
    select o.customer, o.invoice, i.number, o.currency, coalesce(i.due_date, i.finalized_at) as due, o.amount,
           %(at)s - coalesce(i.due_date, i.finalized_at, %(at)s) as late
    from ledger_open('receivable', %(at)s) o left join invoices i on i.id = o.invoice
)
select customer, invoice, number, currency, due, amount,
       case when late <= interval '0' then amount else 0 end as not_due,
       case when late > interval '0' and late <= interval '30 days' then amount else 0 end as days_1_to_30,
       case when late > interval '30 days' and late <= interval '60 days' then amount else 0 end as days_31_to_60,
       case when late > interval '60 days' and late <= interval '90 days' then amount else 0 end as days_61_to_90,
       case when late > interval '90 days' and late <= interval '120 days' then amount else 0 end as days_91_to_120,
       case when late > interval '120 days' then amount else 0 end as days_over_120
from aged
order by currency, customer, due, invoice
