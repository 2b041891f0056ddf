-- Connected accounts could charge before their holders were asked to accept terms: those from before that still can.
alter table connected_accounts no force row level security;
update accounts a set may_charge = true
    from connected_accounts c, migrations m
    where c.id = a.id and m.name like '%able_accounts' and a.created < m.applied_at and c.rejected is null;
alter table connected_accounts force row level security;
