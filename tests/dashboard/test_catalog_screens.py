"""Products and prices are made on screens that draw and calculate before anything is stored."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from tests.dashboard.conftest import Person, text_of
from tests.support.world import World

VOLUME = {
    "model": "volume", "currency": "USD", "interval": "month",
    "up-to-1": "1,000", "unit-1": "0.10", "unit-2": "0.0505", "flat-2": "1",
}  # fmt: skip


@pytest.fixture
def product(world: World) -> str:
    id: str = world.post("/v1/products", name="Storage")["id"]
    return id


def stored(person: Person, path: str, **form: str) -> Any:
    """Have a form shown with what it leads to, and send what is hidden behind its button."""
    answer = person.opens(path, show="1", **form)
    posted = answer.text.rpartition('method="post" action')[2].partition("</form>")[0]
    hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', posted)
    assert len(hidden) > 2, text_of(answer.text)
    return person.client.post(person.address(path), data={name: unescape(value) for name, value in hidden})


def test_a_product_is_made_changed_and_archived(world: World, owner: Person) -> None:
    assert "/products/new" in owner.opens("/products").text
    answer = owner.sends("/products/new", name="Storage <b>", unit_label="gigabyte", description="")
    assert answer.status_code == 303
    [made] = world.get("/v1/products")["data"]
    assert (made["name"], made["unit_label"], made["description"]) == ("Storage <b>", "gigabyte", None)
    path = f"/products/{made['id']}"
    assert owner.sends("/products/new", name="").status_code == 422
    wrong = owner.sends(f"{path}/edit", name="Storage", statement_descriptor="x" * 40)
    assert wrong.status_code == 422 and "x" * 40 in wrong.text
    assert owner.sends(f"{path}/edit", name="Storage", unit_label="").status_code == 303
    changed = world.get(f"/v1/products/{made['id']}")
    assert (changed["name"], changed["unit_label"]) == ("Storage", None)
    assert owner.sends(path, act="archive").status_code == 303
    assert not world.get(f"/v1/products/{made['id']}")["active"]
    assert owner.sends(path, act="restore").status_code == 303
    assert owner.sends(path, act="burn").status_code == 422
    audit = owner.reads("/audit")
    assert all(act in audit for act in ("products.create", "products.change", "products.archive"))


def test_tiers_are_drawn_and_calculated_before_the_price_is_made(
    world: World, owner: Person, product: str
) -> None:
    path = f"/products/{product}/prices/new"
    answer = owner.opens(path, show="1", quantity="1,500", **VOLUME)
    said = text_of(answer.text)
    assert "1,500 units cost US$76.75" in said  # 1,500 × 0.0505 + 1
    assert "All 1,500 units, by tier 2" in said and "USD 0.0505" in said
    assert "1,001 units cost US$48.45 less than 1,000." in said
    assert answer.text.count('<polyline class="curve"') == 2
    assert world.get("/v1/prices")["data"] == []
    assert stored(owner, path, default="1", **VOLUME).status_code == 303
    [price] = world.get("/v1/prices", expand=["data.tiers"])["data"]
    assert (price["tiers_mode"], [tier["up_to"] for tier in price["tiers"]]) == ("volume", [1000, None])
    assert [tier["unit_amount_decimal"] for tier in price["tiers"]] == ["10", "5.05"]
    assert price["tiers"][1]["flat_amount"] == 100
    assert world.get(f"/v1/products/{product}")["default_price"] == price["id"]


@pytest.mark.parametrize(
    ("form", "stored_as"),
    [
        ({"currency": "jpy", "amount": "1200", "interval": "year"}, {"unit_amount": 1200}),
        ({"currency": "usd", "amount": "0.0005", "meter": "METER"}, {"unit_amount_decimal": "0.05"}),
        (
            {"model": "package", "currency": "eur", "amount": "5", "size": "100", "interval": "once"},
            {"transform_quantity": {"divide_by": 100, "round": "up"}, "type": "one_time"},
        ),
        (
            {"model": "graduated", "currency": "eur", "up-to-1": "10", "unit-1": "2", "flat-2": "3"},
            {"tiers_mode": "graduated", "billing_scheme": "tiered"},
        ),
    ],
)
def test_each_model_is_stored_as_it_was_typed(
    world: World, owner: Person, product: str, form: dict[str, str], stored_as: dict[str, Any]
) -> None:
    meter = world.meter("bytes")
    typed = {name: meter if text == "METER" else text for name, text in form.items()}
    assert stored(owner, f"/products/{product}/prices/new", **typed).status_code == 303
    [price] = world.get("/v1/prices", product=product)["data"]
    assert {name: price[name] for name in stored_as} == stored_as


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"currency": "xyz", "amount": "1"}, "Choose a currency"),
        ({"currency": "usd"}, "An amount is missing"),
        ({"currency": "usd", "amount": "ten"}, "ten is no amount"),
        ({"currency": "usd", "model": "volume"}, "Fill in at least one tier"),
        ({"currency": "usd", "model": "volume", "unit-1": "1", "unit-2": "2"}, "Tiers must be sorted"),
        ({"currency": "usd", "amount": "1", "every": "99"}, "maximum number of months"),
        ({"currency": "usd", "amount": "1", "model": "auction"}, "There is no such model"),
    ],
)
def test_what_is_wrong_with_a_price_is_said(
    owner: Person, product: str, form: dict[str, str], problem: str
) -> None:
    answer = owner.opens(f"/products/{product}/prices/new", show="1", **form)
    assert problem in text_of(answer.text) and "polyline" not in answer.text
    assert owner.sends(f"/products/{product}/prices/new", **form).status_code == 422


def test_a_price_explains_sums_and_is_archived(
    world: World, owner: Person, product: str, hire: Callable[..., Person]
) -> None:
    tiers = [{"up_to": 1000, "unit_amount": 10}, {"up_to": "inf", "unit_amount": 5, "flat_amount": 100}]
    price = world.post(
        "/v1/prices",
        product=product,
        currency="usd",
        billing_scheme="tiered",
        tiers_mode="graduated",
        tiers=tiers,
        recurring={"interval": "month"},
    )["id"]
    path = f"/prices/{price}"
    assert "graduated tiers a month" in owner.reads("/products")
    assert path in owner.opens(f"/products/{product}").text
    said = owner.reads(path, quantity="1500")
    assert "1,500 units cost US$126.00" in said
    assert "1,000 units, from 1 to 1,000, by tier 1" in said and "from 1,001 to 1,500" in said
    assert "A quantity is a number" in owner.reads(path, quantity="1e9")
    assert owner.sends(path, act="default").status_code == 303
    refused = owner.sends(path, act="archive")
    assert refused.status_code == 422 and "can no longer be done" in refused.text
    other = world.post("/v1/prices", product=product, currency="usd", unit_amount=500)["id"]
    assert owner.sends(f"/prices/{other}", act="archive").status_code == 303
    assert not world.get(f"/v1/prices/{other}")["active"]
    assert owner.sends(f"/prices/{other}", act="restore").status_code == 303
    support = hire("support")
    assert 'value="archive"' not in support.opens(f"/prices/{other}").text
    assert support.sends(f"/prices/{other}", token="x", act="archive").status_code == 403
