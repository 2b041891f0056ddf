-- Do the books agree with the bank's statements, by currency, for what was booked until a point in time?
-- `difference` is 0 where they do. What reached the bank by no statement (`otherwise`) is for you to verify: payments
-- that were recorded by hand as paid out of band, and credit notes that were.
with stated as (
    select currency, amount, id, state in ('ignored', 'outgoing') as unbooked from bank_entries
    where statement is not null and created <= %(at)s
), booked as (
    select currency, amount, source from ledger_transfers where debit = 'bank' and created <= %(at)s
    union all
    select currency, -amount, source from ledger_transfers where credit = 'bank' and created <= %(at)s
), known as (
    select b.currency, b.amount,
        exists (
            select from bank_entries e where e.id = split_part(b.source, '@', 1) and e.statement is not null
        ) as by_statement
    from booked b
), sums as (
    select currency, amount as on_statements, case when unbooked then amount else 0 end as ignored,
        0 as booked, 0 as otherwise
    from stated
    union all
    select currency, 0, 0, case when by_statement then amount else 0 end, case when by_statement then 0 else amount end
    from known
)
select currency, sum(on_statements) as on_statements, sum(ignored) as not_ours, sum(booked) as booked,
    sum(on_statements) - sum(ignored) - sum(booked) as difference, sum(otherwise) as otherwise
from sums
group by currency
order by currency
