"""A billing run with a poisoned customer bills all the others; one that is interrupted ten times ends alike.

BILLOW_SUBSCRIPTIONS makes the runs larger.
"""

import os
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from billow.api import rows
from billow.app import App
from billow.flows.papers import invoice_document
from billow.providers.documents import InvoiceDocument, pdf
from billow.resources.invoice import Invoice
from billow.store import jobs, starts
from billow.store.tx import Tx
from tests.conftest import new_caller
from tests.flows.conftest import do_what_is_due, run_later
from tests.support import invariants
from tests.support.world import World, moment

COUNT = int(os.environ.get("BILLOW_SUBSCRIPTIONS", "9"))
INTERRUPTIONS = 10
END = "2025-02-01 02:00"


def merchant(app: App, count: int = COUNT) -> World:
    """A merchant with so many subscriptions that renew on 1 February, every third with a declining card."""
    world = World(new_caller(app), lambda: do_what_is_due(app))
    world.at("2025-01-01")
    pro = world.plan("Pro", usd=20)
    calls = world.metered("Calls", world.meter("calls"), cents="0.7")
    for number in range(count):
        person = world.customer(f"c{number:03}", invoice_prefix=f"RUN{number:03}")
        person.subscribes_to(pro, calls)
        person.uses("calls", 100 + number, "2025-01-01")
        if number % 3 == 0:
            person.pays_with("declining")
    return world


def advance(app: App, world: World) -> str:
    when = {"frozen_time": int(moment(END).timestamp())}
    world.post(f"/v1/test_helpers/test_clocks/{world.clock}/advance", **when)
    do_what_is_due(app)
    return str(world.get(f"/v1/test_helpers/test_clocks/{world.clock}")["status"])


def test_one_poisoned_customer_is_parked_and_all_others_are_billed(app: App) -> None:
    world = merchant(app)
    with app.db.transaction(world.api.tenant) as tx:
        [(id,)] = tx.tuples("select id from subscriptions order by id offset 5 limit 1")
        tx.run("update subscriptions set trial_settings = '{}' where id = %(id)s", id=id)
    assert advance(app, world) == "internal_failure"
    with app.db.transaction(world.api.tenant) as tx:
        [(billed,)] = tx.tuples(
            "select count(*) from invoices where billing_reason = 'subscription_cycle' and status <> 'draft'"
        )
        parked = {row["kind"]: row for row in jobs.parked(tx, world.clock or "")}
    assert billed == COUNT - 1
    assert {row["ref"] for row in parked.values()} == {id}
    assert "KeyError: 'end_behavior'" in parked["subscription.renew"]["error"]


class Killed(BaseException):
    """What takes the process of a run away, as a kill does: nothing catches it."""


def interrupted(app: App, world: World, after: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Do what is due until so many statements have been executed; whether it came to the end."""
    left = after
    run, all_, tuples = Tx.run, Tx.all, Tx.tuples

    def counted(real: Any) -> Any:
        def call(self: Tx, sql: str, **params: Any) -> Any:
            nonlocal left
            left -= 1
            if not left:
                raise Killed
            return real(self, sql, **params)

        return call

    with monkeypatch.context() as patch:
        for name, real in (("run", run), ("all", all_), ("tuples", tuples)):
            patch.setattr(Tx, name, counted(real))
        try:
            jobs.run_due(app.db, clock=world.clock or "", until=moment(END))
        except Killed:
            return False
    return True


def result(app: App, world: World) -> dict[str, tuple[Any, bytes]]:
    """Each invoice by its number: what it says, and its document."""
    with app.db.transaction(world.api.tenant) as tx:
        found = rows.select(tx, Invoice, "number is not null")
        return {
            invoice.number or "": (
                (invoice.status, invoice.total, invoice.amount_paid, invoice.attempt_count),
                pdf.render(document(tx, invoice), invoice_document.issued_at(invoice)),
            )
            for invoice in found
        }


def document(tx: Tx, invoice: Invoice) -> InvoiceDocument:
    """The paper of an invoice without the address to pay it at, which has ids in it."""
    return replace(invoice_document.document_of(tx, invoice), pay_at="")


def test_a_run_that_is_interrupted_ten_times_ends_as_one_that_is_not(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Chance may stop one job every time; a job that kills its workers is another story (test_deadly_jobs).
    monkeypatch.setattr(starts, "MOST", 2 * INTERRUPTIONS)
    straight, broken = merchant(app), merchant(app)
    assert advance(app, straight) == "ready"
    chance = random.Random(9)  # noqa: S311  (moments, not secrets)
    kept: dict[str, tuple[Any, bytes]] = {}
    for number in range(INTERRUPTIONS):
        ended = interrupted(app, broken, chance.randrange(10, 80), monkeypatch)
        assert not ended, f"nothing was interrupted the {number + 1}th time"
        if number == INTERRUPTIONS // 2:
            kept = result(app, broken)
    assert advance(app, broken) == "ready"
    # What a gateway was asked when the process died is asked again a minute later.
    run_later(app.db, timedelta(minutes=2))
    expected, found = result(app, straight), result(app, broken)
    assert all(found[number][1] == document for number, (_, document) in kept.items())
    assert len(expected) == 2 * COUNT
    assert {number: said for number, (said, _) in found.items()} == {
        number: said for number, (said, _) in expected.items()
    }
    assert {n for n in expected if expected[n][1] != found[n][1]} == set(), "documents that differ"
    assert told(app, straight) == told(app, broken)
    do_what_is_due(app)
    for world in (straight, broken):
        invariants.check_all(app.db, world.api.tenant, world.clock)


def told(app: App, world: World) -> list[tuple[Any, ...]]:
    with app.db.transaction(world.api.tenant) as tx:
        return tx.tuples("select type, count(*) from events group by type order by type")
