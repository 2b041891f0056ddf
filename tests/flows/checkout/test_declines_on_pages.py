"""Does a customer's page stop asking banks after too many declines, so that nobody tries stolen cards?"""

from datetime import timedelta
from typing import Any

import pytest

from billow.api import rows
from billow.app import App
from billow.flows.checkout import decline_limit
from billow.flows.papers.method_links import update_method
from billow.resources.customer import Customer
from tests.support.page_visits import CARD, Visitor
from tests.support.world import World

FAILS = {**CARD, "number": "4000000000000002"}


def invoice_of(world: World) -> dict[str, Any]:
    ann = world.customer("ann", card=None)
    world.post("/v1/invoiceitems", customer=ann.id, amount=2000, currency="usd")
    draft = world.post("/v1/invoices", customer=ann.id, pending_invoice_items_behavior="include")
    return world.post(f"/v1/invoices/{draft['id']}/finalize")


@pytest.mark.parametrize("page", ["method", "invoice"])
def test_a_page_takes_no_card_after_too_many_declines(
    world: World, app: App, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decline_limit, "MOST", 3)
    made = invoice_of(world)
    with app.db.transaction(world.api.tenant) as tx:
        method = update_method(tx, made["customer"], made["id"])
    url = method if page == "method" else made["hosted_invoice_url"]
    visitor = Visitor(app).opens(url)
    form = visitor.text
    for _ in range(3):
        visitor.text = form
        visitor.sends(**FAILS)
        assert visitor.status == 422
    visitor.text = form
    visitor.sends(**CARD)
    assert "Please wait an hour" in visitor.words() or "Too many" in visitor.words()
    assert world.get(f"/v1/invoices/{made['id']}")["status"] == "open"
    with app.db.transaction(world.api.tenant) as tx:
        ann = rows.lock(tx, Customer, made["customer"])
        noted = {**(ann.page_declines or {}), "since": int((tx.wall - timedelta(hours=2)).timestamp())}
        rows.update(tx, ann, event=None, page_declines=noted)
    visitor.opens(url).sends(**CARD)
    assert world.get(f"/v1/invoices/{made['id']}")["status"] == "paid"
