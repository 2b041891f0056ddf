-- The time zone of the account's seller, whose months and days the books have.
create function seller_zone() returns text language sql stable as $$
    select coalesce((
        select nullif(seller ->> 'time_zone', '') from billow.accounts
        where id = split_part(current_setting('billow.tenant'), '/', 1)
    ), 'UTC')
$$;
