"""Do the invoices of subscriptions share their payments with connected accounts?"""

from typing import Any

import pytest

from tests.flows.conftest import Worlds
from tests.support.connected import enabled
from tests.support.invariants import check_all
from tests.support.world import World, plans


@pytest.fixture
def shop(world: World) -> str:
    world.at("2025-01-01")
    return enabled(world.api)


def shared(world: World, shop: str) -> list[tuple[int, int]]:
    """Return what the platform transferred of each payment, oldest first, and the fee that it kept of it."""
    found = []
    for transfer in world.get("/v1/transfers", destination=shop)["data"][::-1]:
        charge = world.get(f"/v1/charges/{transfer['source_transaction']}")
        found.append((transfer["amount"], charge["application_fee_amount"] or 0))
    check_all(world.api.app.db, f"{shop}/test")
    return found


def test_each_invoice_of_a_subscription_is_shared(world: World, shop: str) -> None:
    anna = world.customer("anna")
    made = anna.subscribes_to(
        world.plan("Pro", usd=10.5),
        on_behalf_of=shop,
        transfer_data={"destination": shop, "amount_percent": 80},
        application_fee_percent=2.5,
    )
    assert shared(world, shop) == [(840, 26)]
    world.at("2025-02-01 02:00")
    assert shared(world, shop) == [(840, 26), (840, 26)]
    intent = anna.last_invoice.intent
    assert (intent["on_behalf_of"], intent["transfer_data"]) == (shop, {"amount": 840, "destination": shop})
    made.update(transfer_data={"destination": shop, "amount_percent": 100}, application_fee_percent=10)
    world.at("2025-03-01 02:00")
    assert shared(world, shop)[2:] == [(1050, 105)]
    made.update(transfer_data="", application_fee_percent="")
    world.at("2025-04-01 02:00")
    assert len(shared(world, shop)) == 3


def test_a_draft_says_its_own_shares_in_place_of_those_of_its_subscription(world: World, shop: str) -> None:
    anna = world.customer("anna")
    anna.subscribes_to(
        world.plan("Pro", usd=10), transfer_data={"destination": shop}, application_fee_percent=50
    )
    world.at("2025-02-01 00:30")
    world.post(f"/v1/invoices/{anna.last_invoice.data['id']}", application_fee_amount=7)
    world.at("2025-02-01 02:00")
    assert shared(world, shop) == [(1000, 500), (1000, 7)]


def test_a_phase_of_a_schedule_shares_its_invoices(world: World, shop: str) -> None:
    anna, pro = world.customer("anna"), world.plan("Pro", usd=10)
    phase = {"items": [{"price": pro}], "transfer_data": {"destination": shop, "amount_percent": 50}}
    plans(anna, {**phase, "application_fee_percent": 10})
    world.at("2025-01-01 02:00")
    assert shared(world, shop) == [(500, 100)]


def test_a_direct_subscription_pays_its_platform_the_fee(world: World, shop: str) -> None:
    api = world.api
    price = {
        "currency": "usd",
        "unit_amount": 1000,
        "product_data[name]": "A",
        "recurring[interval]": "month",
    }
    price = api.post("/v1/prices", price, Stripe_Account=shop)["id"]
    who = {"payment_method": "pm_card_visa", "invoice_settings[default_payment_method]": "pm_card_visa"}
    customer = api.post("/v1/customers", who, Stripe_Account=shop)["id"]
    wanted = {"customer": customer, "items[0][price]": price, "application_fee_percent": "12.5"}
    assert api.post("/v1/subscriptions", wanted, Stripe_Account=shop)["status"] == "active"
    [fee] = api.get("/v1/application_fees")["data"]
    assert (fee["amount"], fee["account"]) == (125, shop)
    check_all(api.app.db, f"{shop}/test")


def test_a_fee_without_another_account_is_not_charged(world: World, shop: str) -> None:
    anna = world.customer("anna")
    anna.subscribes_to(world.plan("Pro", usd=10), application_fee_percent=50)
    assert anna.last_invoice.intent["application_fee_amount"] is None


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"on_behalf_of": "acct_none"}, "on_behalf_of"),
        ({"transfer_data": {"destination": "acct_none"}}, "transfer_data[destination]"),
    ],
)
def test_shares_of_an_account_that_does_not_exist_are_refused(
    world: World, shop: str, given: dict[str, Any], param: str
) -> None:
    anna, items = world.customer("anna"), [{"price": world.plan("Pro", usd=10)}]
    wanted: dict[str, Any] = {"customer": anna.id, "items": items, **given}
    assert world.refused("/v1/subscriptions", **wanted)["param"] == param
    made = anna.subscribes_to(items[0]["price"])
    assert world.refused(f"/v1/subscriptions/{made.id}", **given)["param"] == param
    plan = {"customer": anna.id, "start_date": "now", "phases": [{"items": items, **given}]}
    assert world.refused("/v1/subscription_schedules", **plan)["param"] == f"phases[0][{param}".replace(
        "[transfer_data[", "[transfer_data]["
    ) + ("" if param.endswith("]") else "]")
    data = {"mode": "subscription", "line_items": [{**items[0], "quantity": 1}], "subscription_data": given}
    data["success_url"] = "https://example.com"
    assert world.refused("/v1/checkout/sessions", **data)["param"].startswith("subscription_data[")
    lines = [{**items[0], "quantity": 1}]
    assert world.refused("/v1/payment_links", line_items=lines, **given)["param"] == param
    assert world.refused("/v1/quotes", line_items=items, customer=anna.id, **given)["param"] == param


def test_worlds_are_apart(worlds: Worlds) -> None:
    one, other = worlds(), worlds()
    there = enabled(one.api)
    anna = other.customer("anna")
    wanted = {"customer": anna.id, "items": [{"price": other.plan("Pro", usd=10)}]}
    assert other.refused("/v1/subscriptions", **wanted, on_behalf_of=there)["param"] == "on_behalf_of"
