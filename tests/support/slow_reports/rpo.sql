-- Which obligations are left to be performed at a point in time: within twelve months, and later, by currency?
-- It is the deferred revenue of the books, earned evenly over the rest of each line's period; credits that are paid for and not used
-- have no time. Contracts can be canceled at a period's end, so nothing that is not invoiced is an obligation.
with waiting as (
    select line, currency, sum(amount) as amount from (
        select line, currency, amount from ledger_transfers where credit = 'deferred_revenue' and created <= %(at)s
        union all
        select line, currency, -amount from ledger_transfers where debit = 'deferred_revenue' and created <= %(at)s
    ) moved group by 1, 2 having sum(amount) <> 0
), credits as (
    select currency, sum(amount) as amount from (
        select currency, amount from ledger_transfers where credit = 'prepaid' and created <= %(at)s
        union all
        select currency, -amount from ledger_transfers where debit = 'prepaid' and created <= %(at)s
    ) moved group by 1 having sum(amount) <> 0
), parts as (
    select w.currency, w.amount, case
        when l.period_end is null or l.period_end <= %(at)s::timestamptz + interval '12 months' then w.amount
        else div(w.amount * greatest(floor(extract(epoch from %(at)s::timestamptz + interval '12 months' - greatest(l.period_start, %(at)s))), 0),
            greatest(floor(extract(epoch from l.period_end - greatest(l.period_start, %(at)s))), 1)) end as soon,
        0 as undated
    from waiting w left join invoice_lines l on l.id = w.line
    union all
    select currency, amount, 0, amount from credits
)
select currency, sum(soon) as within_12_months, sum(amount - soon - undated) as later, sum(undated) as undated,
    sum(amount) as total
from parts
group by currency
order by currency
