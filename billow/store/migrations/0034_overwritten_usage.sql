-- Of the events in one window of a meter, the one received last counts. Sums of meters with a window held all of them.
alter table meters no force row level security;
alter table meter_events no force row level security;
alter table meter_hours no force row level security;

do $$
begin
    if exists (select from meters where event_time_window is not null) then
        delete from meter_hours as h using meters as m
        where m.tenant = h.tenant and m.id = h.meter and m.event_time_window is not null;
        insert into meter_hours (tenant, meter, customer, hour, sum, count, last, last_at, last_arrival)
        select tenant, meter, customer, date_trunc('hour', at, 'UTC'), value, 1, value, at, arrival
        from (
            select distinct on (e.tenant, e.customer, e.meter, date_trunc(m.event_time_window, e.at, 'UTC'))
                e.tenant, e.customer, e.meter, e.at, e.value, e.arrival
            from meter_events as e join meters as m on m.tenant = e.tenant and m.id = e.meter
            where m.event_time_window is not null and e.canceled_at is null
            order by e.tenant, e.customer, e.meter, date_trunc(m.event_time_window, e.at, 'UTC'), e.arrival desc
        ) as newest;
    end if;
end $$;

alter table meters force row level security;
alter table meter_events force row level security;
alter table meter_hours force row level security;
