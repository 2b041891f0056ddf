-- Which customers moved monthly recurring revenue, on which day, and how?
-- What nets to nothing within a day is no movement. The changes of a month add up to its row in the report mrr.
select m.day, m.kind, m.customer, c.name, m.currency, m.before, m.change, m.after
from recurring_movements m left join customers c on c.id = m.customer
where m.day >= (%(from)s at time zone (select seller_zone())) and m.day < (%(to)s at time zone (select seller_zone()))
order by m.day, m.currency, m.kind, c.name, m.customer
