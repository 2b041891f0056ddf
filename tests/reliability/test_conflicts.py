"""PostgreSQL ends one transaction in ten with a deadlock or a serialization failure: no caller hears a 500.

BILLOW_REQUESTS makes it longer, BILLOW_SEED repeats a run.
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from billow.app import App
from billow.store import perform
from billow.store.tx import Database, Tx
from tests.conftest import Api

REQUESTS = int(os.environ.get("BILLOW_REQUESTS", "150"))
SEED = int(os.environ.get("BILLOW_SEED", "5"))
RATE = 0.1
DOOM = "the statement at which the transaction is ended"


class Conflicts:
    """Ends one transaction in ten, at one of its first statements or at its COMMIT."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.chance = random.Random(SEED)
        self.begun: Counter[str | None] = Counter()
        self.raised = 0
        transaction = Database.transaction

        @contextmanager
        def sometimes_ended(db: Database, tenant: str, **more: Any) -> Iterator[Tx]:
            with transaction(db, tenant, **more) as tx:
                self.begun[tx.cause.request] += 1
                if tx.cause.request and self.chance.random() < RATE:
                    tx.notes[DOOM] = self.chance.randint(1, 12)
                yield tx
                if tx.notes.get(DOOM):
                    self.end()

        monkeypatch.setattr(Database, "transaction", sometimes_ended)
        for name in ("all", "one", "tuples", "run"):
            monkeypatch.setattr(Tx, name, self.counted(getattr(Tx, name)))

    def counted(self, statement: Callable[..., Any]) -> Callable[..., Any]:
        def run(tx: Tx, sql: str, **params: Any) -> Any:
            if tx.notes.get(DOOM):
                tx.notes[DOOM] -= 1
                if not tx.notes[DOOM]:
                    self.end()
            return statement(tx, sql, **params)

        return run

    def end(self) -> None:
        self.raised += 1
        kinds = [psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure]
        raise self.chance.choice(kinds)("ended by the test")


def test_conflicts_are_tried_again_and_are_no_500(
    app: App, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    price = api.post(
        "/v1/prices",
        {
            "currency": "usd",
            "unit_amount": "1000",
            "recurring[interval]": "month",
            "product_data[name]": "Seat",
        },
    )["id"]
    monkeypatch.setattr(perform.time, "sleep", lambda _: None)
    conflicts = Conflicts(monkeypatch)
    answers: list[Any] = []
    made = 0
    for number in range(REQUESTS // 3):
        paying = {"payment_method": "pm_card_visa"}
        customer = api.post("/v1/customers", {"name": f"n{number}", **paying}, Idempotency_Key=f"c{number}")
        answers.append(customer)
        if customer.status != 200:
            continue
        made += 1
        answers.append(api.post(f"/v1/customers/{customer['id']}", {"description": "changed"}))
        answers.append(
            api.post(
                "/v1/subscriptions",
                {
                    "customer": customer["id"],
                    "items[0][price]": price,
                    "collection_method": "send_invoice",
                    "days_until_due": "30",
                },
            )
        )
    statuses = Counter(answer.status for answer in answers)
    most = max(conflicts.begun.values())
    print(f"{dict(statuses)} of {conflicts.raised} conflicts; at most {most} transactions of one request")
    assert conflicts.raised > REQUESTS / 20
    assert set(statuses) <= {200, 429}, [answer for answer in answers if answer.status not in (200, 429)]
    assert statuses[200] > 0.9 * len(answers)
    assert most <= perform.TRIES + 2  # five of the first, and the steps after it
    monkeypatch.undo()
    listed = api.get("/v1/customers", {"limit": 100})["data"]
    assert made <= len(listed) <= REQUESTS // 3
    assert len({customer["name"] for customer in listed}) == len(listed)


def test_a_conflict_that_stays_ends_after_five_tries(
    app: App, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(perform.time, "sleep", waits.append)
    monkeypatch.setattr("tests.reliability.test_conflicts.RATE", 1.0)
    conflicts = Conflicts(monkeypatch)
    answer = api.post("/v1/customers", {"name": "never"})
    assert (answer.status, answer["error"]["code"]) == (429, "lock_timeout")
    assert conflicts.raised == 5 and len(set(waits)) == 4  # jitter: no two wait the same time
    monkeypatch.undo()
    assert api.get("/v1/customers")["data"] == []
