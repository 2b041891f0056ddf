"""Do payments and subscriptions that are bought on a page share their money with connected accounts?"""

from typing import Any

import pytest

from billow.app import App
from tests.support.connected import enabled
from tests.support.page_visits import PAYER, Visitor
from tests.support.world import World


@pytest.fixture
def shop(world: World) -> str:
    return enabled(world.api)


def moved(world: World) -> list[tuple[int, Any]]:
    """Return what was transferred, oldest first, and the fee that was kept of it."""
    transfers = world.get("/v1/transfers")["data"][::-1]
    charges = [world.get(f"/v1/charges/{one['source_transaction']}") for one in transfers]
    return [(one["amount"], of["application_fee_amount"]) for one, of in zip(transfers, charges, strict=True)]


def test_a_subscription_bought_on_a_page_shares_its_first_payment(world: World, app: App, shop: str) -> None:
    shared = {"application_fee_percent": 10, "transfer_data": {"destination": shop, "amount_percent": 60}}
    lines = [{"price": world.plan("Pro", usd=20), "quantity": 1}]
    made = world.post(
        "/v1/checkout/sessions",
        mode="subscription",
        success_url="https://shop.example/ok",
        line_items=lines,
        subscription_data={**shared, "on_behalf_of": shop},
    )
    Visitor(app).opens(made["url"]).sends(**PAYER)
    assert moved(world) == [(1200, 200)]
    [sold] = world.get("/v1/subscriptions")["data"]
    assert (sold["application_fee_percent"], sold["on_behalf_of"]) == (10, shop)


def test_what_a_payment_link_sells_is_shared_as_it_says(world: World, app: App, shop: str) -> None:
    to = {"destination": shop}
    once = [{"price": world.once("Book", usd=12), "quantity": 1}]
    sold = world.post("/v1/payment_links", line_items=once, application_fee_amount=100, transfer_data=to)
    Visitor(app).opens(sold["url"]).sends(**PAYER)
    monthly = [{"price": world.plan("Pro", usd=20), "quantity": 1}]
    sold = world.post(
        "/v1/payment_links",
        line_items=monthly,
        application_fee_percent=5,
        transfer_data=to,
        on_behalf_of=shop,
    )
    Visitor(app).opens(sold["url"]).sends(**PAYER)
    assert moved(world) == [(1200, 100), (2000, 100)]


def test_the_invoice_of_a_quote_is_shared(world: World, shop: str) -> None:
    anna = world.customer("anna")
    offered = anna.is_offered(
        world.once("Setup", usd=50),
        application_fee_amount=300,
        transfer_data={"destination": shop, "amount": 4000},
    )
    done = offered.is_accepted()
    world.post(f"/v1/invoices/{done['invoice']}/finalize")
    world.post(f"/v1/invoices/{done['invoice']}/pay")
    assert moved(world) == [(4000, 300)]
