"""Is a payout that a bank statement has booked once, whichever is known first?"""

from datetime import UTC, datetime
from typing import Any

import pytest

from billow.api import rows
from billow.core.payouts import PaidOut
from billow.flows.bank import process, queue
from billow.flows.payments import settle_payout
from billow.resources.bank_entry import BankEntry
from tests.conftest import Api
from tests.flows.payments.test_payouts import books
from tests.support.bank_statements import ACCOUNT
from tests.support.invariants import check_all

ARRIVES = datetime(2026, 1, 6, tzinfo=UTC)


def told(api: Api, status: str, reference: str = "po_theirs") -> None:
    with api.app.db.transaction(api.tenant) as tx:
        settle_payout.record(tx, "stripe", PaidOut(reference, 900, "eur", status, ARRIVES))


def on_a_statement(api: Api, **said: Any) -> BankEntry:
    seen = {"account": ACCOUNT, "amount": 900, "booked_on": "2026-01-07", "currency": "eur"}
    with api.app.db.transaction(api.tenant) as tx:
        entry = rows.insert(tx, BankEntry(**{**seen, "identity": str(said), **said}), event=None)
        return process.process(tx, entry)


@pytest.mark.parametrize("before", ["in_transit", "paid"])
def test_a_payout_on_a_statement_is_on_the_bank_once(api: Api, before: str) -> None:
    told(api, before)
    entry = on_a_statement(api, name="STRIPE PAYMENTS EUROPE LTD")
    assert (entry.state, entry.rule, entry.unapplied) == ("applied", "payout", 0)
    told(api, "paid")
    assert books(api) == {"bank": 900, "clearing:stripe": -900}
    assert [one for one in api.event_types() if one == "payout.paid"] == ["payout.paid"]
    check_all(api.app.db, api.tenant)


@pytest.mark.parametrize("says", ["pending", "in_transit"])
def test_a_payout_that_has_arrived_is_not_under_way_again(api: Api, says: str) -> None:
    told(api, "in_transit")
    on_a_statement(api, name="STRIPE PAYMENTS EUROPE LTD")
    told(api, says)  # the bank has told us before the gateway knows
    [payout] = api.get("/v1/payouts")["data"]
    assert payout["status"] == "paid"
    told(api, "paid")
    assert [one for one in api.event_types() if one == "payout.paid"] == ["payout.paid"]
    told(api, "failed")
    [payout] = api.get("/v1/payouts")["data"]
    assert payout["status"] == "failed"
    check_all(api.app.db, api.tenant)


@pytest.mark.parametrize("before", ["in_transit", "paid"])
def test_a_payout_that_the_bank_takes_back_is_on_its_way_again(api: Api, before: str) -> None:
    told(api, before)
    on_a_statement(api, name="STRIPE PAYMENTS EUROPE LTD", bank_reference="B1")
    on_a_statement(api, amount=-900, bank_reference="B1", reversal=True)
    assert books(api) == {"in_transit": 900, "clearing:stripe": -900}
    [payout] = api.get("/v1/payouts")["data"]
    assert payout["status"] == "in_transit"
    check_all(api.app.db, api.tenant)
    told(api, "paid")  # the gateway does not know yet what the bank did
    assert books(api) == {"in_transit": 900, "clearing:stripe": -900}
    on_a_statement(api, name="STRIPE PAYMENTS EUROPE LTD", bank_reference="B2")
    assert books(api) == {"bank": 900, "clearing:stripe": -900}
    on_a_statement(api, amount=-900, bank_reference="B2", reversal=True)
    assert books(api) == {"in_transit": 900, "clearing:stripe": -900}
    told(api, "failed")
    assert books(api) == {}
    check_all(api.app.db, api.tenant)


def test_an_entry_that_is_no_payout_after_all_is_in_the_queue(api: Api) -> None:
    told(api, "paid")
    entry = on_a_statement(api, name="STRIPE PAYMENTS EUROPE LTD")
    with api.app.db.transaction(api.tenant) as tx:
        assert (queue.undo(tx, entry.id).state, rows.find(tx, BankEntry, entry.id).unapplied) == (
            "queued",
            900,
        )
    assert books(api) == {"bank": 900, "in_transit": 900, "clearing:stripe": -900}
    check_all(api.app.db, api.tenant)


def test_money_that_no_payout_is_named_with_stays_unapplied(api: Api) -> None:
    told(api, "in_transit")
    assert on_a_statement(api, name="Anna").state == "queued"
    assert books(api)["in_transit"] == 900


def test_one_of_two_payouts_is_found_by_its_reference(api: Api) -> None:
    told(api, "in_transit", "po_first")
    told(api, "in_transit", "po_second")
    assert on_a_statement(api, name="Stripe").state == "queued"
    assert on_a_statement(api, name="Stripe", text="PO_SECOND").state == "applied"
    [second, first] = api.get("/v1/payouts")["data"]
    assert (second["status"], first["status"]) == ("paid", "in_transit")


def test_a_payout_that_failed_stays_failed_when_the_bank_shows_it_leave(api: Api) -> None:
    told(api, "paid")
    on_a_statement(api, name="STRIPE PAYMENTS EUROPE LTD", bank_reference="B1")
    told(api, "failed")
    assert books(api) == {}
    on_a_statement(api, amount=-900, bank_reference="B1", reversal=True)
    assert books(api) == {}
    [payout] = api.get("/v1/payouts")["data"]
    assert payout["status"] == "failed"
    told(api, "failed")
    check_all(api.app.db, api.tenant)
