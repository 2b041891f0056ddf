"""Do customers, products, prices, meters and their events work through the official library?"""

import time

import pytest
import stripe

from tests.conformance.conftest import Shop, Whole


def test_a_customer_is_created_changed_listed_and_deleted(shop: Shop, whole: Whole) -> None:
    given = {"name": "Anna", "address": {"city": "Bern", "country": "CH"}, "balance": -500}
    customer = whole(shop.v1.customers.create(params={**given, "metadata": {"a": "1"}}))
    assert (customer.balance, customer.address.city) == (-500, "Bern")
    assert whole(shop.v1.customers.update(customer.id, params={"phone": "1"})).phone == "1"
    expand = ["invoice_credit_balance", "subscriptions", "tax_ids"]
    whole(shop.v1.customers.retrieve(customer.id, params={"expand": expand[:1]}))
    assert [found.id for found in shop.v1.customers.list(params={"limit": 1}).data] == [customer.id]
    assert shop.v1.customers.delete(customer.id).deleted
    assert shop.v1.customers.retrieve(customer.id).deleted


def test_a_product_has_prices_and_a_default_one(shop: Shop, whole: Whole) -> None:
    first = {"currency": "usd", "unit_amount": 900, "recurring": {"interval": "month"}}
    product = whole(shop.v1.products.create(params={"name": "Gold", "default_price_data": first}))
    expanded = shop.v1.products.retrieve(product.id, params={"expand": ["default_price"]})
    assert whole(expanded.default_price).unit_amount == 900
    assert whole(shop.v1.products.update(product.id, params={"name": "Platinum"})).name == "Platinum"
    second = whole(shop.v1.prices.create(params={"product": product.id, "currency": "usd", "unit_amount": 5}))
    assert not whole(shop.v1.prices.update(second.id, params={"active": False})).active
    assert len(shop.v1.prices.list(params={"product": product.id}).data) == 2
    assert [found.id for found in shop.v1.products.list().data] == [product.id]
    bare = shop.v1.products.create(params={"name": "Bare"})
    assert shop.v1.products.delete(bare.id).deleted


def test_tiers_are_shown_when_they_are_asked_for(shop: Shop, whole: Whole) -> None:
    tiers = [
        {"up_to": 10, "unit_amount_decimal": "0.5"},
        {"up_to": "inf", "unit_amount": 1, "flat_amount": 20},
    ]
    given = {
        "currency": "usd",
        "product_data": {"name": "Calls"},
        "billing_scheme": "tiered",
        "tiers": tiers,
        "tiers_mode": "volume",
        "recurring": {"interval": "month"},
    }
    price = whole(shop.v1.prices.create(params=given))  # type: ignore[arg-type]
    shown = shop.v1.prices.retrieve(price.id, params={"expand": ["tiers"]})
    assert [tier.up_to for tier in shown.tiers] == [10, None]


def test_a_meter_counts_what_both_versions_of_the_api_send(shop: Shop, whole: Whole) -> None:
    meters = shop.v1.billing.meters
    given = {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    meter = whole(meters.create(params=given))
    customer = shop.customer()
    now = int(time.time())
    payload = {"stripe_customer_id": customer.id, "value": "3"}
    first = shop.v1.billing.meter_events.create(
        params={"event_name": "calls", "payload": payload, "timestamp": now}
    )
    assert whole(first).event_name == "calls"
    second = shop.v2.billing.meter_events.create(
        params={"event_name": "calls", "payload": payload, "identifier": "x"}
    )
    assert second.identifier == "x"
    with pytest.raises(stripe.StripeError):
        shop.v2.billing.meter_events.create(
            params={"event_name": "calls", "payload": payload, "identifier": "x"}
        )
    spoilt = {"event_name": "calls", "type": "cancel", "cancel": {"identifier": first.identifier}}
    whole(shop.v1.billing.meter_event_adjustments.create(params=spoilt))
    minute = now - now % 60
    spans = {"customer": customer.id, "start_time": minute - 3600, "end_time": minute + 120}
    [summary] = meters.event_summaries.list(meter.id, params=spans).data
    assert whole(summary).aggregated_value == 3
    assert whole(meters.update(meter.id, params={"display_name": "API calls"})).display_name == "API calls"
    assert meters.deactivate(meter.id).status == "inactive"
    assert meters.reactivate(meter.id).status == "active"
    whole(meters.retrieve(meter.id))
    assert [found.id for found in meters.list().data] == [meter.id]
