"""Does each filter of the list of events work?"""

from typing import Any

import pytest

from tests.support.webhook_receivers import DeliveryWorld, Receiver


def names(api: Any, **query: Any) -> list[str]:
    return [event["type"] for event in api.get("/v1/events", query)["data"]]


@pytest.fixture
def four_events(world: DeliveryWorld, api: Any, receiver: Receiver) -> list[str]:
    """Four events: one was delivered to a receiver, another is still pending."""
    world.endpoint(receiver, "customer.created")
    api.post("/v1/customers")
    world.run()
    world.endpoint(receiver, "product.created")
    api.post("/v1/products", {"name": "Gold"})
    api.post("/v1/coupons", {"percent_off": 5, "duration": "once"})
    api.post("/v1/tax_rates", {"display_name": "VAT", "percentage": 8, "inclusive": "false"})
    return ["tax_rate.created", "coupon.created", "product.created", "customer.created"]


def test_filter_by_type_and_types_exactly_or_with_a_wildcard(api: Any, four_events: list[str]) -> None:
    assert names(api) == four_events
    assert names(api, type="coupon.created") == ["coupon.created"]
    assert names(api, type="customer.*") == ["customer.created"]
    assert names(api, type="c*") == ["coupon.created", "customer.created"]
    assert names(api, type="couponXcreated") == []
    two = {"types[]": "product.created", "types[1]": "coupon.created"}
    assert names(api, **two) == ["coupon.created", "product.created"]
    both = api.get("/v1/events", {"type": "a", "types[]": "b"})
    assert (both.status, both["error"]["code"]) == (400, "parameters_exclusive")


def test_filter_by_whether_all_receivers_have_it(api: Any, four_events: list[str]) -> None:
    assert names(api, delivery_success="false") == ["product.created"]
    assert names(api, delivery_success="true") == ["tax_rate.created", "coupon.created", "customer.created"]


def test_filter_by_creation(api: Any, four_events: list[str]) -> None:
    times = [event["created"] for event in api.get("/v1/events")["data"]]
    first, last = min(times), max(times)
    assert names(api, **{"created[gte]": first, "created[lte]": last}) == four_events
    assert names(api, **{"created[gt]": last}) == [] == names(api, **{"created[lt]": first})
    assert names(api, created=first - 1) == []
    exactly = [name for name, at in zip(four_events, times, strict=True) if at == first]
    assert names(api, created=first) == exactly


def test_filters_narrow_each_other(api: Any, four_events: list[str]) -> None:
    assert names(api, type="*.created", delivery_success="false") == ["product.created"]
    assert names(api, type="customer.*", delivery_success="false") == []
