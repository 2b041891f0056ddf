-- Which customers bring in monthly recurring revenue at a point in time?
-- Their sum is the end of the report mrr.
select m.customer, c.name, m.currency, sum(m.change) as mrr
from recurring_movements m left join customers c on c.id = m.customer
where m.day < (%(at)s at time zone (select seller_zone()))
group by m.customer, c.name, m.currency
having sum(m.change) <> 0
order by m.currency, mrr desc, c.name, m.customer
