"""Is a customer without an address taxed where the IP address is, and only where a database says so?"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from billow.api import rows
from billow.app import App
from billow.core.errors import Refused
from billow.flows.invoices.explain import explain
from billow.providers.places import Place
from billow.providers.places.maxmind import MaxMind
from billow.resources.invoice import Invoice
from tests.flows.taxes.sellers import UNION, seller, standard, taxed
from tests.support.ip_database import write
from tests.support.world import World

BERLIN, ANGELES, NOWHERE = "203.0.113.7", "203.0.113.8", "203.0.113.9"
KNOWN = {
    BERLIN: {"country": {"iso_code": "DE"}},
    ANGELES: {"country": {"iso_code": "US"}, "subdivisions": [{"iso_code": "CA"}]},
}


@pytest.fixture
def places(app: App, tmp_path: Path) -> Iterator[MaxMind]:
    before, made = app.db.outside, MaxMind(write(tmp_path / "places.mmdb", KNOWN))
    app.db.outside = replace(before, places=made)  # type: ignore[type-var]
    yield made
    app.db.outside = before


def test_a_database_says_country_and_state(places: MaxMind) -> None:
    assert places.place_of(BERLIN) == Place("DE")
    assert places.place_of(f" {ANGELES} ") == Place("US", "CA")
    assert [places.place_of(one) for one in (NOWHERE, "::1", "no address")] == [None, None, None]


def test_what_lacks_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.mmdb").write_bytes(b"nothing")
    for name in ("none.mmdb", "broken.mmdb"):
        with pytest.raises(Refused, match="BILLOW_IP_DATABASE cannot be read"):
            MaxMind(tmp_path / name).place_of(BERLIN)
    monkeypatch.setitem(sys.modules, "maxminddb", None)
    with pytest.raises(Refused, match="needs the library maxminddb"):
        MaxMind(tmp_path / "none.mmdb").place_of(BERLIN)


def test_a_customer_is_taxed_where_the_ip_address_is(
    app: App, world: World, places: MaxMind, contract: Any
) -> None:
    seller(world, standard("SE"), UNION)
    anna = world.customer("anna", tax={"ip_address": BERLIN})
    shown = world.get(f"/v1/customers/{anna.id}", expand=["tax"])
    assert contract.problems(shown) == []
    assert shown["tax"]["location"] == {"country": "DE", "source": "ip_address", "state": None}
    draft = taxed(world, anna, 1000)
    assert (draft["automatic_tax"]["status"], draft["total"]) == ("complete", 1190)
    with app.db.transaction(world.api.tenant) as tx:
        kept = rows.find(tx, Invoice, draft["id"])
        decision = kept.tax_decision or {}
        assert decision["evidence"] == [
            {"kind": "ip_address", "value": BERLIN, "country": "DE"},
            {"kind": "card", "country": "US"},
        ]
        assert decision["agreeing"] == 1
        assert "fewer than two pieces" in "\n".join(map(str, explain(tx, kept)))


def test_two_pieces_of_evidence_agree(app: App, world: World, places: MaxMind) -> None:
    seller(world, standard("SE"), UNION)
    address = {"country": "DE", "city": "Berlin", "postal_code": "10115"}
    anna = world.customer("anna", address=address, tax={"ip_address": BERLIN})
    draft = taxed(world, anna, 1000)
    with app.db.transaction(world.api.tenant) as tx:
        kept = rows.find(tx, Invoice, draft["id"])
        assert (kept.tax_decision or {})["agreeing"] == 2
        assert "fewer than two pieces" not in "\n".join(map(str, explain(tx, kept)))


def test_without_a_database_an_ip_address_says_nothing(world: World) -> None:
    seller(world, standard("SE"), UNION)
    anna = world.customer("anna", tax={"ip_address": BERLIN})
    draft = taxed(world, anna, 1000)
    assert draft["automatic_tax"]["status"] == "requires_location_inputs"
    refused = world.refused(
        "/v1/subscriptions",
        customer=anna.id,
        items=[{"price": world.plan("Pro", eur=10)}],
        automatic_tax={"enabled": True},
    )
    assert refused["code"] == "customer_tax_location_invalid"


def test_a_calculation_is_for_an_ip_address_too(world: World, places: MaxMind) -> None:
    seller(world, standard("SE"), UNION)
    made = world.post(
        "/v1/tax/calculations",
        currency="eur",
        customer_details={"ip_address": BERLIN},
        line_items=[{"amount": 1000, "reference": "L1", "tax_code": "txcd_10103001"}],
    )
    assert made["tax_amount_exclusive"] == 190
