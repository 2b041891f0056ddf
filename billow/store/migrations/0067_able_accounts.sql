-- Whether an account may charge. One that is connected may not until its holder has said what is due.
alter table accounts add column may_charge boolean not null default true;
alter table connected_accounts no force row level security;
update accounts a set may_charge = c.details_submitted and c.rejected is null and c.capabilities ? 'card_payments'
    from connected_accounts c where c.id = a.id;
alter table connected_accounts force row level security;
