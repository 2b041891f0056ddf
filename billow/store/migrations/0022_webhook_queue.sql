-- What is to be sent to whom is a queue of its own, from which only the receiver's deliverer deletes; before, a receiver
-- had one timer in `jobs`, which who wrote, who numbered and who delivered had to lock.
create table webhook_queue (
    tenant   text        not null default current_setting('billow.tenant'),
    delivery text        primary key,
    receiver text        not null,
    due_at   timestamptz not null,
    sequence bigint      not null
);
create index webhook_queue_due on webhook_queue (receiver, due_at, sequence);
drop index webhook_deliveries_waiting;
create index webhook_deliveries_waiting on webhook_deliveries (receiver) where status = 'pending';

-- The migration sees the deliveries of all tenants: their security is lifted until its end.
alter table events no force row level security;
alter table webhook_deliveries no force row level security;
insert into webhook_queue (tenant, delivery, receiver, due_at, sequence)
    select d.tenant, d.id, d.receiver, d.next_attempt_at, e.sequence from webhook_deliveries d
    join events e on e.id = d.event where d.status = 'pending' and e.sequence is not null;
delete from jobs where kind in ('webhook.deliver', 'webhook.deliver_slow');
alter table events force row level security;
alter table webhook_deliveries force row level security;

-- Deliverers look across tenants: who has bound none sees all of them.
alter table webhook_queue enable row level security;
alter table webhook_queue force row level security;
create policy one_tenant on webhook_queue
    using (coalesce(current_setting('billow.tenant', true), '') in ('', tenant));
