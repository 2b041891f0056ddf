"""Do subscription schedules work through the official library?"""

import time
from typing import Any

import pytest
import stripe

from tests.conformance.conftest import Shop, Whole

MONTH = {"interval": "month", "interval_count": 1}


def planned(shop: Shop, **more: Any) -> Any:
    items = [{"price": shop.plan().id, "quantity": 2, "metadata": {"seat": "4"}}]
    extras = [{"price_data": {"currency": "usd", "unit_amount": 500, "product": shop.plan().product}}]
    customer = more.pop("customer", None) or shop.customer().id
    phases = [
        {"items": items, "duration": MONTH, "metadata": {"a": "1"}, "trial": True},
        {
            "items": items,
            "duration": MONTH,
            "add_invoice_items": extras,
            "application_fee_percent": 12.5,
            "collection_method": "send_invoice",
            "description": "Sent",
            "invoice_settings": {
                "custom_fields": [{"name": "PO", "value": "7"}],
                "days_until_due": 14,
                "issuer": {"type": "self"},
            },
            "transfer_data": {"destination": shop.connected(), "amount_percent": 50},
        },
    ]
    return shop.v1.subscription_schedules.create(params={"customer": customer, "phases": phases, **more})


def test_a_schedule_is_created_expanded_updated_listed_and_released(shop: Shop, whole: Whole) -> None:
    schedules = shop.v1.subscription_schedules
    plan = whole(planned(shop, start_date="now", metadata={"a": "1"}))
    assert plan.status == "active"
    expand = ["customer", "subscription", "phases.items.price", "phases.items.plan"]
    expand.append("phases.add_invoice_items.price")
    again = schedules.retrieve(plan.id, params={"expand": expand})
    assert again.subscription.schedule == plan.id
    item = again.phases[0]["items"][0]
    assert (item.price.unit_amount, item.plan.amount) == (2000, 2000)
    assert again.phases[1].add_invoice_items[0].price.type == "one_time"
    changed = whole(schedules.update(plan.id, params={"metadata": {"b": "2"}, "end_behavior": "cancel"}))
    assert changed.metadata.to_dict() == {"a": "1", "b": "2"}
    listed = schedules.list(params={"customer": plan.customer})
    assert [found.id for found in listed.data] == [plan.id]
    released = whole(schedules.release(plan.id))
    assert (released.status, released.released_subscription) == ("released", again.subscription.id)
    moment = {"gte": released.released_at, "lt": released.released_at + 1}
    found = schedules.list(params={"customer": plan.customer, "released_at": moment})
    assert [one.id for one in found.data] == [plan.id]
    assert shop.v1.subscriptions.retrieve(again.subscription.id).schedule is None


def test_one_that_starts_later_is_listed_as_scheduled_and_canceled(shop: Shop, whole: Whole) -> None:
    schedules = shop.v1.subscription_schedules
    customer = shop.customer().id
    later = whole(planned(shop, customer=customer, start_date=int(time.time()) + 86400))
    started = planned(shop, customer=customer, billing_mode={"type": "classic"})
    assert (later.status, later.current_phase, started.billing_mode.type) == ("not_started", None, "classic")
    for scheduled, ids in ((True, [later.id]), (False, [started.id])):
        found = schedules.list(params={"customer": customer, "scheduled": scheduled})
        assert [one.id for one in found.data] == ids
    assert whole(schedules.cancel(later.id)).status == "canceled"
    canceled = whole(schedules.cancel(started.id, params={"prorate": False, "invoice_now": False}))
    assert canceled.status == "canceled"
    span = {"canceled_at": {"gte": canceled.canceled_at - 60}}
    found = schedules.list(params={"customer": customer, **span})
    assert {one.id for one in found.data} == {later.id, started.id}
    with pytest.raises(stripe.InvalidRequestError):
        schedules.update(later.id, params={"metadata": {"a": "1"}})


def test_a_subscription_is_taken_over(shop: Shop, whole: Whole) -> None:
    plan = shop.subscribed(description="Gold")
    schedule = whole(
        shop.v1.subscription_schedules.create(
            params={"from_subscription": plan.id, "expand": ["subscription"]}
        )
    )
    assert schedule.subscription.schedule == schedule.id
    [item] = plan["items"].data
    phase = schedule.current_phase
    assert (phase.start_date, phase.end_date) == (item.current_period_start, item.current_period_end)
