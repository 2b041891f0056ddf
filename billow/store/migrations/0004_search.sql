-- Search: the words by which objects are found, and indexes for filters.

-- The words by which objects are found: of metadata each value whole, of names and the like word by word. Kept by triggers, so
-- that no writer can forget it. (An index on an expression would not do: row level security uses no operator that might leak.)
create table search_terms (
    tenant text not null default current_setting('billow.tenant'),
    noun   text not null,  -- the table
    field  text not null,  -- 'name', 'metadata.order'
    term   text not null,
    id     text not null,
    primary key (tenant, noun, field, term, id)
);
create index search_terms_by_id on search_terms (tenant, noun, id);

-- What is written together is one word: an address, a telephone number.
create function search_words(said text) returns text[] language sql immutable parallel safe as $$
    select case
        when said ~ '^\S+@\S+$' or said ~ '^\+?[0-9 ()./-]+$' then array[left(lower(said), 500)]
        else coalesce((
            select array_agg(left(word, 200) order by place)
            from regexp_split_to_table(lower(said), '[^[:alnum:]]+') with ordinality as split (word, place)
            where word <> ''
        ), '{}')
    end
$$;

-- The arguments of the trigger are the columns whose words are noted, besides metadata.
create function note_search_terms() returns trigger language plpgsql as $$
begin
    if tg_op <> 'INSERT' then
        delete from search_terms where noun = tg_table_name and id = old.id;
    end if;
    if tg_op <> 'DELETE' then
        insert into search_terms (tenant, noun, field, term, id)
            select new.tenant, tg_table_name, 'metadata.' || key, lower(value), new.id
            from jsonb_each_text(new.metadata)
            union
            select new.tenant, tg_table_name, field, word, new.id
            from unnest(tg_argv[0:]) as field, unnest(search_words(to_jsonb(new) ->> field)) as word;
    end if;
    return null;
end $$;
create trigger charges_noted after insert on charges
    for each row when (new.metadata <> '{}') execute function note_search_terms();
create trigger charges_noted_again after update of metadata on charges
    for each row execute function note_search_terms();
create trigger charges_forgotten after delete on charges
    for each row execute function note_search_terms();
create trigger customers_noted after insert on customers
    for each row execute function note_search_terms('email', 'name', 'phone');
create trigger customers_noted_again after update of metadata, email, name, phone on customers
    for each row execute function note_search_terms('email', 'name', 'phone');
create trigger customers_forgotten after delete on customers
    for each row execute function note_search_terms('email', 'name', 'phone');
create trigger invoices_noted after insert on invoices
    for each row when (new.metadata <> '{}') execute function note_search_terms();
create trigger invoices_noted_again after update of metadata on invoices
    for each row execute function note_search_terms();
create trigger invoices_forgotten after delete on invoices
    for each row execute function note_search_terms();
create trigger payment_intents_noted after insert on payment_intents
    for each row when (new.metadata <> '{}') execute function note_search_terms();
create trigger payment_intents_noted_again after update of metadata on payment_intents
    for each row execute function note_search_terms();
create trigger payment_intents_forgotten after delete on payment_intents
    for each row execute function note_search_terms();
create trigger prices_noted after insert on prices
    for each row when (new.metadata <> '{}') execute function note_search_terms();
create trigger prices_noted_again after update of metadata on prices
    for each row execute function note_search_terms();
create trigger prices_forgotten after delete on prices
    for each row execute function note_search_terms();
create trigger products_noted after insert on products
    for each row execute function note_search_terms('description', 'name', 'url');
create trigger products_noted_again after update of metadata, description, name, url on products
    for each row execute function note_search_terms('description', 'name', 'url');
create trigger products_forgotten after delete on products
    for each row execute function note_search_terms('description', 'name', 'url');
create trigger subscriptions_noted after insert on subscriptions
    for each row when (new.metadata <> '{}') execute function note_search_terms();
create trigger subscriptions_noted_again after update of metadata on subscriptions
    for each row execute function note_search_terms();
create trigger subscriptions_forgotten after delete on subscriptions
    for each row execute function note_search_terms();

create index invoices_by_status on invoices (tenant, status, created desc, id desc);
create index subscriptions_by_status on subscriptions (tenant, status, created desc, id desc);
create index charges_by_customer on charges (tenant, customer, created desc, id desc);

-- What is there already is noted too; the owner is bound by row level security, so it is lifted for the moment.
do $$
declare
    name text;
    fields text[];
begin
    foreach name in array array['charges', 'customers', 'invoices', 'payment_intents', 'prices', 'products', 'subscriptions']
    loop
        fields := case name when 'customers' then array['email', 'name', 'phone']
            when 'products' then array['description', 'name', 'url'] else '{}' end;
        execute format('alter table %I no force row level security', name);
        execute format(
            'insert into search_terms (tenant, noun, field, term, id)
            select tenant, %1$L, ''metadata.'' || key, lower(value), id from %1$I, jsonb_each_text(metadata)
            union
            select tenant, %1$L, field, word, id
            from %1$I as t, unnest(%2$L::text[]) as field, unnest(search_words(to_jsonb(t) ->> field)) as word', name, fields);
        execute format('alter table %I force row level security', name);
    end loop;
end $$;

alter table search_terms enable row level security;
alter table search_terms force row level security;
create policy one_tenant on search_terms using (tenant = current_setting('billow.tenant', true));
