"""What a change in mid-period credits and charges, and when it is billed (§5.6 to §5.8, §14.3)."""

from typing import Any

import pytest

from tests.support.connected import enabled
from tests.support.world import Customer, Subscription, World, moment


def amounts(lines: list[dict[str, Any]]) -> list[int]:
    return [line["amount"] for line in lines]


def pending(customer: Customer) -> list[dict[str, Any]]:
    """What waits for the next invoice, as it will be read on it: the newest first."""
    page = customer.world.get("/v1/invoiceitems", customer=customer.id, pending=True, limit=100)
    return list(page["data"])


def item_of(plan: Subscription, place: int = 0) -> str:
    return str(plan.now["items"]["data"][place]["id"])


def swap(plan: Subscription, price: str, **more: Any) -> dict[str, Any]:
    item: dict[str, Any] = {"id": item_of(plan), "price": price}
    return plan.update(items=[item], **more)


@pytest.mark.parametrize(
    ("old", "new", "began", "changed", "credit", "debit"),
    [
        pytest.param(10, 20, "2025-04-01", "2025-04-16", -500, 1000, id="X37"),
        pytest.param(20, 50, "2025-01-01", "2025-01-15", -1097, 2742, id="X46"),
        pytest.param(30, 30.01, "2025-04-01 12:00", "2025-04-11 18:30:15", -1973, 1974, id="X48"),
        pytest.param(29, 29.02, "2028-02-01", "2028-02-15", -1500, 1501, id="X49 leap"),
        pytest.param(29, 29.02, "2027-02-01", "2027-02-15", -1450, 1451, id="X49 common"),
    ],
)
def test_another_price_credits_the_old_and_debits_the_new_by_the_second(
    world: World, old: float, new: float, began: str, changed: str, credit: int, debit: int
) -> None:
    world.at(began)
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Gold", usd=old))
    other = world.plan("Platinum", usd=new)
    world.at(changed)
    swap(plan, other)
    world.check_events(["invoiceitem.created", "invoiceitem.created", "customer.subscription.updated"])
    assert amounts(pending(anna)) == [credit, debit]


def test_x38_prorations_wait_for_the_next_invoice(world: World) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Basic", usd=100))
    pro = world.plan("Pro", usd=200)
    world.at("2025-05-16 12:00")
    swap(plan, pro)
    world.at("2025-06-01 01:00")
    anna.last_invoice.reads("""
        Unused time on Basic after 16 May 2025     -50.00
        Remaining time on Pro after 16 May 2025    100.00
        1 × Pro (at $200.00 / month)               200.00
        Total 250.00                               paid""")
    credit, debit, _ = world.get(f"/v1/invoices/{anna.last_invoice.data['id']}/lines")["data"]
    first = world.get(f"/v1/invoices/{anna.invoices[0].data['id']}/lines")["data"]
    details = credit["parent"]["subscription_item_details"]
    assert details["proration"] and details["subscription_item"] == item_of(plan)
    assert details["proration_details"]["credited_items"] == {
        "invoice": anna.invoices[0].data["id"],
        "invoice_line_items": [first[0]["id"]],
    }
    assert not credit["discountable"]
    assert debit["period"] == {
        "start": int(moment("2025-05-16 12:00").timestamp()),
        "end": int(moment("2025-06-01").timestamp()),
    }


def test_x39_always_invoice_bills_the_difference_at_once(world: World) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Basic", usd=100))
    pro = world.plan("Pro", usd=200)
    world.at("2025-05-16 12:00")
    answer = swap(plan, pro, proration_behavior="always_invoice")
    assert anna.last_invoice.data["total"] == 5000
    assert anna.last_invoice.status == "paid"
    assert anna.last_invoice.data["billing_reason"] == "subscription_update"
    assert answer["latest_invoice"] == anna.last_invoice.data["id"]
    assert answer["status"] == "active"
    world.at("2025-06-01 01:00")
    assert anna.last_invoice.data["total"] == 20000


def test_x40_without_proration_the_new_price_counts_from_the_next_period(world: World) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Basic", usd=100))
    pro = world.plan("Pro", usd=200)
    world.at("2025-05-16 12:00")
    swap(plan, pro, proration_behavior="none")
    assert pending(anna) == []
    world.at("2025-06-01 01:00")
    assert anna.last_invoice.data["total"] == 20000


def test_x42_flexible_reverses_what_was_really_billed(world: World) -> None:
    """X42: the change without proration left the $10 debit, and it is that which is credited."""
    world.at("2025-04-01")
    anna = world.customer("anna")
    ten, twenty = world.plan("Ten", usd=10), world.plan("Twenty", usd=20)
    plan = anna.subscribes_to(ten)
    world.at("2025-04-11")
    swap(plan, twenty, proration_behavior="none")
    world.at("2025-04-21")
    swap(plan, ten, proration_behavior="always_invoice")
    anna.last_invoice.reads("""
        Unused time on Ten after 21 Apr 2025       -3.33
        Remaining time on Ten after 21 Apr 2025    3.33
        Total 0.00                                 paid""")


def test_x47_another_quantity(world: World) -> None:
    world.at("2025-04-01")
    anna = world.customer("anna")
    seat = world.plan("Seat", usd=15)
    plan = anna.subscribes_to({"price": seat, "quantity": 5})
    world.at("2025-04-16")
    plan.update(items=[{"id": item_of(plan), "quantity": 8}])
    assert amounts(pending(anna)) == [-3750, 6000]
    assert [line["description"] for line in pending(anna)] == [
        "Unused time on 5 × Seat after 16 Apr 2025",
        "Remaining time on 8 × Seat after 16 Apr 2025",
    ]


def test_x50_one_more_seat_in_the_instant_of_the_start(world: World) -> None:
    world.at("2025-04-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Seat", usd=359.97))
    plan.update(items=[{"id": item_of(plan), "quantity": 2}])
    assert amounts(pending(anna)) == [-35997, 71994]


def test_a_second_change_credits_the_pending_debit_of_the_first(world: World) -> None:
    world.at("2025-04-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Seat", usd=30))
    world.at("2025-04-11")
    plan.update(items=[{"id": item_of(plan), "quantity": 2}])
    world.at("2025-04-21")
    plan.update(items=[{"id": item_of(plan), "quantity": 1}])
    assert amounts(pending(anna)) == [-2000, 1000, -2000, 4000]
    source = pending(anna)[0]["proration_details"]["credited_items"]
    assert source["type"] == "invoice_item" and source["invoice_item"] == pending(anna)[3]["id"]


def test_a_new_price_without_quantity_is_one_of_it_again(world: World) -> None:
    """T39."""
    world.at("2025-04-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to({"price": world.plan("Seat", usd=15), "quantity": 5})
    answer = swap(plan, world.plan("Desk", usd=20))
    assert answer["items"]["data"][0]["quantity"] == 1


def test_items_without_id_are_added_and_deleted_ones_credited(world: World) -> None:
    """T40, §5.8.3, §5.8.7."""
    world.at("2025-04-01")
    anna = world.customer("anna")
    base, extra = world.plan("Base", usd=30), world.plan("Extra", usd=60)
    plan = anna.subscribes_to(base)
    world.at("2025-04-16")
    answer = plan.update(items=[{"price": extra}])
    assert [item["price"]["id"] for item in answer["items"]["data"]] == [base, extra]
    assert amounts(pending(anna)) == [3000]
    period = answer["items"]["data"][1]["current_period_end"]
    assert period == int(moment("2025-05-01").timestamp())
    plan.update(items=[{"id": item_of(plan), "deleted": True}])
    assert amounts(pending(anna)) == [-1500, 3000]
    refused = world.refused(f"/v1/subscriptions/{plan.id}", items=[{"id": item_of(plan), "deleted": True}])
    assert refused["param"] == "items"
    world.at("2025-05-01 01:00")
    anna.last_invoice.reads("""
        Unused time on Base after 16 Apr 2025       -15.00
        Remaining time on Extra after 16 Apr 2025   30.00
        1 × Extra (at $60.00 / month)               60.00
        Total 75.00                                 paid""")


def test_items_have_their_own_endpoints(world: World) -> None:
    world.at("2025-04-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Base", usd=30))
    world.at("2025-04-16")
    made = world.post(
        "/v1/subscription_items", subscription=plan.id, price=world.plan("Seat", usd=20), quantity=2
    )
    assert made["quantity"] == 2 and amounts(pending(anna)) == [2000]
    world.post(
        f"/v1/subscription_items/{made['id']}", quantity=3, proration_behavior="none", metadata={"a": "b"}
    )
    kept = world.get(f"/v1/subscription_items/{made['id']}")
    assert (kept["quantity"], kept["metadata"]) == (3, {"a": "b"})
    gone = world.delete(f"/v1/subscription_items/{made['id']}", proration_behavior="none")
    assert gone == {"id": made["id"], "object": "subscription_item", "deleted": True}
    assert len(plan.now["items"]["data"]) == 1
    assert amounts(pending(anna)) == [2000]


def test_an_item_has_a_price_made_for_it_and_hears_of_its_own_parameters(world: World) -> None:
    world.at("2025-04-01")
    anna = world.customer("anna")
    base = world.plan("Base", usd=30)
    plan = anna.subscribes_to(base)
    product = world.post("/v1/products", name="Support")["id"]
    data = {"currency": "usd", "product": product, "recurring": {"interval": "month"}, "unit_amount": 4000}
    world.at("2025-04-16")
    made = world.post("/v1/subscription_items", subscription=plan.id, price_data=data, quantity=2)
    assert (made["price"]["unit_amount"], made["quantity"]) == (4000, 2)
    data["unit_amount"] = 5000
    changed = world.post(f"/v1/subscription_items/{made['id']}", price_data=data, quantity=1)
    assert changed["price"]["unit_amount"] == 5000
    assert amounts(pending(anna)) == [-4000, 2500, 4000]
    for form, param in (
        ({"price": base}, "price"),
        ({"price": base, "plan": base}, "plan"),
        ({"price": "price_none"}, "price"),
        ({"price_data": {**data, "currency": "eur"}}, "price_data"),
        ({"price_data": {**data, "product": "prod_none"}}, "price_data[product]"),
    ):
        assert world.refused("/v1/subscription_items", subscription=plan.id, **form)["param"] == param
    swapped = world.post(f"/v1/subscription_items/{made['id']}", plan=world.plan("Other", usd=10))
    assert swapped["plan"]["amount"] == 1000


def test_x51_another_interval_with_the_anchor_unchanged(world: World) -> None:
    """X51, read so: the yearly period that holds now, counted from the anchor, is debited."""
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Monthly", usd=149))
    answer = swap(plan, world.plan("Yearly", every="year", usd=1490))
    assert amounts(pending(anna)) == [-14900, 149000]
    item = answer["items"]["data"][0]
    assert item["current_period_end"] == int(moment("2026-01-01").timestamp())
    world.forget()
    world.at("2025-12-31", expect=[])
    world.at("2026-01-01 01:00")
    assert anna.last_invoice.data["total"] == -14900 + 149000 + 149000


@pytest.mark.parametrize(
    ("old", "new", "until", "next_amount"),
    [("month", "week", "2025-01-08", 700), ("year", "month", "2025-02-01", 700)],
)
def test_without_proration_another_interval_is_billed_from_its_next_period_on(
    world: World, old: str, new: str, until: str, next_amount: int
) -> None:
    """§5.8.4, X40: no invoice, no credit, and where what was paid reached further it counts no more then."""
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Old", every=old, usd=30))
    world.at("2025-01-05")
    swap(plan, world.plan("New", every=new, usd=7), proration_behavior="none")
    assert pending(anna) == [] and len(anna.invoices) == 1
    assert plan.period == ("2025-01-01", until)
    world.at(f"{until} 01:00")
    assert anna.last_invoice.data["total"] == next_amount
    world.at(f"{until} 02:00")
    plan.cancels(prorate=True)
    assert -next_amount < sum(amounts(pending(anna))) < 0


def test_x52_a_yearly_item_doubled_at_the_start(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Yearly", every="year", usd=100))
    plan.update(items=[{"id": item_of(plan), "quantity": 2}])
    assert amounts(pending(anna)) == [-10000, 20000]


def test_the_anchor_reset_to_now_begins_a_full_period(world: World) -> None:
    """§5.8.6."""
    world.at("2025-04-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Base", usd=30))
    world.at("2025-04-16")
    plan.update(billing_cycle_anchor={"type": "now"}, proration_behavior="always_invoice")
    anna.last_invoice.reads("""
        Unused time on Base after 16 Apr 2025   -15.00
        1 × Base (at $30.00 / month)            30.00
        Total 15.00                             paid""")
    assert plan.period == ("2025-04-16", "2025-05-16")
    world.at("2025-05-16 01:00")
    assert anna.last_invoice.data["total"] == 3000


def test_a_trial_ended_now_is_billed_in_the_request(world: World) -> None:
    """§5.8.8."""
    world.at("2025-04-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Base", usd=30), trial_period_days=14)
    world.at("2025-04-05")
    answer = plan.update(trial_end="now")
    assert answer["status"] == "active"
    assert anna.last_invoice.data["total"] == 3000 and anna.last_invoice.status == "paid"
    assert plan.period == ("2025-04-05", "2025-05-05")


def test_x70_a_trial_given_to_an_active_one(world: World) -> None:
    """X70: $0 at once, nothing when it would have renewed, the full price when the trial ends."""
    world.at("2025-06-23")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Base", usd=30))
    world.at("2025-07-15")
    answer = plan.update(trial_end=int(moment("2025-08-01").timestamp()), proration_behavior="none")
    assert answer["status"] == "trialing"
    assert anna.last_invoice.data["total"] == 0
    world.forget()
    world.at("2025-07-25", expect=[])
    world.at("2025-08-01 01:00")
    assert anna.last_invoice.data["total"] == 3000
    assert plan.period == ("2025-08-01", "2025-09-01")


@pytest.mark.parametrize(
    ("then", "amount"),
    [pytest.param("2025-10-01", 3025, id="X61"), pytest.param("2025-04-01", -2992, id="X62")],
)
def test_x60_to_x62_a_planned_end_is_credited_and_moved(world: World, then: str, amount: int) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Yearly", every="year", usd=120))
    answer = plan.update(cancel_at=int(moment("2025-07-01").timestamp()))
    assert amounts(pending(anna)) == [-6049]  # X60
    assert answer["items"]["data"][0]["current_period_end"] == int(moment("2025-07-01").timestamp())
    world.at("2025-02-15")
    plan.update(cancel_at=int(moment(then).timestamp()))
    assert amounts(pending(anna)) == [amount, -6049]
    world.at(f"{then} 00:00:00")
    assert plan.status == "canceled"


def test_a_declined_update_leaves_the_change_and_a_subscription_past_due(world: World) -> None:
    """§5.3, allow_incomplete."""
    world.at("2025-05-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Basic", usd=100))
    anna.pays_with("declining")
    world.at("2025-05-16 12:00")
    answer = swap(plan, world.plan("Pro", usd=200), proration_behavior="always_invoice")
    assert answer["status"] == "past_due"
    assert anna.last_invoice.status == "open"
    assert anna.last_invoice.data["next_payment_attempt"]


def test_the_event_of_a_change_has_the_old_items(world: World) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Basic", usd=100))
    plan.update(items=[{"id": item_of(plan), "quantity": 3}], proration_behavior="none")
    [event] = [e for e in world.events() if e["type"] == "customer.subscription.updated"]
    assert event["data"]["previous_attributes"]["items"]["data"][0]["quantity"] == 1
    assert event["data"]["object"]["items"]["data"][0]["quantity"] == 3


def test_extras_wait_for_the_next_invoice_which_may_be_that_of_the_change(world: World) -> None:
    """§5.8.9."""
    world.at("2025-05-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Basic", usd=100))
    once = world.post("/v1/prices", currency="usd", unit_amount=700, product_data={"name": "Setup"})["id"]
    plan.update(add_invoice_items=[{"price": once}])
    assert amounts(pending(anna)) == [700]
    world.at("2025-05-16 12:00")
    seats = [{"id": item_of(plan), "quantity": 2}]
    plan.update(items=seats, add_invoice_items=[{"price": once}], proration_behavior="always_invoice")
    assert anna.last_invoice.data["total"] == 700 + 700 + 5000


def test_what_is_kept_as_it_was_sent(world: World) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Basic", usd=100))
    settings = {"footer": "Thanks"}
    shop = enabled(world.api)
    answer = plan.update(invoice_settings=settings, on_behalf_of=shop, application_fee_percent=2.5)
    assert answer["invoice_settings"]["footer"] == "Thanks"
    assert (answer["on_behalf_of"], answer["application_fee_percent"]) == (shop, 2.5)
    world.at("2025-06-01 01:00")
    assert anna.last_invoice.data["footer"] == "Thanks"
    refused = world.refused(f"/v1/subscriptions/{plan.id}", automatic_tax={"enabled": True})
    assert refused["param"] == "automatic_tax[enabled]"


def test_a_trial_that_the_price_offers(world: World) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Basic", usd=100))
    form = {"currency": "usd", "unit_amount": 3000, "product_data": {"name": "Pro"}}
    offer = world.post("/v1/prices", **form, recurring={"interval": "month", "trial_period_days": 10})["id"]
    answer = swap(plan, offer, trial_from_plan=True, proration_behavior="none")
    assert answer["trial_end"] == int(moment("2025-05-11").timestamp())
    assert answer["status"] == "trialing"


@pytest.mark.parametrize("how", ["void", "aside", "deleted"])
def test_of_what_is_asked_no_more_nothing_is_given_back_and_its_time_is_charged_anew(
    world: World, how: str
) -> None:
    """A void invoice and a deleted item have billed nothing."""
    world.at("2025-03-01")
    anna = world.customer("anna", card=None if how == "void" else "visa")
    more = {"collection_method": "send_invoice", "days_until_due": 30} if how == "void" else {}
    plan = anna.subscribes_to(world.plan("Base", usd=30), **more)
    if how == "aside":
        plan.update(pause_collection={"behavior": "void"})
    world.at("2025-04-01 02:00")
    if how == "void":
        anna.last_invoice.does("void")
    if how == "deleted":
        plan.update(items=[{"id": item_of(plan), "quantity": 2}])
        for item in pending(anna):
            world.delete(f"/v1/invoiceitems/{item['id']}")
    world.at("2025-04-16")
    plan.update(items=[{"id": item_of(plan), "quantity": 3}])
    assert amounts(pending(anna)) == [4500]
    world.at("2025-05-01 02:00")
    assert anna.last_invoice.data["subtotal"] == 4500 + 9000
