"""Is nothing billed for a seller with a VAT number whose registration is not in force, and is it named?"""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from billow.api import rows
from billow.app import App
from billow.flows.invoices.explain import explain
from billow.flows.outside import seller as sellers
from billow.flows.outside.seller import profile_of
from billow.flows.platform import set_up
from billow.flows.taxes import settings, sources
from billow.resources.invoice import Invoice
from tests.flows.taxes.sellers import buyer, seller, standard, taxed
from tests.support.world import World, seconds

NUMBER = "SE556000475501"
BUSINESS = {"tax_id_data": [{"type": "eu_vat", "value": "DE136695976"}]}


def numbered(app: App, world: World, value: str = NUMBER) -> None:
    with app.db.transaction(world.api.tenant) as tx:
        own = {**profile_of(tx).seller, "tax_ids": [["eu_vat", value]]}
        sellers.store(tx, tx.account, country="SE", seller=own)


def ended(app: App, world: World) -> None:
    """Have had a registration that has ended, without which test mode refuses nothing."""
    made = world.post("/v1/tax/registrations", active_from=seconds("2025-01-01"), **standard("SE"))
    with app.db.transaction(world.api.tenant) as tx:
        tx.run("update tax_registrations set expires_at = '2026-01-05' where id = %(id)s", id=made["id"])


def lacks(app: App, world: World) -> list[str]:
    with app.db.snapshot(world.api.tenant) as tx:
        return [one for one in set_up.lacking(tx) if one.startswith("registration")]


@pytest.mark.parametrize(
    ("place", "more"),
    [
        ("SE", {}),
        ("DE", {}),
        ("US-CA", {}),
        ("DE", {"tax_id_data": [{"type": "eu_vat", "value": "DE136695976"}]}),
    ],
)
def test_nothing_is_billed_until_the_registration_is_in_force(
    app: App, world: World, place: str, more: dict[str, Any]
) -> None:
    """What is sold at home, to consumers and businesses elsewhere, and abroad would all be said wrongly."""
    numbered(app, world)
    seller(world)
    ended(app, world)
    draft = taxed(world, buyer(world, place, **more), 1000)
    assert draft["automatic_tax"]["status"] == "failed" and draft["total_taxes"] == []
    refused = world.refused(f"/v1/invoices/{draft['id']}/finalize")
    assert NUMBER in refused["message"] and "no tax registration in SE is in force" in refused["message"]
    with app.db.snapshot(world.api.tenant) as tx:
        explained = "\n".join(explain(tx, rows.find(tx, Invoice, draft["id"])))
    assert f"not taxed    The seller has the VAT number {NUMBER}" in explained
    world.post("/v1/tax/registrations", active_from=seconds("2026-01-06"), **standard("SE"))
    made = world.post(f"/v1/invoices/{draft['id']}/finalize")
    assert made["automatic_tax"]["status"] == "complete"
    assert made["total_taxes"][0]["amount"] == (250 if place == "SE" else 0)


def test_a_number_elsewhere_a_small_enterprise_and_no_number_at_all_stay_as_they_were(
    app: App, world: World
) -> None:
    """A seller who has no VAT number, and none at home, collects nothing without a registration."""
    seller(world)
    ended(app, world)
    anna = buyer(world, "SE")
    assert taxed(world, anna, 1000)["automatic_tax"]["status"] == "complete"
    numbered(app, world, "DE136695976")
    assert taxed(world, anna, 1000)["automatic_tax"]["status"] == "complete"
    numbered(app, world)
    assert taxed(world, anna, 1000)["automatic_tax"]["status"] == "failed"
    assert lacks(app, world) == [f"registration:{NUMBER}"]
    with app.db.transaction(world.api.tenant) as tx:
        settings.store(tx, replace(settings.settings_of(tx), small_enterprise=True))
        assert sources.unregistered(tx) == ""
    assert taxed(world, anna, 1000)["automatic_tax"]["status"] == "complete"
    assert lacks(app, world) == []


def test_a_calculation_is_refused_too(app: App, world: World) -> None:
    numbered(app, world)
    seller(world)
    ended(app, world)
    refused = world.refused(
        "/v1/tax/calculations",
        currency="eur",
        customer_details={"address": {"country": "SE"}, "address_source": "billing"},
        line_items=[{"amount": 1000, "reference": "a"}],
    )
    assert refused["code"] == "taxes_calculation_failed" and NUMBER in refused["message"]


def number_asked(app: App, tenant: str, clock: str, day: str) -> str:
    with app.db.transaction(tenant) as tx:
        return sources.number_to_register(tx.at(clock, datetime.fromisoformat(f"{day} 00:00:00+00:00")))


def test_test_mode_without_a_registration_of_its_own_and_earlier_clocks_are_not_refused(
    app: App, world: World
) -> None:
    """A registration of live mode does not exist in test mode, and clocks begin where a test wants."""
    numbered(app, world)
    seller(world)
    made = taxed(world, buyer(world, "SE"), 1000)
    assert made["automatic_tax"]["status"] == "complete"
    assert number_asked(app, world.api.tenant, "wall", "2026-01-10") == ""
    assert lacks(app, world) == [f"registration:{NUMBER}"], "there is still something to do for live mode"
    world.post("/v1/tax/registrations", active_from=seconds("2026-03-01"), **standard("SE"))
    assert number_asked(app, world.api.tenant, "wall", "2026-01-10") == NUMBER
    assert number_asked(app, world.api.tenant, "clock_1", "2026-02-28") == ""
    assert number_asked(app, world.api.tenant, "clock_1", "2026-03-01") == NUMBER
    assert taxed(world, buyer(world, "SE"), 1000)["automatic_tax"]["status"] == "complete"


def test_live_mode_is_refused_without_any_registration(app: App, world: World) -> None:
    numbered(app, world)
    seller(world)
    live = world.api.tenant.replace("/test", "/live")
    with app.db.transaction(live) as tx:
        office = {"country": "SE"}
        settings.store(tx, replace(settings.settings_of(tx), head_office=office))
    assert number_asked(app, live, "wall", "2026-01-10") == NUMBER


def test_who_bills_with_rates_set_by_hand_only_is_not_reminded(app: App, world: World) -> None:
    numbered(app, world)
    seller(world)
    anna = buyer(world, "SE")
    world.post("/v1/invoiceitems", customer=anna.id, amount=1000, currency="eur")
    draft = world.post(
        "/v1/invoices", customer=anna.id, currency="eur", pending_invoice_items_behavior="include"
    )
    assert lacks(app, world) == [f"registration:{NUMBER}"], "nothing is known before the first invoice"
    world.post(f"/v1/invoices/{draft['id']}/finalize")
    assert lacks(app, world) == []
    taxed(world, anna, 1000)
    assert lacks(app, world) == [f"registration:{NUMBER}"]
