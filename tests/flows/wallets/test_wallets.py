"""Prepaid wallets, from the order of a top-up to the books."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.conftest import Api
from tests.flows.credits.test_grants import METERED, balances
from tests.support import invariants
from tests.support.world import Customer, World


def wallet_of(world: World, customer: Customer, **more: Any) -> dict[str, Any]:
    form = {"customer": customer.id, "currency": "usd", "applicability_config": METERED, **more}
    return world.post("/v1/billing/wallets", **form)


def topped_up(world: World, wallet: dict[str, Any], amount: int) -> dict[str, Any]:
    """Order a top-up; return its invoice once everything due has run."""
    ordered = world.post(f"/v1/billing/wallets/{wallet['id']}/top_up", amount=amount)
    settle(world)
    return world.get(f"/v1/invoices/{ordered['latest_invoice']}")


def settle(world: World) -> None:
    """Run what is due, on the wall clock and on the test clock."""
    world.work()
    world.work()


def left(world: World, wallet: dict[str, Any]) -> tuple[int, int, int]:
    """What a wallet has, what usage will take of it, and what is left then."""
    found = world.get(f"/v1/billing/wallets/{wallet['id']}/balance")
    return found["balance"], found["used"], found["left"]


def check(world: World) -> None:
    """Check every invariant, once what is due has run."""
    settle(world)
    invariants.check_all(world.api.app.db, world.api.tenant)


def grants_of(world: World, customer: Customer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.get("/v1/billing/credit_grants", customer=customer.id)["data"]
    return found


def invoices_of(world: World, customer: Customer) -> list[dict[str, Any]]:
    """Its invoices, the oldest first."""
    return list(reversed(world.get("/v1/invoices", customer=customer.id, limit=100)["data"]))


def metering(world: World, card: str = "visa", **more: Any) -> tuple[Customer, dict[str, Any]]:
    """A customer of a metered price of a dollar, with a wallet."""
    world.at("2025-01-01")
    price = world.metered("Calls", world.meter("calls"), cents="100")
    anna = world.customer("anna", card=card)
    anna.subscribes_to(price)
    return anna, wallet_of(world, anna, name="Calls", **more)


AUTOMATIC = {"top_up": {"threshold": 1000, "amount": 5000}}


def test_a_top_up_is_owed_until_it_is_used_or_expires(world: World) -> None:
    anna, wallet = metering(world, expires_after=60)
    invoice = topped_up(world, wallet, 5000)
    assert (invoice["status"], invoice["total"], invoice["billing_reason"]) == ("paid", 5000, "manual")
    [line] = invoice["lines"]["data"]
    assert (line["amount"], line["description"], line["parent"]) == (5000, "Prepaid credits: Calls", None)
    [grant] = grants_of(world, anna)
    assert (grant["amount"]["monetary"]["value"], grant["category"]) == (5000, "paid")
    assert grant["expires_at"] - grant["created"] == 60 * 86400
    assert balances(world) == {"prepaid": 5000} and left(world, wallet) == (5000, 0, 5000)
    world.at("2025-01-31")
    anna.uses("calls", 18, "2025-01-10")
    assert left(world, wallet) == (5000, 1800, 3200)
    world.at("2025-02-01")  # on a draft, which takes nothing yet
    assert left(world, wallet) == (5000, 1800, 3200)
    world.at("2025-02-01 02:00")
    assert (anna.last_invoice.data["subtotal"], anna.last_invoice.data["total"]) == (1800, 0)
    assert left(world, wallet) == (3200, 0, 3200)
    assert balances(world) == {"prepaid": 3200, "revenue": 1800}
    check(world)
    world.at("2025-03-02 12:00")
    assert left(world, wallet) == (0, 0, 0)
    assert balances(world) == {"revenue": 1800, "breakage": 3200}
    check(world)


def test_usage_tops_a_wallet_up_by_itself(world: World) -> None:
    anna, wallet = metering(world, **AUTOMATIC)
    assert grants_of(world, anna) == [], "nothing is ordered before there is usage"
    world.at("2025-01-05")
    anna.uses("calls", 1, "2025-01-04")
    settle(world)
    assert left(world, wallet) == (5000, 100, 4900)
    anna.uses("calls", 39, "2025-01-04")
    settle(world)
    assert left(world, wallet) == (5000, 4000, 1000), "a thousand is not less than the threshold"
    anna.uses("calls", 1, "2025-01-04")
    settle(world)
    assert left(world, wallet) == (10000, 4100, 5900)
    world.at("2025-02-01 02:00")
    totals = [one["total"] for one in invoices_of(world, anna)]
    assert sorted(totals) == [0, 5000, 5000]
    assert left(world, wallet) == (5900, 0, 5900)
    assert balances(world) == {"prepaid": 5900, "revenue": 4100}
    check(world)


def test_a_failed_top_up_is_not_ordered_twice_and_void_frees_the_way(world: World) -> None:
    anna, wallet = metering(world, card="declining", **AUTOMATIC)
    world.at("2025-01-05")
    anna.uses("calls", 1, "2025-01-04")
    settle(world)
    anna.uses("calls", 1, "2025-01-04")
    settle(world)
    [first] = [one for one in invoices_of(world, anna) if one["total"]]
    assert (first["status"], first["attempt_count"]) == ("open", 1) and first["next_payment_attempt"]
    refused = world.refused(f"/v1/billing/wallets/{wallet['id']}/top_up", amount=5000)
    assert first["id"] in refused["message"] and grants_of(world, anna) == []
    check(world)
    world.post(f"/v1/invoices/{first['id']}/void")
    assert balances(world) == {}
    anna.pays_with("visa")
    anna.uses("calls", 1, "2025-01-04")
    settle(world)
    assert left(world, wallet) == (5000, 300, 4700)
    check(world)


def test_a_monthly_limit_stops_top_ups_until_the_next_month(world: World) -> None:
    terms = {"threshold": 1000, "amount": 2000, "monthly_limit": 5000}
    anna, wallet = metering(world, top_up=terms)
    world.at("2025-01-05")
    for _ in range(4):
        anna.uses("calls", 15, "2025-01-04")
        settle(world)
    assert left(world, wallet) == (4000, 4000, 0), "4,000 are ordered, and 2,000 more would be over the limit"
    topped_up(world, wallet, 500)  # on request there is no limit
    assert left(world, wallet) == (4500, 4500, 0)
    world.at("2025-02-01 02:00")
    settle(world)
    assert balances(world) == {"prepaid": 2000, "revenue": 6000}
    assert left(world, wallet) == (2000, 0, 2000)
    check(world)


@pytest.mark.parametrize("way", ["out of band", "balance"])
def test_a_top_up_is_delivered_however_it_is_paid(world: World, way: str) -> None:
    anna, wallet = metering(world, card="declining")
    if way == "balance":
        world.post(f"/v1/customers/{anna.id}/balance_transactions", amount=-5000, currency="usd")
    invoice = topped_up(world, wallet, 5000)
    if way == "out of band":
        assert invoice["status"] == "open" and left(world, wallet)[0] == 0
        world.post(f"/v1/invoices/{invoice['id']}/pay", paid_out_of_band=True)
    assert left(world, wallet) == (5000, 0, 5000)
    assert balances(world)["prepaid"] == 5000 and len(grants_of(world, anna)) == 1
    check(world)


def test_an_uncollectible_top_up_is_no_loss_and_can_still_be_paid(world: World) -> None:
    _, wallet = metering(world, card="declining")
    invoice = topped_up(world, wallet, 5000)
    assert balances(world) == {"deferred_revenue": 5000}
    world.post(f"/v1/invoices/{invoice['id']}/mark_uncollectible")
    assert balances(world) == {} and booked(world, "bad_debt") == 0
    check(world)
    world.post(f"/v1/invoices/{invoice['id']}/pay", paid_out_of_band=True)
    assert balances(world) == {"prepaid": 5000} and booked(world, "bad_debt") == 0
    assert left(world, wallet) == (5000, 0, 5000)
    check(world)


def booked(world: World, account: str) -> int:
    """The balance of an account in the ledger, debits positive."""
    with world.api.app.db.transaction(world.api.tenant) as tx:
        [(found,)] = tx.tuples(
            "select coalesce(sum(case when debit = %(name)s then amount else -amount end), 0)::bigint"
            " from ledger_transfers where %(name)s in (debit, credit)",
            name=account,
        )
    return int(found)


def used_in_january(world: World, units: int) -> tuple[Customer, dict[str, Any], dict[str, Any]]:
    """A wallet of 50.00, of which usage has taken a dollar a unit; and the invoice of its top-up."""
    anna, wallet = metering(world)
    invoice = topped_up(world, wallet, 5000)
    world.at("2025-01-31")
    anna.uses("calls", units, "2025-01-10")
    world.at("2025-02-01 02:00")
    return anna, wallet, invoice


def charge_of(world: World, customer: Customer) -> str:
    return str(world.get("/v1/charges", customer=customer.id)["data"][0]["id"])


def test_a_refund_takes_unused_credits_back(world: World) -> None:
    anna, wallet, _ = used_in_january(world, 30)
    world.post("/v1/refunds", charge=charge_of(world, anna), amount=500)
    settle(world)
    assert left(world, wallet)[0] == 1500
    assert balances(world) == {"prepaid": 1500, "revenue": 3000}
    check(world)
    world.post("/v1/refunds", charge=charge_of(world, anna), amount=4000)  # more than is left: goodwill
    settle(world)
    assert left(world, wallet)[0] == 0
    assert balances(world) == {"revenue": 3000, "revenue_adjustments": -2500}
    check(world)


def test_a_credit_note_takes_unused_credits_back_once(world: World) -> None:
    anna, wallet, invoice = used_in_january(world, 30)
    refund = world.post("/v1/refunds", charge=charge_of(world, anna), amount=500)["id"]
    settle(world)
    world.post(
        "/v1/credit_notes",
        invoice=invoice["id"],
        amount=500,
        refunds=[{"refund": refund, "amount_refunded": 500}],
    )
    settle(world)
    assert left(world, wallet)[0] == 1500, "the refund has taken them"
    check(world)
    world.post("/v1/credit_notes", invoice=invoice["id"], amount=700, credit_amount=700)
    assert left(world, wallet)[0] == 800
    assert balances(world) == {"prepaid": 800, "revenue": 3000}
    check(world)


def test_a_credit_note_before_payment_lowers_what_is_delivered(world: World) -> None:
    _, wallet = metering(world, card="declining")
    invoice = topped_up(world, wallet, 5000)
    world.post("/v1/credit_notes", invoice=invoice["id"], amount=2000)
    world.post(f"/v1/invoices/{invoice['id']}/pay", paid_out_of_band=True)
    assert left(world, wallet) == (3000, 0, 3000)
    assert balances(world) == {"prepaid": 3000}
    check(world)


def test_tax_is_due_when_credits_are_sold_and_not_again(world: World) -> None:
    world.at("2025-01-01")
    rate = world.tax("25")
    price = world.metered("Calls", world.meter("calls"), cents="100")
    anna = world.customer("anna")
    anna.subscribes_to(price, default_tax_rates=[rate])
    wallet = wallet_of(world, anna, default_tax_rates=[rate])
    invoice = topped_up(world, wallet, 4000)
    assert (invoice["total"], invoice["total_taxes"][0]["amount"]) == (5000, 1000)
    assert left(world, wallet) == (4000, 0, 4000)
    world.at("2025-01-31")
    anna.uses("calls", 50, "2025-01-10")
    world.at("2025-02-01 02:00")
    usage = anna.last_invoice.data
    assert (usage["subtotal"], usage["total_excluding_tax"], usage["total"]) == (5000, 1000, 1250)
    assert balances(world) == {"revenue": 5000} and booked(world, "prepaid") == 0
    check(world)


def test_two_top_ups_at_once_make_one_invoice(world: World) -> None:
    anna, wallet = metering(world)

    def order(_: int) -> Any:
        own = Api(world.api.app, world.api.key, world.api.tenant)
        path = f"/v1/billing/wallets/{wallet['id']}/top_up"
        while (answer := own.post(path, {"amount": "5000"})).status == 429:  # others hold the customer
            assert answer["error"]["code"] == "lock_timeout"
        return answer

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(order, range(2)))
    assert sorted(answer.status for answer in answers) == [200, 400]
    settle(world)
    assert len([one for one in invoices_of(world, anna) if one["total"]]) == 1
    assert left(world, wallet) == (5000, 0, 5000)
    check(world)


def test_a_closed_wallet_keeps_its_credits_and_is_topped_up_no_more(world: World) -> None:
    anna, wallet = metering(world, **AUTOMATIC)
    topped_up(world, wallet, 1500)
    world.at("2025-01-05")
    closed = world.post(f"/v1/billing/wallets/{wallet['id']}/close")
    assert closed["status"] == "closed"
    anna.uses("calls", 13, "2025-01-04")
    settle(world)
    assert left(world, wallet) == (1500, 1300, 200)
    for tail in ("close", "top_up"):
        form = {"amount": 500} if tail == "top_up" else {}
        assert "closed" in world.refused(f"/v1/billing/wallets/{wallet['id']}/{tail}", **form)["message"]
    assert "closed" in world.refused(f"/v1/billing/wallets/{wallet['id']}", name="B")["message"]
    [grant] = grants_of(world, anna)
    assert "bought" in world.refused(f"/v1/billing/credit_grants/{grant['id']}/void")["message"]


def test_other_grants_pay_in_their_turn(world: World) -> None:
    anna, wallet = metering(world)
    topped_up(world, wallet, 5000)
    amount = {"type": "monetary", "monetary": {"currency": "usd", "value": 1000}}
    form = {"amount": amount, "applicability_config": METERED, "category": "promotional"}
    world.post("/v1/billing/credit_grants", customer=anna.id, **form)
    world.at("2025-01-05")
    anna.uses("calls", 12, "2025-01-04")
    assert left(world, wallet) == (5000, 200, 4800)


def test_the_events_of_a_top_up(world: World) -> None:
    _, wallet = metering(world)
    world.forget()
    topped_up(world, wallet, 5000)
    emitted = world.emitted()
    assert emitted[0] == "invoice.created" and "billing.wallet.updated" in emitted
    paid = emitted.index("invoice.paid")
    assert {"billing.credit_grant.created", "billing.credit_balance_transaction.created"} <= set(
        emitted[paid:]
    )


SCOPE = "applicability_config[scope]"


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ({"top_up": {"threshold": 1000}}, "top_up[amount]"),
        ({"top_up": {"threshold": 1000, "amount": 10}}, "top_up[amount]"),
        ({"top_up": {"threshold": 1000, "amount": 5000, "monthly_limit": 4000}}, "top_up[monthly_limit]"),
        ({"automatic_tax": {"enabled": True}}, "automatic_tax[enabled]"),
        ({"expires_after": 0}, "expires_after"),
        ({"applicability_config": {"scope": {"prices": [{"id": "price_no"}]}}}, f"{SCOPE}[prices][0][id]"),
        ({"default_tax_rates": ["txr_none"]}, "default_tax_rates[0]"),
    ],
)
def test_what_is_refused(world: World, sent: dict[str, Any], param: str) -> None:
    world.at("2025-01-01")
    form = {"customer": world.customer("anna").id, "currency": "usd", "applicability_config": METERED, **sent}
    assert world.refused("/v1/billing/wallets", **form)["param"] == param


def test_automatic_top_ups_are_switched_off_and_on(world: World) -> None:
    _, wallet = metering(world, **AUTOMATIC)
    path = f"/v1/billing/wallets/{wallet['id']}"
    assert wallet["top_up"] == {"amount": 5000, "monthly_limit": None, "threshold": 1000}
    assert world.post(path, top_up="")["top_up"] is None
    assert world.post(path, name="B", expires_after=30)["expires_after"] == 30
    again = world.post(path, top_up={"threshold": 10, "amount": 100}, expires_after="")
    assert (again["top_up"]["threshold"], again["expires_after"], again["name"]) == (10, None, "B")
    listed = world.get("/v1/billing/wallets", customer=wallet["customer"], status="active")["data"]
    assert [one["id"] for one in listed] == [wallet["id"]]


def test_deleting_a_customer_closes_its_wallets(world: World) -> None:
    anna, wallet = metering(world, **AUTOMATIC)
    world.delete(f"/v1/customers/{anna.id}")
    assert world.get(f"/v1/billing/wallets/{wallet['id']}")["status"] == "closed"
    check(world)
