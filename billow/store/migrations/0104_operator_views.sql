-- Lists as people have narrowed them, under names of their own; each sees their own only.
create table operator_views (
    operator text        not null references operators,
    account  text        not null references accounts,
    path     text        not null,  -- the list: '/invoices'
    name     text        not null,
    query    text        not null,  -- what narrows it, as in its address
    created  timestamptz not null,
    primary key (operator, account, path, name)
);
