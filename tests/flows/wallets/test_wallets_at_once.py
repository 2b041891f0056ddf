"""Wallets in batches, at once with refunds and draws, when payments come back, and with planted faults."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from billow.api import rows
from billow.app import App
from billow.flows.bank import queue
from billow.flows.wallets import automatic
from billow.resources.wallet import Wallet
from tests.conftest import Api
from tests.flows.bank.conftest import Bank, bank  # noqa: F401  (a fixture)
from tests.flows.platform.test_invariants import complaints, rolled_back
from tests.flows.taxes.sellers import seller, standard
from tests.flows.wallets.test_wallets import (
    balances,
    booked,
    charge_of,
    check,
    grants_of,
    metering,
    settle,
    topped_up,
    wallet_of,
)
from tests.flows.wallets.test_wallets import left as left_of
from tests.support.bank_statements import Booking
from tests.support.statement_counts import counted_in_transactions
from tests.support.world import World


def test_the_statements_do_not_grow_with_the_wallets(world: World, app: App) -> None:
    world.at("2025-01-01")
    price = world.metered("Calls", world.meter("calls"), cents="100")
    for number in range(5):
        anna = world.customer(f"anna{number}")
        anna.subscribes_to(price)
        wallet_of(world, anna, top_up={"threshold": 1000, "amount": 5000})
        anna.uses("calls", 3, "2025-01-01")
    counts = []
    for first, last in ((0, 1), (1, 5)):
        with app.db.transaction(world.api.tenant) as tx:
            ids = [one.id for one in rows.select(tx, Wallet, "true", "order by id")[first:last]]
            with counted_in_transactions() as count:
                automatic.check(tx, ids)
            counts.append(count.sent)
    settle(world)
    assert len(world.get("/v1/billing/credit_grants", limit=100)["data"]) == 5
    assert len(counts[0]) == len(counts[1]) > 0
    check(world)


def test_two_checks_at_once_order_one_top_up(world: World, app: App) -> None:
    anna, wallet = metering(world, top_up={"threshold": 1000, "amount": 5000})

    def run(_: int) -> None:
        with app.db.transaction(world.api.tenant) as tx:
            automatic.check(tx, [wallet["id"]])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, range(2)))
    settle(world)
    assert left_of(world, wallet)[0] == 5000 and len(grants_of(world, anna)) == 1


def test_draws_and_refunds_at_once_never_go_below_zero(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    for number in range(3):
        anna.subscribes_to(world.metered(f"Calls {number}", world.meter(f"calls_{number}"), cents="100"))
    wallet = wallet_of(world, anna)
    topped_up(world, wallet, 1000)
    world.at("2025-01-31")
    for number in range(3):
        anna.uses(f"calls_{number}", 3, "2025-01-10")
    world.at("2025-02-01")
    drafts = world.get("/v1/invoices", customer=anna.id, status="draft", limit=100)["data"]
    asked = [(f"/v1/invoices/{one['id']}/finalize", {}) for one in drafts]
    asked += [("/v1/refunds", {"charge": charge_of(world, anna), "amount": "200"}) for _ in range(2)]

    def ask(one: tuple[str, dict[str, str]]) -> Any:
        own = Api(world.api.app, world.api.key, world.api.tenant)
        while (answer := own.post(*one)).status == 429:  # others hold the customer
            assert answer["error"]["code"] == "lock_timeout"
        return answer

    with ThreadPoolExecutor(5) as pool:
        assert {answer.status for answer in pool.map(ask, asked)} == {200}
    settle(world)
    # 900 of usage and 400 of refunds ask for 1,000 credits; what is short is money or goodwill.
    assert left_of(world, wallet)[0] == 0 and booked(world, "prepaid") == 0
    check(world)


@pytest.mark.parametrize("ends", ["paid again", "voided"])
def test_a_payment_that_comes_back_takes_unused_credits_back(world: World, bank: Bank, ends: str) -> None:  # noqa: F811
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    anna.subscribes_to(world.metered("Calls", world.meter("calls"), cents="100"))
    wallet = wallet_of(world, anna)
    invoice = topped_up(world, wallet, 5000)
    assert invoice["status"] == "open"
    bank.statement(Booking(5000, "B1"), currency="usd")
    with bank.app.db.transaction(bank.tenant) as tx:
        queue.apply_to_invoice(tx, bank.entry("B1").id, invoice["id"])
    settle(world)
    assert left_of(world, wallet)[0] == 5000
    world.at("2025-01-31")
    anna.uses("calls", 30, "2025-01-10")
    world.at("2025-02-01 02:00")
    assert left_of(world, wallet)[0] == 2000
    with bank.app.db.transaction(bank.tenant) as tx:
        queue.undo(tx, bank.entry("B1").id)
    assert left_of(world, wallet)[0] == 0
    assert balances(world) == {"deferred_revenue": 2000, "revenue": 3000}
    check(world)
    if ends == "voided":
        world.post(f"/v1/invoices/{invoice['id']}/void")
        assert balances(world) == {"revenue": 3000, "revenue_adjustments": -3000}
    else:
        world.post(f"/v1/invoices/{invoice['id']}/pay", paid_out_of_band=True)
        assert left_of(world, wallet)[0] == 2000
        assert balances(world) == {"prepaid": 2000, "revenue": 3000}
    check(world)


@pytest.mark.parametrize(
    "fault",
    [
        "update invoice_lines set earned = 0 where kind = 'prepaid'",
        "update credit_grants set bought_with = null",
        "update invoices set status = 'open' where wallet is not null",
    ],
)
def test_a_planted_fault_is_found(world: World, app: App, fault: str) -> None:
    _, wallet = metering(world)
    topped_up(world, wallet, 5000)
    with rolled_back(app, world) as tx:
        tx.run(fault)
        assert "top_ups_are_delivered" in complaints(tx)


def test_a_refund_that_fails_gives_the_credits_again(world: World) -> None:
    anna, wallet = metering(world)
    method = world.post("/v1/payment_methods", type="card", card={"token": "tok_refundFail"})["id"]
    world.post(f"/v1/payment_methods/{method}/attach", customer=anna.id)
    world.post(f"/v1/customers/{anna.id}", invoice_settings={"default_payment_method": method})
    topped_up(world, wallet, 5000)
    refund = world.post("/v1/refunds", charge=charge_of(world, anna), amount=2000)
    assert (refund["status"], left_of(world, wallet)[0]) == ("succeeded", 3000)
    settle(world)
    assert world.get(f"/v1/refunds/{refund['id']}")["status"] == "failed"
    assert left_of(world, wallet)[0] == 5000 and balances(world) == {"prepaid": 5000}
    check(world)


def test_a_top_up_has_automatic_tax_or_waits_for_it(world: World, contract: Any) -> None:
    seller(world, standard("SE"))
    anna = world.customer("anna")
    anna.subscribes_to(world.metered("Calls", world.meter("calls"), cents="100"))
    terms = {"top_up": {"threshold": 1000, "amount": 5000}, "automatic_tax": {"enabled": True}}
    wallet = wallet_of(world, anna, **terms)
    refused = world.refused(f"/v1/billing/wallets/{wallet['id']}/top_up", amount=5000)
    assert refused["code"] == "customer_tax_location_invalid"
    anna.uses("calls", 1, "2026-01-10")
    settle(world)
    anna.uses("calls", 1, "2026-01-10")
    settle(world)
    [waits] = world.get("/v1/invoices", customer=anna.id, status="draft")["data"]
    assert waits["automatic_tax"]["status"] == "requires_location_inputs" and left_of(world, wallet)[0] == 0
    world.post(f"/v1/customers/{anna.id}", address={"country": "SE"})
    world.at("2026-01-10 03:00")
    settle(world)
    paid = world.get(f"/v1/invoices/{waits['id']}")
    assert (paid["status"], paid["total"], paid["total_taxes"][0]["amount"]) == ("paid", 6250, 1250)
    assert contract.problems(paid) == [] and left_of(world, wallet) == (5000, 200, 4800)
    check(world)
