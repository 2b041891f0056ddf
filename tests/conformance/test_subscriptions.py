"""Do subscriptions, their items, and test clocks work through the official library?"""

import pytest
import stripe

from tests.conformance.conftest import Shop, Whole


def test_a_subscription_is_created_changed_listed_and_canceled(shop: Shop, whole: Whole) -> None:
    plan = whole(shop.subscribed(metadata={"a": "1"}, description="Gold"))
    assert plan.status == "active"
    again = whole(shop.v1.subscriptions.retrieve(plan.id, params={"expand": ["customer", "latest_invoice"]}))
    assert again.customer.email == "anna@example.com"
    assert again.latest_invoice.status == "paid"
    item = whole(plan["items"].data[0])
    assert item.price.id == item.plan.id
    changed = shop.v1.subscriptions.update(
        plan.id, params={"metadata": {"b": "2"}, "cancel_at_period_end": True}
    )
    assert changed.metadata.to_dict() == {"a": "1", "b": "2"}
    assert changed.cancel_at == item.current_period_end
    listed = shop.v1.subscriptions.list(params={"customer": plan.customer, "status": "all"})
    assert [found.id for found in listed.data] == [plan.id]
    canceled = whole(
        shop.v1.subscriptions.cancel(plan.id, params={"cancellation_details": {"feedback": "unused"}})
    )
    assert (canceled.status, canceled.cancellation_details.feedback) == ("canceled", "unused")
    assert shop.v1.subscriptions.list(params={"customer": plan.customer}).data == []


def test_default_incomplete_gives_the_secret_that_a_browser_confirms_with(shop: Shop) -> None:
    expand = ["latest_invoice.confirmation_secret", "latest_invoice.payments"]
    plan = shop.subscribed(payment_behavior="default_incomplete", expand=expand)
    assert plan.status == "incomplete"
    secret = plan.latest_invoice.confirmation_secret
    [payment] = plan.latest_invoice.payments.data
    assert secret.type == "payment_intent"
    assert secret.client_secret.startswith(f"{payment.payment.payment_intent}_secret_")
    shop.v1.payment_intents.confirm(payment.payment.payment_intent)
    assert shop.v1.subscriptions.retrieve(plan.id).status == "active"


def test_a_trial_is_described(shop: Shop, whole: Whole) -> None:
    plan = whole(shop.subscribed(trial_period_days=7))
    assert plan.status == "trialing"
    assert plan.trial_end - plan.trial_start == 7 * 86400


def test_items_are_listed_retrieved_and_noted(shop: Shop, whole: Whole) -> None:
    plan = shop.subscribed()
    [item] = shop.v1.subscription_items.list(params={"subscription": plan.id}).data
    whole(shop.v1.subscription_items.retrieve(item.id))
    noted = shop.v1.subscription_items.update(item.id, params={"metadata": {"seat": "4"}})
    assert noted.metadata["seat"] == "4"


def test_a_clock_is_created_advanced_and_deleted_with_its_customers(shop: Shop, whole: Whole) -> None:
    clocks = shop.v1.test_helpers.test_clocks
    clock = whole(clocks.create(params={"frozen_time": 1735689600, "name": "Year"}))
    customer = shop.customer(test_clock=clock.id)
    items = [{"price": shop.plan().id}]
    plan = shop.v1.subscriptions.create(params={"customer": customer.id, "items": items})
    assert plan.created == plan.start_date == 1735689600
    moving = whole(clocks.advance(clock.id, params={"frozen_time": 1735689600 + 32 * 86400}))
    assert moving.status == "advancing"
    assert moving.status_details.advancing.target_frozen_time == 1735689600 + 32 * 86400
    shop.work()
    assert whole(clocks.retrieve(clock.id)).status == "ready"
    assert len(shop.v1.invoices.list(params={"customer": customer.id}).data) == 2
    assert [found.id for found in clocks.list().data] == [clock.id]
    with pytest.raises(stripe.InvalidRequestError, match="two intervals"):
        clocks.advance(clock.id, params={"frozen_time": 1735689600 + 400 * 86400})
    assert clocks.delete(clock.id).deleted
    assert shop.v1.customers.retrieve(customer.id).deleted


def test_what_is_wrong_is_said_in_the_librarys_own_exceptions(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as no_price:
        shop.v1.subscriptions.create(params={"customer": shop.customer().id, "items": [{"price": "price_x"}]})
    assert (no_price.value.http_status, no_price.value.code) == (400, "resource_missing")
    assert no_price.value.param == "items[0][price]"
    with pytest.raises(stripe.InvalidRequestError) as nothing:
        shop.v1.subscriptions.retrieve("sub_x")
    assert nothing.value.http_status == 404
