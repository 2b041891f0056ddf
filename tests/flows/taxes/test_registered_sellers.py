"""Is a seller warned who is registered for VAT, and whose papers lack a VAT number or an address?"""

from typing import Any

import pytest

from billow import commands, selling
from billow.api import rows
from billow.app import App
from billow.flows.invoices.explain import explain
from billow.flows.taxes import registered
from billow.resources.invoice import Invoice
from tests.flows.platform.test_sellers import Of
from tests.flows.taxes.sellers import buyer, seller, standard, taxed
from tests.support.world import World

NUMBER = "A tax registration in SE is in force, but the seller has no VAT number there"
ADDRESS = "but the seller has no address"
PLACE = ("country=SE", "line1=Storgatan 1", "city=Stockholm", "postal_code=111 22")


def told(app: App, world: World) -> list[str]:
    with app.db.snapshot(world.api.tenant) as tx:
        return registered.lacking(tx)


def test_a_registered_seller_without_a_number_or_an_address_is_warned(app: App, world: World) -> None:
    """A VAT invoice needs both of the seller (art. 226); who is not registered charges no VAT."""
    seller(world)
    assert told(app, world) == []
    world.post("/v1/tax/registrations", active_from=1735689600, **standard("SE"))
    number, address = told(app, world)
    assert number.startswith(NUMBER) and ADDRESS in address
    Of(app, world.api).sets(*PLACE)
    assert told(app, world) == [number]
    Of(app, world.api).sets("tax_id=eu_vat:SE556703748501")
    assert told(app, world) == []


@pytest.mark.parametrize(
    ("country", "tax_id", "enough"),
    [
        ("DE", "eu_vat:DE136695976", True),
        ("DE", "de_stn:1234567890", True),
        ("DE", "us_ein:12-3456789", False),
    ],
)
def test_a_number_of_the_state_counts(
    app: App, world: World, country: str, tax_id: str, enough: bool
) -> None:
    seller(world, standard(country), country=country)
    Of(app, world.api).sets(*PLACE, f"country={country}", f"tax_id={tax_id}")
    assert (told(app, world) == []) == enough


def test_the_warning_is_where_somebody_sees_it(
    app: App, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seller(world, standard("SE"))
    made = world.post(f"/v1/invoices/{taxed(world, buyer(world, 'SE'), 1000)['id']}/finalize")
    with app.db.snapshot(world.api.tenant) as tx:
        said: Any = "\n".join(explain(tx, rows.find(tx, Invoice, made["id"])))
    assert f"warning      {NUMBER}" in said
    lines = list(commands.check(app.db, commands.Checked(tenant=world.api.tenant)))
    assert any(not good and NUMBER in text for good, text in lines)
    told: list[str] = []
    monkeypatch.setattr(selling, "say", lambda words, style="": told.append(words))
    selling.warn(Of(app, world.api))  # type: ignore[arg-type]
    assert told[0].startswith(NUMBER) and len(told) == 2, "each once, though there are two modes"
