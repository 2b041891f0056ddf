-- The usage of a meter by all customers, the latest first, as the dashboard explores it.
create index on meter_hours (tenant, meter, hour);
