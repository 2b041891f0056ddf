-- A chain of hashes over the ledger's transfers, and those that are there already wait for their seal.
-- Transfers that no seal covers yet, each with the hash of what it says: written with them, taken by who seals.
create table ledger_unsealed (
    tenant   text  not null default current_setting('billow.tenant'),
    transfer text  not null,
    leaf     bytea not null,
    primary key (tenant, transfer)
);

-- A chain of hashes over the transfers (ledger/chain.py): each seal covers some of them, and the seal before it. What is
-- here says nothing of a person, and stays when personal data is erased.
create table ledger_seals (
    tenant    text        not null default current_setting('billow.tenant'),
    number    bigint      not null check (number > 0),
    created   timestamptz not null,           -- by the wall's clock
    transfers text[]      not null,
    leaves    bytea[]     not null,           -- of each transfer, in the same order
    previous  bytea       not null,
    hash      bytea       not null,
    primary key (tenant, number),
    unique (tenant, hash),
    check (cardinality(transfers) > 0 and cardinality(transfers) = cardinality(leaves))
);

create function refuse_to_change_the_seals() returns trigger language plpgsql as $$
begin
    raise exception 'the seals of the ledger are final' using errcode = 'restrict_violation';
end $$;
create trigger ledger_seals_are_final before update or delete or truncate on ledger_seals
    for each statement execute function refuse_to_change_the_seals();
create trigger ledger_unsealed_is_final before update or truncate on ledger_unsealed
    for each statement execute function refuse_to_change_the_seals();

-- The text that is hashed is that of ledger/chain.py. Without `force` the owner sees the transfers of all tenants.
alter table ledger_transfers no force row level security;
insert into ledger_unsealed (tenant, transfer, leaf)
select tenant, id, sha256(convert_to(
    '{"amount":' || amount
    || ',"created":' || (extract(epoch from created) * 1000000)::bigint
    || ',"credit":' || to_json(credit)
    || ',"currency":' || to_json(currency)
    || ',"customer":' || coalesce(to_json(customer)::text, 'null')
    || ',"debit":' || to_json(debit)
    || ',"event":' || to_json(event)
    || ',"id":' || to_json(id)
    || ',"invoice":' || coalesce(to_json(invoice)::text, 'null')
    || ',"line":' || coalesce(to_json(line)::text, 'null')
    || ',"sequence":' || sequence
    || ',"source":' || to_json(source) || '}', 'UTF8'))
from ledger_transfers;
alter table ledger_transfers force row level security;
insert into jobs (tenant, clock, kind, ref, run_at)
select distinct tenant, 'wall', 'ledger.seal', 'migration', timestamptz '2000-01-01 00:00:00+00' from ledger_unsealed;

alter table ledger_unsealed enable row level security;
alter table ledger_unsealed force row level security;
create policy one_tenant on ledger_unsealed using (tenant = current_setting('billow.tenant', true));
alter table ledger_seals enable row level security;
alter table ledger_seals force row level security;
create policy one_tenant on ledger_seals using (tenant = current_setting('billow.tenant', true));
