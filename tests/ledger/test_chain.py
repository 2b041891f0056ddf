"""Does the chain of seals show every change, removal and insertion, and is each transfer sealed once?"""

import hashlib
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from billow.app import App
from billow.ledger import audit, chain, entries
from billow.ledger.entries import Transfer
from billow.ledger.post import Posting, post
from billow.store import bulk, jobs, migrate
from billow.store.tx import Database, Tx

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


def posting(source: str) -> Posting:
    taken = entries.payment_succeeded("simulated", "cus_1", "usd", 500)
    return Posting("payment.succeeded", source, JANUARY, taken, "cus_1", "in_1")


@pytest.fixture
def tenant(app: App, new_tenant) -> Iterator[str]:
    """A tenant with three seals of two transfers each."""
    made = new_tenant()
    for number in range(3):
        write(app.db, made, f"ch_{number}a", f"ch_{number}b")
        assert seal(app.db, made) == 2
    yield made
    with app.db.connection() as conn:
        conn.execute("delete from jobs where tenant = %s", (made,))


def write(db: Database, tenant: str, *sources: str) -> None:
    with db.transaction(tenant) as tx:
        post(tx, [posting(source) for source in sources])


def seal(db: Database, tenant: str) -> int:
    with db.transaction(tenant) as tx:
        return chain.seal(tx)


def findings(tx: Tx) -> list[str]:
    """What a whole verification says."""
    _, found = audit.links(tx, 1, 100)
    return [str(one) for one in (*found, *audit.waiting(tx, "", 100)[1], *audit.strangers(tx))]


def tampered(tx: Tx, table: str, sql: str) -> int:
    """Change what the triggers guard, as the owner of the table can."""
    tx.run(f"alter table {table} disable trigger user")
    done = tx.run(sql)
    tx.run(f"alter table {table} enable trigger user")
    return done


def of_source(tx: Tx, source: str) -> str:
    [(id,)] = tx.tuples("select id from ledger_transfers where source = %(s)s", s=source)
    return str(id)


def test_what_is_posted_is_sealed_and_verified(app: App, tenant: str) -> None:
    write(app.db, tenant, "ch_new")
    with app.db.transaction(tenant) as tx:
        assert findings(tx) == []
        extent = audit.extent(tx)
        assert (extent.sealed, extent.waiting, extent.transfers) == (6, 1, 7)
        assert extent.head and extent.head.number == 3


def test_an_independent_program_finds_the_same_hashes(app: App, tenant: str) -> None:
    with app.db.transaction(tenant) as tx:
        first = chain.seals(tx, "number = 1")[0]
        row = tx.one(
            "select *, (extract(epoch from created) * 1000000)::bigint as micros"
            " from ledger_transfers where id = %(id)s",
            id=first.transfers[0],
        )
    assert row is not None
    row["created"] = row.pop("micros")
    assert row.pop("dated") is None, "a transfer in its own period says nothing of another date"
    del row["tenant"]
    text = json.dumps(row, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).digest() == first.leaves[0]
    created = int(first.created.timestamp() * 1_000_000)
    previous = hashlib.sha256(f"ledger {tenant}".encode()).hexdigest()
    leaves = "".join(f"\n{id} {leaf.hex()}" for id, leaf in zip(first.transfers, first.leaves, strict=True))
    seal = f"number 1\ncreated {created}\nprevious {previous}{leaves}"
    assert hashlib.sha256(seal.encode()).digest() == first.hash


def test_the_canonical_text_is_what_any_json_library_writes() -> None:
    """Of every character: two programs that escape one of them differently would see a forged transfer."""
    text = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))
    transfer = {**dict.fromkeys(chain.COLUMNS), "created": chain.EPOCH, "amount": 2**53, "line": text}
    plain = {name: value for name, value in transfer.items() if name != "dated"}
    said = json.dumps({**plain, "created": 0}, ensure_ascii=False, separators=(",", ":"))
    assert chain.leaf(transfer) == hashlib.sha256(said.encode()).digest()


def test_the_migration_hashes_older_transfers_alike(app: App, new_tenant) -> None:
    script = (Path(migrate.__file__).parent / "migrations" / "0023_ledger_seals.sql").read_text()
    select = script[script.index("select tenant, id, sha256") : script.index("from ledger_transfers;")]
    odd = {"customer": None, "line": 'il\u00e9 \\ " \x07 \U0001f600 / \n', "invoice": "in_1"}
    with app.db.transaction(new_tenant()) as tx:
        post(
            tx,
            [
                posting("ch_1"),
                Posting(
                    "odd",
                    "ch_2",
                    JANUARY + timedelta(microseconds=1),
                    sold(),
                    odd["customer"],
                    odd["invoice"],
                    [odd["line"]],
                ),
            ],
        )
        hashed = tx.tuples(f"{select} from ledger_transfers order by id")
        noted = tx.tuples("select tenant, transfer, leaf from ledger_unsealed order by transfer")
        assert len(noted) == 2 and hashed == noted


def sold() -> list[Transfer]:
    return entries.sold("simulated", "usd", 5)


@pytest.mark.parametrize(
    "change",
    ["amount = 501", "debit = 'bank'", "currency = 'eur'", "created = created - interval '1 microsecond'",
     "customer = null", "line = 'il_1'", "sequence = 7"],
)  # fmt: skip
def test_an_edited_transfer_is_named(app: App, tenant: str, change: str) -> None:
    with app.db.transaction(tenant) as tx:
        id = of_source(tx, "ch_1a")
        assert tampered(
            tx, "ledger_transfers", f"update ledger_transfers set {change} where source = 'ch_1a'"
        )
        [found] = findings(tx)
        assert found.startswith(f"{id}: transfers_are_sealed: expected what was posted (in seal 2)")
        raise_back(tx)


def raise_back(tx: Tx) -> None:
    """What a test has damaged is not kept."""
    tx.run("rollback")
    tx.run("begin")


def test_a_deleted_transfer_is_named(app: App, tenant: str) -> None:
    with app.db.transaction(tenant) as tx:
        id = of_source(tx, "ch_1b")
        tampered(tx, "ledger_transfers", "delete from ledger_transfers where source = 'ch_1b'")
        assert findings(tx)[0].startswith(f"{id}: ")
        assert audit.extent(tx).transfers == 5
        raise_back(tx)


def test_a_transfer_that_is_slipped_in_is_named(app: App, tenant: str) -> None:
    with app.db.transaction(tenant) as tx:
        tx.run(
            "insert into ledger_transfers (id, created, debit, credit, amount, currency, event,"
            " source, sequence)"
            " values ('ltr_slipped', '2026-01-01', 'bank', 'deferred_revenue', 1, 'usd', 'gift', 'no', 0)"
        )
        assert [found.split(":")[0] for found in findings(tx)] == ["ltr_slipped"]
        raise_back(tx)


def test_a_transfer_is_guarded_before_it_is_sealed(app: App, tenant: str) -> None:
    write(app.db, tenant, "ch_new", "ch_newer")
    with app.db.transaction(tenant) as tx:
        new, newer = of_source(tx, "ch_new"), of_source(tx, "ch_newer")
        tampered(tx, "ledger_transfers", "update ledger_transfers set amount = 9 where source = 'ch_new'")
        tampered(tx, "ledger_transfers", "delete from ledger_transfers where source = 'ch_newer'")
        assert {new, newer} == {found.split(":")[0] for found in findings(tx)}
        raise_back(tx)


@pytest.mark.parametrize(
    "sql",
    ["update ledger_seals set leaves = array_reverse(leaves) where number = 2",
     "update ledger_seals set hash = sha256(hash) where number = 2",
     "update ledger_seals set created = created - interval '1 second' where number = 2",
     "delete from ledger_seals where number = 2",
     "delete from ledger_seals where number = 1"],
)  # fmt: skip
def test_a_changed_or_missing_seal_is_found(app: App, tenant: str, sql: str) -> None:
    sql = sql.replace("array_reverse(leaves)", "array[leaves[2], leaves[1]]")
    with app.db.transaction(tenant) as tx:
        tampered(tx, "ledger_seals", sql)
        assert any("seals_are_chained" in found for found in findings(tx))
        raise_back(tx)


def test_a_chain_that_is_written_anew_has_another_head(app: App, tenant: str) -> None:
    """Whoever can write the seals can make them fit; then a head that was noted before is not among them."""
    with app.db.transaction(tenant) as tx:
        before = audit.extent(tx).head
        assert before and audit.place_of(tx, before.hash) == before
        tampered(tx, "ledger_transfers", "update ledger_transfers set amount = 9 where source = 'ch_1a'")
        kept = tx.all("select * from ledger_transfers order by source")
        tampered(tx, "ledger_seals", "delete from ledger_seals")
        leaves = [{"transfer": one["id"], "leaf": f"\\x{chain.leaf(one).hex()}"} for one in kept]
        bulk.insert_many(tx, "ledger_unsealed", ("transfer", "leaf"), leaves)
        assert chain.seal(tx) == 6
        assert findings(tx) == []
        assert audit.place_of(tx, before.hash) is None
        raise_back(tx)


def test_the_database_refuses_to_change_a_seal(app: App, tenant: str) -> None:
    for sql in (
        "update ledger_seals set number = 9",
        "delete from ledger_seals",
        "truncate ledger_seals",
        "update ledger_unsealed set leaf = ''",
        "truncate ledger_unsealed",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation), app.db.transaction(tenant) as tx:
            tx.run(sql)


def test_who_commits_late_is_sealed_later_and_waits_for_nobody(app: App, tenant: str) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def late() -> None:
        with app.db.transaction(tenant) as tx:
            post(tx, [posting("ch_late")])
            begun.set()
            go_on.wait(10)

    writer = threading.Thread(target=late)
    writer.start()
    assert begun.wait(10)
    write(app.db, tenant, "ch_early")
    assert seal(app.db, tenant) == 1
    with app.db.transaction(tenant) as tx:
        # A seal under way holds up no writer, and no writer holds up a seal.
        assert chain.seal(tx) == 0
        write(app.db, tenant, "ch_meanwhile")
    go_on.set()
    writer.join()
    assert seal(app.db, tenant) == 2
    with app.db.transaction(tenant) as tx:
        assert findings(tx) == []
        assert audit.extent(tx).sealed == 9


def test_sealers_at_once_make_one_chain(app: App, tenant: str) -> None:
    for number in range(4):
        write(app.db, tenant, *[f"ch_{number}_{place}" for place in range(5)])
    threads = [threading.Thread(target=seal, args=(app.db, tenant)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with app.db.transaction(tenant) as tx:
        assert findings(tx) == []
        assert audit.extent(tx).sealed == 26


def test_a_job_seals_what_is_posted(app: App, new_tenant) -> None:
    tenant = new_tenant()
    write(app.db, tenant, "ch_1", "ch_2")
    jobs.run_due(app.db, clock="wall", until=app.db.wall(), lane="events")
    with app.db.transaction(tenant) as tx:
        assert audit.extent(tx).sealed == 2
        assert tx.tuples("select 1 from jobs where tenant = %(t)s", t=tenant) == []
