-- How much of a product's revenue is left after what its usage costs, by month and currency?
-- Revenue is what was earned (the account revenue), cost is usage by its hour * the cost of a unit (billow costs), which belongs to the
-- product that the customer's subscription bills the meter with. Margin is revenue - cost. A cost in another currency than the
-- revenue is in a row of its own.
with zone as (select (select seller_zone()) as z), earned as (
    select date_trunc('month', day::timestamp) as month, substr(account, 9) as product, currency,
        sum(amount) as revenue
    from (
        select day, credit as account, currency, amount from ledger_moved(%(from)s, %(to)s) where credit ^@ 'revenue:'
        union all
        select day, debit, currency, -amount from ledger_moved(%(from)s, %(to)s) where debit ^@ 'revenue:'
    ) moved group by 1, 2, 3
), used as (
    select date_trunc('month', h.hour at time zone z) as month, h.meter, h.customer, k.currency, k.cost,
        sum(case m.default_aggregation ->> 'formula' when 'count' then h.count else h.sum end) as quantity
    from meter_hours h join meters m on m.id = h.meter cross join zone
    cross join lateral (select currency, cost from meter_costs c where c.meter = h.meter
        and c.since <= (h.hour at time zone z)::date order by since desc limit 1) k
    where h.hour >= %(from)s and h.hour < %(to)s
    group by 1, 2, 3, 4, 5
), billed as (
    select distinct on (s.customer, p.recurring ->> 'meter') s.customer, p.recurring ->> 'meter' as meter, p.product
    from subscriptions s join subscription_items i on i.subscription = s.id join prices p on p.id = i.price
    where p.recurring ->> 'meter' is not null
    order by s.customer, p.recurring ->> 'meter', s.created desc, i.id
), costs as (
    select month, coalesce(b.product, 'none') as product, currency, sum(quantity) as quantity,
        round(sum(quantity * cost)) as cost
    from used u left join billed b using (customer, meter)
    group by 1, 2, 3
)
select to_char(month, 'YYYY-MM') as month, coalesce(p.name, product) as product, currency,
    coalesce(quantity, 0)::text as usage, coalesce(revenue, 0) as revenue, coalesce(cost, 0) as cost,
    coalesce(revenue, 0) - coalesce(cost, 0) as margin,
    coalesce(round(100 * (revenue - coalesce(cost, 0)) / nullif(revenue, 0), 1)::text || ' %%', 'n/a') as share
from earned full join costs using (month, product, currency) left join products p on p.id = product
order by currency, month, 2, product
