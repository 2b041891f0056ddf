"""The connection to the database is cut at COMMIT: whatever the caller hears is true (F04).

BILLOW_CUTS makes it longer, BILLOW_SEED repeats a run.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from billow import app as application
from billow import settings
from billow.app import App
from billow.core.payments import Succeeded
from billow.providers.gateways.simulated import Simulated
from billow.store import jobs
from billow.store.perform import Steps, ask
from billow.store.tx import Tx
from tests.conftest import Api, Reply, new_caller
from tests.support import invariants
from tests.support.cutting_proxy import Cutter, cutting

CUTS = int(os.environ.get("BILLOW_CUTS", "60"))
SEED = int(os.environ.get("BILLOW_SEED", str(random.randrange(10**6))))


@dataclass
class Cut:
    """A system whose connections to the database go through the proxy; `direct` is the same, without it."""

    cutter: Cutter
    app: App
    direct: Api
    gateway: Simulated
    cut_next: list[str | None] = field(default_factory=list)

    def caller(self) -> Api:
        return Api(self.app, self.direct.key, self.direct.tenant)

    def later(self, seconds: int) -> None:
        """Time passes, and the worker does what is due."""
        now = self.app.db.wall() + timedelta(seconds=seconds)
        self.app.db.wall = lambda: now
        while jobs.run_due(self.app.db, clock="wall", until=now, lane="outside"):
            pass


@pytest.fixture
def cut(app: App, server_url: str, tmp_path: Path) -> Iterator[Cut]:
    gateway = Simulated(tmp_path / "gateway.sqlite")
    with cutting(server_url) as (cutter, url):
        given = {"BILLOW_DATA": str(tmp_path), "BILLOW_PEPPER": (Path(app_data(app)) / "pepper").read_text()}
        built = application.build(settings.load(given), url)
        built.db.outside = replace(app.db.outside, gateways={"test": gateway})
        made = Cut(cutter, built, new_caller(app), gateway)
        cutter.decide = lambda: made.cut_next.pop(0) if made.cut_next else None
        yield made
        cutter.decide = lambda: None
        built.close()
    gateway.close()


def app_data(app: App) -> str:
    return str(app.db.outside.mailer._folder.parent)


def test_every_answer_is_true_whatever_is_cut(cut: Cut) -> None:
    print(f"BILLOW_SEED={SEED} BILLOW_CUTS={CUTS}")
    chance, wrong = random.Random(SEED), []
    api = cut.caller()
    for number in range(CUTS):
        how, name = chance.choice(["before", "after"]), f"n{number}"
        keyed = {"Idempotency_Key": name} if chance.random() < 0.6 else {}
        cut.cut_next[:] = [how]
        answer = api.post("/v1/customers", {"name": name}, **keyed)
        assert not cut.cut_next
        there = names(cut.direct, name)
        if not is_true(answer, there) or there != (1 if how == "after" else 0):
            wrong.append(f"{how} {keyed}: {answer.status} {answer}, {there} there")
        if keyed:
            again = api.post("/v1/customers", {"name": name}, **keyed)
            if (again.status, names(cut.direct, name)) != (200, 1) or (there and again != answer):
                wrong.append(f"{how} again: {again.status} {again}")
    assert len(cut.cutter.cuts) == CUTS
    assert not wrong, "\n".join([f"BILLOW_SEED={SEED}", *wrong])


def names(api: Api, name: str) -> int:
    with api.app.db.transaction(api.tenant) as tx:
        return len(tx.all("select id from customers where name = %(name)s", name=name))


def is_true(answer: Reply, there: int) -> bool:
    """Yes means that it is there; "nothing was changed" means that it is not."""
    if answer.status == 200:
        return there == 1
    return answer.status == 503 and "nothing was changed" in answer["error"]["message"] and there == 0


@pytest.mark.parametrize("keyed", [True, False])
@pytest.mark.parametrize("how", ["before", "after"])
def test_while_nobody_can_be_asked_the_answer_says_that_it_is_unknown(
    cut: Cut, how: str, keyed: bool
) -> None:
    def cut_and_refuse() -> str | None:
        cut.cutter.refusing = True
        return how

    api = cut.caller()
    api.get("/v1/customers")
    cut.cutter.decide = cut_and_refuse
    headers = {"Idempotency_Key": "a"} if keyed else {}
    answer = api.post("/v1/customers", {"name": "Ann"}, **headers)
    cut.cutter.refusing, cut.cutter.decide = False, lambda: None
    assert (answer.status, answer["error"]["type"]) == (500, "api_error")
    assert "not known" in answer["error"]["message"] and "nothing was changed" not in str(answer)
    assert answer.headers["Stripe-Should-Retry"] == ("true" if keyed else "false")
    assert keyed or answer.headers["Request-Id"] in answer["error"]["message"]
    assert names(cut.direct, "Ann") == (1 if how == "after" else 0)
    if keyed:
        wait_for_a_connection(api)
        again = api.post("/v1/customers", {"name": "Ann"}, Idempotency_Key="a")
        assert (again.status, names(cut.direct, "Ann")) == (200, 1)


def wait_for_a_connection(api: Api) -> None:
    """Ask until the pool has noticed that the database is back, which takes it up to a second."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if api.get("/v1/customers").status == 200:
            return
        time.sleep(0.05)
    raise AssertionError("the database does not come back")


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("keyed", [True, False])
def test_a_payment_is_answered_truly_and_made_once(cut: Cut, how: str, step: int, keyed: bool) -> None:
    """Its first COMMIT writes the attempt down, its second books what the gateway said."""
    card = {"payment_method": "pm_card_visa", "invoice_settings[default_payment_method]": "pm_card_visa"}
    customer = cut.direct.post("/v1/customers", card)["id"]
    usual = cut.direct.get(f"/v1/customers/{customer}")["invoice_settings"]["default_payment_method"]
    sent = {"amount": "500", "currency": "usd", "customer": customer, "confirm": "true"}
    sent["payment_method"] = usual
    api = cut.caller()
    cut.cut_next[:] = [None] * step + [how]
    answer = api.post("/v1/payment_intents", sent, **({"Idempotency_Key": "a"} if keyed else {}))
    assert not cut.cut_next
    if (step, how) == (0, "before"):
        assert answer.status == 503 and cut.direct.get("/v1/payment_intents")["data"] == []
        answer = api.post("/v1/payment_intents", sent, Idempotency_Key="a")
    assert (answer.status, answer["status"]) == (200, "succeeded"), answer
    cut.later(120)
    if keyed:
        assert api.post("/v1/payment_intents", sent, Idempotency_Key="a") == answer
    assert [charge["amount"] for charge in cut.direct.get("/v1/charges")["data"]] == [500]
    assert len([one for one in cut.gateway.charges() if isinstance(one.outcome, Succeeded)]) == 1
    invariants.check_all(cut.direct.app.db, cut.direct.tenant, None)


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("step", [0, 1])
def test_a_job_is_done_once_and_no_cut_is_a_failed_try(
    cut: Cut, kinds: Callable[..., str], how: str, step: int
) -> None:
    db, tenant = cut.app.db, cut.direct.tenant

    def verb(tx: Tx, refs: list[str]) -> Steps:
        jobs.put(tx, kind, refs[0], tx.wall + timedelta(minutes=1), clock="wall")
        tx, _ = yield ask(lambda: None)
        jobs.cancel(tx, kind, refs[0])
        tx.run(
            "insert into idempotency_keys (key, fingerprint, request, created) values (%(key)s, '', '',"
            " %(now)s)",
            key=f"done {refs[0]}",
            now=tx.now,
        )

    kind = kinds("cut.verb", verb)
    with cut.direct.app.db.transaction(tenant) as tx:
        jobs.put(tx, kind, "a", db.wall(), clock="wall")
    cut.cut_next[:] = [None] * step + [how]
    for _ in range(4):
        with suppress(psycopg.OperationalError):
            jobs.run_due(db, clock="wall", until=db.wall(), lane="cut")
        with cut.direct.app.db.transaction(tenant) as tx:
            sql = "select tries, parked from jobs where tenant = %(t)s and kind = %(k)s"
            assert tx.all(sql, t=tenant, k=kind) in ([], [{"tries": 0, "parked": False}])
        cut.later(61)
    with cut.direct.app.db.transaction(tenant) as tx:
        assert tx.all("select key from idempotency_keys") == [{"key": "done a"}]
        assert not tx.all("select 1 from jobs where tenant = %(t)s and kind = %(k)s", t=tenant, k=kind)


@pytest.fixture
def kinds() -> Iterator[Callable[..., str]]:
    made: list[str] = []

    def declare(name: str, verb: Callable[..., Any]) -> str:
        jobs.job(name, lane="cut")(verb)
        made.append(name)
        return name

    yield declare
    for name in made:
        del jobs.KINDS[name]


def test_after_a_crash_of_the_server_a_number_proves_nothing(cut: Cut) -> None:
    """A crash empties the unlogged table; the number may be another transaction's by now."""

    def crash() -> str:
        with cut.direct.app.db.connection() as conn:
            conn.execute("delete from crash_markers")
        return "after"

    api = cut.caller()
    api.get("/v1/customers")
    cut.cutter.decide = crash
    answer = api.post("/v1/customers", {"name": "Ann"}, Idempotency_Key="a")
    cut.cutter.decide = lambda: None
    assert answer.status == 500 and answer.headers["Stripe-Should-Retry"] == "true"
    again = api.post("/v1/customers", {"name": "Ann"}, Idempotency_Key="a")
    assert (again.status, names(cut.direct, "Ann")) == (200, 1)
