"""Is money that a gateway turns into another currency where the gateway has it, in balance and books?"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from billow.api import rows
from billow.core.payments import Exchange, Succeeded
from billow.flows.payments import settle_refund
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


def books(api: Api) -> dict[tuple[str, str], int]:
    sql = (
        "select account, currency, sum(amount)::bigint from (select debit as account, currency, amount"
        " from ledger_transfers union all select credit, currency, -amount from ledger_transfers) moved"
        " where account in ('exchange', 'clearing:simulated') group by account, currency"
    )
    with api.app.db.transaction(api.tenant) as tx:
        return {(account, currency): amount for account, currency, amount in tx.tuples(sql) if amount}


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
