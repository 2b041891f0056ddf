"""Is money that a gateway turns into another currency where the gateway has it, in balance and books?"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from billow import gateway_check
from billow.api import rows
from billow.core.disputes import Dispute, Movement
from billow.core.payments import Exchange, Succeeded
from billow.flows.payments import settle_dispute, settle_refund
from billow.resources.charge import Charge
from billow.resources.refund import Refund
from tests.conftest import Api
from tests.support.invariants import check_all

RATE = Decimal("0.92")
TAKEN, GIVEN = Exchange("eur", 920, 55, RATE), Exchange("eur", -920, 0, RATE)
"""What the gateway makes of 10.00 USD with a fee of 0.59, and what it takes for their refund."""


@pytest.fixture
def turns(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that pays out in euros."""
    kind = type(app.db.outside.gateways["test"])

    def turned(inner: Callable[..., Any], into: Exchange) -> Callable[..., Any]:
        def ask(self: Any, request: Any) -> Any:
            said = inner(self, request)
            return replace(said, exchange=into) if isinstance(said, Succeeded) else said

        return ask

    for name, into in (("charge", TAKEN), ("capture", TAKEN), ("refund", GIVEN)):
        monkeypatch.setattr(kind, name, turned(getattr(kind, name), into))


def books(api: Api, *more: str) -> dict[tuple[str, str], int]:
    sql = (
        "select account, currency, sum(amount)::bigint from (select debit as account, currency, amount"
        " from ledger_transfers union all select credit, currency, -amount from ledger_transfers) moved"
        " where account = any(%(accounts)s) group by account, currency"
    )
    accounts = ["exchange", "clearing:simulated", *more]
    with api.app.db.transaction(api.tenant) as tx:
        found = tx.tuples(sql, accounts=accounts)
        return {(account, currency): amount for account, currency, amount in found if amount}


def balance(api: Api) -> dict[str, int]:
    shown = api.get("/v1/balance")
    totals: dict[str, int] = {}
    for part in ("available", "pending"):
        for row in shown[part]:
            totals[row["currency"]] = totals.get(row["currency"], 0) + row["amount"]
    return {currency: amount for currency, amount in totals.items() if amount}


SOLD = {"amount": 1000, "currency": "usd", "source": "tok_visa"}


@pytest.mark.parametrize("captured", ["true", "false"])
def test_a_charge_leaves_nothing_in_its_own_currency(api: Api, turns: None, captured: str) -> None:
    made = api.post("/v1/charges", {**SOLD, "capture": captured})
    if captured == "false":
        assert books(api) == {}
        api.post(f"/v1/charges/{made['id']}/capture")
    assert books(api) == {
        ("clearing:simulated", "eur"): 865,
        ("exchange", "usd"): 941,
        ("exchange", "eur"): -865,
    }
    assert balance(api) == {"eur": 865}
    moved = api.get("/v1/balance_transactions", {"type": "adjustment", "currency": "eur"})["data"]
    assert [(one["amount"], one["exchange_rate"], one["source"]) for one in moved] == [
        (865, 0.92, made["id"])
    ]
    check_all(api.app.db, api.tenant)


def test_a_refund_is_taken_out_of_what_it_was_turned_into(api: Api, turns: None) -> None:
    made = api.post("/v1/charges", SOLD)["id"]
    given = api.post("/v1/refunds", {"charge": made})["id"]
    assert books(api) == {
        ("clearing:simulated", "eur"): 865 - 920,
        ("exchange", "usd"): 941 - 1000,
        ("exchange", "eur"): -865 + 920,
    }
    assert balance(api) == {"eur": -55}
    check_all(api.app.db, api.tenant)
    with api.app.db.transaction(api.tenant) as tx:
        charge, refund = rows.lock(tx, Charge, made), rows.lock(tx, Refund, given)
        settle_refund.fail_afterwards(tx, charge, refund, "expired_or_canceled_card")
    assert books(api)["clearing:simulated", "eur"] == 865 and balance(api) == {"eur": 865}
    check_all(api.app.db, api.tenant)


def test_what_is_not_turned_is_booked_as_before(api: Api) -> None:
    api.post("/v1/charges", SOLD)
    assert books(api) == {("clearing:simulated", "usd"): 941} and balance(api) == {"usd": 941}


WITHDRAWN, RETURNED = Movement("txn_1", -920, 1500, "eur", RATE), Movement("txn_2", 925, 0, "eur", RATE)
BOOKS = ("disputed", "bad_debt", "gateway_fees")


def disputed(api: Api, charge: str, status: str, *movements: Movement) -> Any:
    """What the gateway says of a dispute about 10.00 USD."""
    with api.app.db.transaction(api.tenant) as tx:
        row = rows.find(tx, Charge, charge)
        about = ("dp_1", row.reference or "", 1000, "usd", "fraudulent", status, None)
        id = settle_dispute.record(tx, row, Dispute(*about, movements)).id
    check_all(api.app.db, api.tenant)
    return api.get(f"/v1/disputes/{id}")


def test_a_dispute_is_taken_out_of_what_its_charge_was_turned_into(api: Api, turns: None) -> None:
    made = api.post("/v1/charges", SOLD)["id"]
    sold = books(api, *BOOKS)
    found = disputed(api, made, "needs_response", WITHDRAWN)
    assert (found["amount"], found["currency"]) == (1000, "usd")
    [taken] = found["balance_transactions"]
    assert (taken["amount"], taken["fee"], taken["net"], taken["currency"]) == (-920, 1500, -2420, "eur")
    assert (taken["exchange_rate"], taken["fee_details"][0]["currency"]) == (0.92, "eur")
    assert balance(api) == {"eur": 865 - 2420}
    open_books = {
        **sold,
        ("clearing:simulated", "eur"): 865 - 2420,
        ("disputed", "usd"): 1000,
        ("exchange", "usd"): 941 - 1000,
        ("exchange", "eur"): -865 + 920,
        ("gateway_fees", "eur"): 1500,
    }
    assert books(api, *BOOKS) == open_books
    assert disputed(api, made, "needs_response", WITHDRAWN)["balance_transactions"] == [taken]


def test_a_dispute_that_is_won_comes_back_at_the_rate_of_its_day(api: Api, turns: None) -> None:
    made = api.post("/v1/charges", SOLD)["id"]
    disputed(api, made, "needs_response", WITHDRAWN)
    won = disputed(api, made, "won", WITHDRAWN, RETURNED)
    assert [one["amount"] for one in won["balance_transactions"]] == [-920, 925]
    after = books(api, *BOOKS)
    assert ("disputed", "usd") not in after and ("bad_debt", "usd") not in after
    assert after["exchange", "usd"] == 941 and after["exchange", "eur"] == -865 + 920 - 925
    assert balance(api) == {"eur": 865 - 1500 + 5}


def test_a_dispute_that_is_lost_is_written_off_in_its_own_currency(api: Api, turns: None) -> None:
    made = api.post("/v1/charges", SOLD)["id"]
    disputed(api, made, "needs_response", WITHDRAWN)
    disputed(api, made, "lost", WITHDRAWN)
    after = books(api, *BOOKS)
    assert after["bad_debt", "usd"] == 1000 and ("disputed", "usd") not in after
    assert ("bad_debt", "eur") not in after


def test_a_gateway_that_took_another_currency_is_told_apart(api: Api, turns: None, monkeypatch: Any) -> None:
    made = api.post("/v1/charges", SOLD)["id"]
    disputed(api, made, "needs_response", WITHDRAWN)
    about = ("dp_1", "ch_1", 1000, "usd", "fraudulent", "needs_response", None)
    kind = type(api.app.db.outside.gateways["test"])

    def differing(movement: Movement) -> list[str]:
        monkeypatch.setattr(kind, "dispute", lambda self, id: Dispute(*about, (movement,)))
        found = gateway_check.compare(api.app.db, api.tenant, gateway_check.Compared())
        return [one.found for one in found if one.rule.startswith("disputes")]

    assert differing(WITHDRAWN) == []
    assert differing(replace(WITHDRAWN, currency="usd")) == ["{'eur': -2420}"]
