"""Is what a gateway pays out on the balance, in the books of each step, and on the bank once?"""

from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from billow.core.payouts import PaidOut
from billow.flows.payments import settle_payout
from billow.flows.platform import missing_timers
from billow.store import jobs
from tests.conftest import Api
from tests.support.connected import enabled
from tests.support.invariants import check_all

ASKED = {"amount": 700, "currency": "usd"}
PENDING = {"pending_invoice_items_behavior": "include", "auto_advance": "false"}


@pytest.fixture
def funded(api: Api) -> Api:
    """An account with 9.70 - 0.30 - ... available at once."""
    sold = {"amount": 1000, "currency": "usd", "source": "tok_bypassPending"}
    assert api.post("/v1/charges", sold)["paid"]
    return api


def available(api: Api) -> int:
    return int(api.get("/v1/balance")["available"][0]["amount"])


def books(api: Api) -> dict[str, int]:
    """Return the balances of the bank, of what is on its way to it, and of the gateway."""
    sql = (
        "select account, sum(amount)::bigint from (select debit as account, amount from ledger_transfers"
        " union all select credit, -amount from ledger_transfers) moved"
        " where account in ('bank', 'in_transit', 'clearing:simulated', 'clearing:stripe') group by account"
    )
    with api.app.db.transaction(api.tenant) as tx:
        return {account: amount for account, amount in tx.tuples(sql) if amount}


def go_on(api: Api, payout: Any) -> Any:
    """Do what is due of a payout, as its time comes."""
    with api.app.db.transaction(api.tenant) as tx:
        jobs.KINDS["payout.advance"].run(tx, [payout["id"]])
    return api.get(f"/v1/payouts/{payout['id']}")


def emitted(api: Api) -> list[str]:
    return [one for one in api.event_types() if one.startswith("payout.")]


def test_a_payout_goes_to_the_bank_step_by_step(funded: Api, contract: ModuleType) -> None:
    before = available(funded)
    made = funded.post("/v1/payouts", {**ASKED, "statement_descriptor": "Acme", "metadata[a]": "1"})
    assert (made.status, contract.problems(made), contract.absent(made)) == (200, [], [])
    assert (made["status"], made["automatic"], made["method"]) == ("pending", False, "standard")
    assert available(funded) == before - 700
    held = books(funded)["clearing:simulated"]
    assert books(funded) == {"in_transit": 700, "clearing:simulated": held}
    assert go_on(funded, made)["status"] == "in_transit"
    paid = go_on(funded, made)
    assert (paid["status"], books(funded)) == ("paid", {"bank": 700, "clearing:simulated": held})
    moved = funded.get(f"/v1/balance_transactions/{paid['balance_transaction']}", {"expand[]": "source"})
    assert (contract.problems(moved), moved["amount"], moved["type"]) == ([], -700, "payout")
    assert moved["source"]["id"] == made["id"]
    [own] = funded.get("/v1/balance_transactions", {"payout": made["id"]})["data"]
    assert own["id"] == moved["id"]
    assert emitted(funded) == ["payout.created", "payout.updated", "payout.paid"]
    check_all(funded.app.db, funded.tenant)


def test_its_timer_sends_it_after_an_hour_and_lets_it_arrive(funded: Api) -> None:
    made = funded.post("/v1/payouts", ASKED)
    where = "select run_at from jobs where kind = 'payout.advance' and ref = %(id)s"
    for at in (made["created"] + 3600, made["arrival_date"]):
        with funded.app.db.transaction(funded.tenant) as tx:
            [(due,)] = tx.tuples(where, id=made["id"])
        assert abs(due.timestamp() - at) < 2
        go_on(funded, made)


def test_more_than_is_available_is_not_paid_out(funded: Api) -> None:
    refused = funded.post("/v1/payouts", {**ASKED, "amount": 1001})
    assert (refused.status, refused["error"]["code"]) == (400, "balance_insufficient")
    assert funded.post("/v1/payouts", {**ASKED, "currency": "eur"})["error"]["code"] == "balance_insufficient"
    assert funded.post("/v1/payouts", {**ASKED, "destination": "ba_1"})["error"]["param"] == "destination"


def test_a_pending_payout_is_canceled_once(funded: Api) -> None:
    before = available(funded)
    made = funded.post("/v1/payouts", ASKED)
    canceled = funded.post(f"/v1/payouts/{made['id']}/cancel")
    assert (canceled["status"], available(funded)) == ("canceled", before)
    assert list(books(funded)) == ["clearing:simulated"]
    back = funded.get(f"/v1/balance_transactions/{canceled['failure_balance_transaction']}")
    assert (back["amount"], back["type"]) == (700, "payout_cancel")
    assert funded.post(f"/v1/payouts/{made['id']}/cancel").status == 400
    assert emitted(funded) == ["payout.created", "payout.canceled"]
    check_all(funded.app.db, funded.tenant)


def test_a_paid_payout_is_reversed(funded: Api) -> None:
    made = funded.post("/v1/payouts", ASKED)
    assert funded.post(f"/v1/payouts/{made['id']}/reverse").status == 400
    go_on(funded, made), go_on(funded, made)
    back = funded.post(f"/v1/payouts/{made['id']}/reverse", {"metadata[why]": "wrong"})
    assert (back["amount"], back["original_payout"], back["status"]) == (-700, made["id"], "pending")
    assert funded.get(f"/v1/payouts/{made['id']}")["reversed_by"] == back["id"]
    go_on(funded, back), go_on(funded, back)
    assert list(books(funded)) == ["clearing:simulated"]
    assert funded.post(f"/v1/payouts/{made['id']}/reverse").status == 400
    check_all(funded.app.db, funded.tenant)


def test_a_payout_to_a_closed_account_fails(api: Api) -> None:
    shop = enabled(api)
    sold = {"amount": 1000, "currency": "usd", "source": "tok_bypassPending"}
    api.post("/v1/charges", sold, Stripe_Account=shop)
    none = api.post("/v1/payouts", ASKED, Stripe_Account=shop)
    assert "external accounts in that currency" in none["error"]["message"]
    closed = {"object": "bank_account", "country": "US", "account_number": "000111111113"}
    sent = {f"external_account[{name}]": value for name, value in closed.items()}
    bank = api.post(
        f"/v1/accounts/{shop}/external_accounts", {**sent, "external_account[routing_number]": "110000000"}
    )
    made = api.post("/v1/payouts", ASKED, Stripe_Account=shop)
    assert made["destination"] == bank["id"], made
    for _ in range(2):
        with api.app.db.transaction(f"{shop}/test") as tx:
            jobs.KINDS["payout.advance"].run(tx, [made["id"]])
    failed = api.get(f"/v1/payouts/{made['id']}", Stripe_Account=shop)
    assert (failed["status"], failed["failure_code"]) == ("failed", "account_closed")
    check_all(api.app.db, f"{shop}/test")


def told(status: str, **more: Any) -> PaidOut:
    return PaidOut("po_theirs", 900, "usd", status, datetime(2026, 1, 6, tzinfo=UTC), fee=5, **more)


def test_the_payouts_of_a_gateway_are_taken_over(funded: Api) -> None:
    charge = funded.get("/v1/charges")["data"][0]
    with funded.app.db.transaction(funded.tenant) as tx:
        [(reference,)] = tx.tuples("select reference from charges where id = %(id)s", id=charge["id"])
        for status in ("in_transit", "in_transit", "paid", "paid"):
            payout = settle_payout.record(tx, "stripe", told(status))
            settle_payout.reconcile(tx, payout, [reference, "ch_unknown"])
    assert books(funded)["bank"] == 900 and books(funded)["clearing:stripe"] == -905
    [shown] = funded.get("/v1/payouts", {"status": "paid"})["data"]
    assert (shown["automatic"], shown["reconciliation_status"]) == (True, "completed")
    paid_out = funded.get("/v1/balance_transactions", {"payout": shown["id"]})["data"]
    assert {one["source"] for one in paid_out} == {charge["id"], shown["id"]}
    names = ["created", "updated", "paid", "reconciliation_completed"]
    assert emitted(funded) == [f"payout.{name}" for name in names]
    check_all(funded.app.db, funded.tenant)
    assert funded.post(f"/v1/payouts/{shown['id']}/reverse").status == 400
    with funded.app.db.transaction(funded.tenant) as tx:
        settle_payout.record(tx, "stripe", told("failed", failure_code="no_account"))
    assert "bank" not in books(funded)
    check_all(funded.app.db, funded.tenant)


def test_arrivals_skip_what_is_no_day_of_the_banks(funded: Api) -> None:
    made = funded.post("/v1/payouts", ASKED)
    arrives = datetime.fromtimestamp(made["arrival_date"], UTC)
    assert arrives.weekday() < 5 and arrives - datetime.now(UTC) < timedelta(days=8)
    at_once = funded.post("/v1/payouts", {**ASKED, "amount": 5, "method": "instant"})
    assert at_once["arrival_date"] - at_once["created"] == 1800


class Theirs:
    """A gateway that has made a payout of which no notice has come, and later says that it has failed."""

    def __init__(self, status: str) -> None:
        self.status = status

    def recent_payouts(self) -> dict[str, str]:
        return {"po_theirs": self.status}

    def payout(self, reference: str) -> PaidOut:
        return told(self.status)

    def paid_out_with(self, reference: str) -> tuple[str, ...]:
        return ()


def test_payouts_whose_notices_are_lost_are_found_the_next_day(
    funded: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = funded.app.db
    for status, bank in (("paid", 900), ("failed", 0)):
        gateway = Theirs(status)
        monkeypatch.setattr(settle_payout, "gateway_named", lambda tx, name, gateway=gateway: gateway)
        with db.transaction(funded.tenant) as tx:
            jobs.put(tx, "payout.poll", "stripe", tx.wall, clock="wall")
        for _ in range(2):
            jobs.run_due(db, clock="wall", until=db.wall(), lane="outside")
        assert funded.get("/v1/payouts")["data"][0]["status"] == status
        assert books(funded).get("bank", 0) == bank
    with db.transaction(funded.tenant) as tx:
        [(again,)] = tx.tuples("select run_at from jobs where kind = 'payout.poll'")
        assert timedelta(0) < again - tx.wall <= timedelta(days=1)
        tx.run("delete from jobs where tenant = %(t)s and kind = 'payout.poll'", t=tx.tenant)
        assert [one.ref for one in missing_timers.missing_polls(tx)] == ["stripe"]
        assert missing_timers.repair(tx) == 1
    with db.transaction(funded.tenant) as tx:
        assert missing_timers.missing_polls(tx) == []


@pytest.mark.parametrize(("currency", "amount"), [("huf", 17501), ("twd", 1050), ("isk", 50)])
def test_banks_move_whole_units_of_some_currencies(funded: Api, currency: str, amount: int) -> None:
    sent = {"amount": amount // 100 * 100 + 100, "currency": currency, "source": "tok_bypassPending"}
    assert funded.post("/v1/charges", {**sent, "amount": 1_000_000}).status == 200
    error = funded.post("/v1/payouts", {"amount": amount, "currency": currency})["error"]
    assert (error["param"], error["code"]) == ("amount", "invalid_charge_amount_no_decimal_compatible")
    assert funded.post("/v1/payouts", {"amount": sent["amount"], "currency": currency}).status == 200


@pytest.mark.parametrize("currency", ["isk", "ugx"])
def test_a_charge_has_no_decimals_that_its_currency_has_not(api: Api, currency: str) -> None:
    sent = {"amount": 50001, "currency": currency}
    for path, more in (("/v1/charges", {"source": "tok_visa"}), ("/v1/payment_intents", {})):
        error = api.post(path, {**sent, **more})["error"]
        assert (error["param"], error["code"]) == ("amount", "invalid_charge_amount_no_decimal_compatible")
        assert api.post(path, {**sent, **more, "amount": 50000}).status == 200


def test_an_invoice_without_decimals_leaves_the_rest_in_the_balance(api: Api) -> None:
    ann = api.post("/v1/customers", {"name": "Ann", "payment_method": "pm_card_visa"})["id"]
    found = []
    for amount in (50034, 50066):
        api.post("/v1/invoiceitems", {"customer": ann, "amount": amount, "currency": "isk"})
        made = api.post("/v1/invoices", {"customer": ann, "currency": "isk", **PENDING})["id"]
        done = api.post(f"/v1/invoices/{made}/finalize")
        found.append((done["total"], done["amount_due"], done["ending_balance"]))
    assert found == [(50034, 50000, 34), (50066, 50100, 0)]
    [*_, kept] = api.get(f"/v1/customers/{ann}/balance_transactions")["data"]
    assert (kept["amount"], kept["type"]) == (34, "invoice_too_small")
    check_all(api.app.db, api.tenant)
