-- The words of the columns and of a kind of job as everything else says them: an event is emitted and written.
alter table subscriptions rename column told to emitted;
alter table refunds rename column told to emitted;
alter table quotes rename column told to emitted;
alter table events rename column told_at to written_at;
alter table webhook_queue rename column told_at to written_at;
update jobs set kind = 'quote.emit_accepted' where kind = 'quote.tell';

-- Newer versions of PostgreSQL name constraints after their columns.
do $$
declare one record;
begin
    for one in select conrelid::regclass as name, conname from pg_constraint
        where connamespace = 'billow'::regnamespace and conname like '%\_told\_%'
    loop
        execute format('alter table %s rename constraint %I to %I', one.name, one.conname,
            replace(replace(one.conname, '_told_at_', '_written_at_'), '_told_', '_emitted_'));
    end loop;
end $$;
