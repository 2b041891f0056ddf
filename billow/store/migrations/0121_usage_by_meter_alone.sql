-- What all customers used of a meter, the latest first. It begins with the meter: one that begins with the tenant is taken for the usage of
-- single customers while nothing is known of the table, and reads all of it for each of them.
drop index meter_hours_tenant_meter_hour_idx;
create index on meter_hours (meter, hour, tenant);
