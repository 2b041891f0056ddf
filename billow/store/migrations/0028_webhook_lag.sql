-- Since when an event waits for a receiver, so that the oldest is found without reading the events of each tenant.
-- Servers of the version before know nothing of it and leave it empty; whoever reads it leaves such rows out.
alter table webhook_queue add column told_at timestamptz;

do $$
declare
    one text;
begin
    for one in select distinct tenant from webhook_queue loop
        perform set_config('billow.tenant', one, true);
        update webhook_queue q set told_at = e.told_at
            from webhook_deliveries d join events e on e.id = d.event where d.id = q.delivery;
    end loop;
    perform set_config('billow.tenant', '', true);
end $$;
