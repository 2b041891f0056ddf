"""Does `billow check` name what is wrong, and is it silent about a healthy system at work?"""

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from typer.testing import CliRunner

from billow import commands
from billow.__main__ import cli
from billow.app import App
from billow.commands import Checked
from billow.ledger import audit
from billow.store.tx import Database
from tests.flows.conftest import do_what_is_due, world, worlds  # noqa: F401  (fixtures)
from tests.support.worker_threads import running_worker
from tests.support.world import World, moment


@pytest.fixture
def paid(world: World, app: App) -> World:  # noqa: F811
    """A merchant with a renewed subscription, sealed."""
    world.at("2025-01-01")
    world.customer("anna").subscribes_to(world.plan("Pro", usd=20))
    world.at("2025-02-01 02:00")
    world.work()
    return world


def wrong(app: App, world: World, **wanted: bool) -> list[str]:  # noqa: F811
    found = commands.check(app.db, Checked(world.api.tenant, **wanted))
    return [what for good, what in found if not good]


class Damage:
    """What an owner of the database does to it, and takes back."""

    def __init__(self, db: Database, tenant: str) -> None:
        self.db, self.tenant = db, tenant
        self.undo: list[str] = []

    def run(self, table: str, do: str, undo: str) -> None:
        self.undo.append(undo)
        self._run(table, do)

    def _run(self, table: str, sql: str) -> None:
        with self.db.transaction(self.tenant) as tx:
            tx.run(f"alter table {table} disable trigger user")
            tx.run(sql)
            tx.run(f"alter table {table} enable trigger user")

    def take_back(self) -> None:
        for sql in self.undo:
            self._run("ledger_transfers", sql)


@pytest.fixture
def damage(paid: World, app: App) -> Iterator[Damage]:
    made = Damage(app.db, paid.api.tenant)
    yield made
    made.take_back()


def test_a_healthy_tenant_is_said_to_be_healthy(paid: World, app: App) -> None:
    found = list(commands.check(app.db, Checked(paid.api.tenant, full=True)))
    assert [what for good, what in found if not good] == []
    assert any("0 not yet sealed; verified: all; head " in what for _, what in found)


@pytest.mark.parametrize("full", [False, True])
def test_an_edited_transfer_is_named_with_its_tenant(
    paid: World, app: App, damage: Damage, full: bool
) -> None:
    with app.db.transaction(paid.api.tenant) as tx:
        [(id, amount)] = tx.tuples(
            "select id, amount from ledger_transfers where credit ^@ 'receivable' order by id limit 1"
        )
    damage.run(
        "ledger_transfers",
        f"update ledger_transfers set amount = amount + 1 where id = '{id}'",
        f"update ledger_transfers set amount = {amount} where id = '{id}'",
    )
    found = wrong(app, paid, full=full)
    assert any(what.startswith(f"{paid.api.tenant} {id}: transfers_are_sealed") for what in found)
    assert any("receivables_are_open_invoices" in what for what in found), "and what it does to the books"


def test_a_deleted_transfer_is_named(paid: World, app: App, damage: Damage) -> None:
    with app.db.transaction(paid.api.tenant) as tx:
        tx.run("create table if not exists kept_apart as select * from ledger_transfers limit 0")
        [(id,)] = tx.tuples(
            "select id from ledger_transfers where debit = 'gateway_fees' order by id limit 1"
        )
        tx.run(f"insert into kept_apart select * from ledger_transfers where id = '{id}'")
    damage.run(
        "ledger_transfers",
        f"delete from ledger_transfers where id = '{id}'",
        "with back as (delete from kept_apart returning *) insert into ledger_transfers select * from back",
    )
    assert any(f"{id}: transfers_are_sealed: expected the transfer" in what for what in wrong(app, paid))
    damage.undo.append("drop table kept_apart")
    damage.take_back()
    damage.undo.clear()
    assert wrong(app, paid) == []


def test_a_head_that_was_noted_is_looked_for(paid: World, app: App) -> None:
    with app.db.transaction(paid.api.tenant) as tx:
        head = audit.extent(tx).head
    assert head
    noted = Checked(paid.api.tenant, since=(head.hash.hex(),))
    found = list(commands.check(app.db, noted))
    assert all(good for good, _ in found)
    assert any(
        f"the noted head {head.hash.hex()} is seal {head.number} of the chain" in what for _, what in found
    )
    [(good, what)] = [
        line
        for line in commands.check(app.db, Checked(paid.api.tenant, since=("ab" * 32,)))
        if "is in no chain" in line[1]
    ]
    assert not good and "ab" * 32 in what


def test_a_customer_in_another_tenant_is_named(paid: World, app: App) -> None:
    """Only --full saw it: the rules went through the customers that a tenant still has."""
    account = paid.api.tenant.split("/")[0]
    with psycopg.connect(app.db.url, autocommit=True) as conn:
        conn.execute("set search_path = billow")
        moved = conn.execute(
            "update customers set tenant = %s where tenant = %s returning id",
            (f"{account}/live", paid.api.tenant),
        ).fetchall()
    found = wrong(app, paid)
    with psycopg.connect(app.db.url, autocommit=True) as conn:
        conn.execute("set search_path = billow")
        conn.execute("update customers set tenant = %s where id = %s", (paid.api.tenant, moved[0][0]))
    for rule in ("invoices_have_their_customer", "subscriptions_have_their_customer"):
        assert any(f"{rule}: expected the customer {moved[0][0]} in this tenant" in what for what in found)


def test_missing_timers_are_named_and_set(paid: World, app: App) -> None:
    with app.db.transaction(paid.api.tenant) as tx:
        tx.run("delete from jobs where tenant = %(t)s and kind = 'subscription.renew'", t=tx.tenant)
    found = wrong(app, paid)
    assert any("expected the timer subscription.renew at 2025-03-01" in what for what in found)
    said = list(commands.check(app.db, Checked(paid.api.tenant, repair=True)))
    assert (True, f"{paid.api.tenant} timers that were missing or moved and are set: 1") in said
    assert all(good for good, _ in said)


@pytest.mark.parametrize("move", ["run_at = '2100-01-01'", "clock = 'wall', run_at = '2100-01-01'"])
def test_moved_timers_are_named_and_mended(paid: World, app: App, move: str) -> None:
    """Its subscription would never have been renewed again, and `billow check` was content."""
    with app.db.transaction(paid.api.tenant) as tx:
        tx.run(f"update jobs set {move} where tenant = %(t)s and kind = 'subscription.renew'", t=tx.tenant)
    [what] = [what for what in wrong(app, paid) if "timers_are_set" in what]
    clock = "" if "wall" in move else f" on {paid.clock}"
    expected = f"expected the timer subscription.renew at 2025-03-01 00:00:00 on {paid.clock}"
    assert what.endswith(f"{expected}, found it at 2100-01-01 00:00:00{clock}")
    said = list(commands.check(app.db, Checked(paid.api.tenant, repair=True)))
    assert (True, f"{paid.api.tenant} timers that were missing or moved and are set: 1") in said
    assert all(good for good, _ in said)


def test_it_only_reads(paid: World, app: App) -> None:
    """As from a replica: the connection refuses to write."""
    replica = Database(f"{app.db.url}&options=-c%20default_transaction_read_only%3Don", size=2)
    replica.outside = app.db.outside
    try:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), replica.transaction("acct_1/test") as tx:
            tx.run("create table a (id text)")
        assert all(good for good, _ in commands.check(replica, Checked(paid.api.tenant, full=True)))
    finally:
        replica.close()


def test_the_command_ends_with_a_status(paid: World, app: App) -> None:
    def run(*words: str) -> tuple[int, str]:
        answer = CliRunner().invoke(
            cli, ["check", "--database", app.db.url, "--tenant", paid.api.tenant, *words]
        )
        return answer.exit_code, answer.output

    assert run("--full")[0] == 0
    with app.db.transaction(paid.api.tenant) as tx:
        tx.run("update customers set balance = balance - 3")
    status, said = run()
    with app.db.transaction(paid.api.tenant) as tx:
        tx.run("update customers set balance = balance + 3")
    assert status == 1
    assert f"no  {paid.api.tenant} cus_" in said
    assert "balances_are_booked: expected 0 in the books, found -3" in said


def test_nothing_is_reported_of_a_system_at_work(world: World, app: App) -> None:  # noqa: F811
    """Renewals, payments, refused cards and changes run while it is checked, over and over."""
    world.at("2025-01-01")
    pro = world.plan("Pro", usd=20)
    people = [world.customer(f"c{number}", "declining" if number % 4 == 0 else "visa") for number in range(8)]
    for person in people:
        world.api.post("/v1/subscriptions", {"customer": person.id, "items[0][price]": pro})
    found: list[str] = []
    rounds, done = 0, threading.Event()

    def look() -> None:
        nonlocal rounds
        while not done.is_set():
            found.extend(what for what in wrong(app, world, full=True) if "due for more" not in what)
            rounds += 1

    looking = threading.Thread(target=look)
    looking.start()
    try:
        with running_worker(app):
            for month in (2, 3, 4):
                at = f"2025-{month:02}-01 02:00"
                when = {"frozen_time": int(moment(at).timestamp())}
                world.post(f"/v1/test_helpers/test_clocks/{world.clock}/advance", **when)
                ready(world)
    finally:
        done.set()
        looking.join()
    do_what_is_due(app)
    assert rounds > 2 and found == []


def ready(world: World) -> None:  # noqa: F811
    deadline = time.monotonic() + 60
    while world.get(f"/v1/test_helpers/test_clocks/{world.clock}")["status"] == "advancing":
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("rule", "plant", "undo"),
    [
        (
            "intents_received_their_charges",
            "update payment_intents set amount_received = amount_received - 1 where status = 'succeeded'",
            "update payment_intents set amount_received = amount_received + 1 where status = 'succeeded'",
        ),
        (
            "intents_received_their_charges",
            'insert into charges select (jsonb_populate_record(c, \'{"id": "ch_second"}\')).* from charges c'
            " limit 1",
            "delete from charges where id = 'ch_second'",
        ),
        (
            "attempts_made_their_charges",
            "update attempts set amount = amount + 1 where kind = 'charge'",
            "update attempts set amount = amount - 1 where kind = 'charge'",
        ),
        (
            "refunds_fit_their_charge",
            "insert into refunds select (jsonb_populate_record(null::refunds, jsonb_build_object("
            "'tenant', tenant, 'id', 're_planted', 'created', created, 'amount', amount + 1, 'charge', id,"
            " 'currency', currency, 'status', 'pending', 'metadata', '{}'::jsonb, 'emitted', true,"
            " 'refund_application_fee', false, 'reverse_transfer', false, 'credited', 0))).*"
            " from charges limit 1",
            "delete from refunds where id = 're_planted'",
        ),
    ],
)
def test_a_payment_that_does_not_fit_is_named(
    paid: World, app: App, rule: str, plant: str, undo: str
) -> None:
    with app.db.transaction(paid.api.tenant) as tx:
        tx.run(plant)
    found = wrong(app, paid)
    with app.db.transaction(paid.api.tenant) as tx:
        tx.run(undo)
    assert any(f": {rule}: expected" in what for what in found), found
    assert wrong(app, paid) == []


@pytest.mark.parametrize(
    ("change", "back", "seen"),
    [
        ("charges set amount = amount + 1", "charges set amount = amount - 1", "amount and fee"),
        ("attempts set state = 'failed'", "attempts set state = 'succeeded'", "succeeded at the gateway"),
        ("charges set reference = 'x' || id", "charges set reference = substring(reference, 2)", "none"),
        (
            "balance_transactions set fee = fee + 1, net = net - 1",
            "balance_transactions set fee = fee - 1, net = net + 1",
            "fee",
        ),
    ],
)
def test_what_is_not_as_the_gateway_says_is_named_on_request(
    paid: World, app: App, change: str, back: str, seen: str
) -> None:
    found = list(commands.check(app.db, Checked(paid.api.tenant, gateways=True)))
    assert [what for good, what in found if not good] == []
    assert any(what.endswith("gateways: 2 payments, refunds and disputes compared") for _, what in found)
    with app.db.transaction(paid.api.tenant) as tx:
        kept = tx.tuples("select id, reference from charges")
        tx.run(f"update {change}")
    found = list(commands.check(app.db, Checked(paid.api.tenant, gateways=True)))
    with app.db.transaction(paid.api.tenant) as tx:
        tx.run(f"update {back}")
        for id, reference in kept:
            tx.run("update charges set reference = %(r)s where id = %(id)s", r=reference, id=id)
    named = [what for good, what in found if not good and "payments_are_as_the_gateway_says" in what]
    assert len(named) == 2 and all(seen in what for what in named)
