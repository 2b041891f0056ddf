"""Trial offers: a first price for an item, free or not, and what it goes over to (§5.10)."""

from typing import Any

from tests.support.world import BEGUN, FREE, OPENED, PAID, RENEWED, Subscription, World, day

OFFERS = "/v1/product_catalog/trial_offers"
ENTITLED = "entitlements.active_entitlement_summary.updated"


def offer(world: World, first: str, then: str, times: int = 1) -> str:
    """An offer: so many periods at the first price, then the other one."""
    made = world.post(
        OFFERS,
        price=first,
        duration={"type": "relative", "relative": {"iterations": times}},
        end_behavior={"transition": {"price": then}},
    )
    return str(made["id"])


def taking(offered: str, **more: Any) -> dict[str, Any]:
    """An item that begins with an offer."""
    return {"current_trial": {"trial_offer": offered}, **more}


def item(plan: Subscription, price: str) -> dict[str, Any]:
    [found] = [one for one in plan.now["items"]["data"] if one["price"]["id"] == price]
    return dict(found)


def test_x76_a_trial_offer_of_a_dollar_for_a_week_goes_over_to_the_monthly_price(world: World) -> None:
    world.at("2025-01-01")
    first, then = world.plan("Intro", every="week", usd=1), world.plan("Pro", usd=20)
    offered = offer(world, first, then)
    anna = world.customer("anna")
    plan = anna.subscribes_to(taking(offered))
    assert plan.status == "active" and plan.now["trial_end"] is None
    trial = item(plan, first)["current_trial"]
    assert (day(trial["start_date"]), day(trial["end_date"])) == ("2025-01-01", "2025-01-08")
    assert trial["trial_offer"] == offered
    anna.last_invoice.reads("""
        1 × Intro (at $1.00 / week)   1.00
        Total 1.00                    paid""")
    world.forget()
    world.at("2025-01-08", expect=RENEWED)
    assert item(plan, then)["current_trial"] is None
    assert plan.period == ("2025-01-08", "2025-02-08")
    assert day(plan.now["billing_cycle_anchor"]) == "2025-01-08"
    assert anna.last_invoice.data["billing_reason"] == "subscription_cycle"
    anna.last_invoice.reads("""
        1 × Pro (at $20.00 / month)   20.00
        Total 20.00                   draft""")
    world.at("2025-01-08 01:00", expect=[*OPENED, *PAID])
    world.at("2025-02-08 01:00")
    assert [invoice.data["total"] for invoice in anna.invoices] == [100, 2000, 2000]


def test_a_free_offer_is_a_trial_that_is_announced(world: World) -> None:
    world.at("2025-01-01")
    free, then = world.plan("Try", every="week", usd=0), world.plan("Pro", usd=20)
    anna = world.customer("anna")
    plan = anna.subscribes_to(taking(offer(world, free, then, times=2), quantity=3))
    world.check_events(["invoice.created", *FREE, *BEGUN])
    assert plan.status == "trialing" and day(plan.now["trial_end"]) == "2025-01-15"
    assert plan.period == ("2025-01-01", "2025-01-15")
    anna.last_invoice.reads("""
        Free trial for 3 × Try   0.00
        Total 0.00               paid""")
    world.at("2025-01-12", expect=["customer.subscription.trial_will_end"])
    world.at("2025-01-15", expect=RENEWED)
    assert plan.status == "active" and plan.period == ("2025-01-15", "2025-02-15")
    anna.last_invoice.reads("""
        3 × Pro (at $20.00 / month)   60.00
        Total 60.00                   draft""")


def test_an_offer_of_several_periods_bills_each_at_its_first_price(world: World) -> None:
    world.at("2025-01-01")
    first, then = world.plan("Intro", every="week", usd=1), world.plan("Pro", usd=20)
    anna = world.customer("anna")
    plan = anna.subscribes_to(taking(offer(world, first, then, times=3)))
    world.at("2025-01-08 02:00")
    world.at("2025-01-15 02:00")
    assert plan.period == ("2025-01-15", "2025-01-22")
    world.at("2025-01-22 02:00")
    assert [invoice.data["total"] for invoice in anna.invoices] == [100, 100, 100, 2000]
    assert plan.period == ("2025-01-22", "2025-02-22")


def test_the_anchor_resets_for_all_items_and_the_others_get_back_what_they_paid(world: World) -> None:
    world.at("2025-01-01")
    first, then = world.plan("Intro", every="week", usd=1), world.plan("Pro", usd=20)
    seat = world.plan("Seat", usd=31)
    anna = world.customer("anna")
    plan = anna.subscribes_to(taking(offer(world, first, then)), seat)
    assert anna.last_invoice.data["total"] == 3200 and plan.status == "active"
    world.at("2025-01-08 02:00")
    anna.last_invoice.reads("""
        Unused time on Seat after 08 Jan 2025   -24.00
        1 × Pro (at $20.00 / month)   20.00
        1 × Seat (at $31.00 / month)   31.00
        Total 27.00                   paid""")
    world.at("2025-02-08 02:00")
    assert anna.last_invoice.data["total"] == 5100


def test_the_anchor_stays_where_that_is_wished_and_a_stub_follows_the_offer(world: World) -> None:
    world.at("2025-01-01")
    first, then = world.plan("Intro", every="week", usd=1), world.plan("Pro", usd=31)
    anna = world.customer("anna")
    plan = anna.subscribes_to(
        taking(offer(world, first, then)),
        trial_settings={"end_behavior": {"billing_cycle_anchor": "unchanged"}},
    )
    world.at("2025-01-08 02:00")
    assert anna.last_invoice.data["total"] == 2400  # 24 of 31 days
    assert plan.period == ("2025-01-08", "2025-02-01")
    world.at("2025-02-01 02:00")
    assert anna.last_invoice.data["total"] == 3100


def test_another_price_ends_the_offer_and_gives_back_its_rest(world: World) -> None:
    world.at("2025-01-01")
    first, then = world.plan("Intro", usd=31), world.plan("Pro", usd=62)
    more = world.plan("Max", usd=93)
    anna = world.customer("anna")
    plan = anna.subscribes_to(taking(offer(world, first, then, times=2)))
    world.at("2025-01-11")
    plan.update(items=[{"id": item(plan, first)["id"], "price": more}], proration_behavior="always_invoice")
    assert item(plan, more)["current_trial"] is None
    anna.last_invoice.reads("""
        Unused time on Intro after 11 Jan 2025     -21.00
        Remaining time on Max after 11 Jan 2025   63.00
        Total 42.00                               paid""")
    world.at("2025-02-01 02:00")
    world.at("2025-03-01 02:00")
    assert [invoice.data["total"] for invoice in anna.invoices] == [3100, 4200, 9300, 9300]


def test_a_quantity_is_prorated_within_the_offer_which_goes_on(world: World) -> None:
    world.at("2025-01-01")
    first, then = world.plan("Intro", every="week", usd=7), world.plan("Pro", usd=20)
    anna = world.customer("anna")
    plan = anna.subscribes_to(taking(offer(world, first, then)))
    world.at("2025-01-03")
    plan.update(items=[{"id": item(plan, first)["id"], "quantity": 2}])
    assert item(plan, first)["current_trial"] is not None
    world.at("2025-01-08 02:00")
    anna.last_invoice.reads("""
        Unused time on Intro after 03 Jan 2025          -5.00
        Remaining time on 2 × Intro after 03 Jan 2025   10.00
        2 × Pro (at $20.00 / month)                     40.00
        Total 45.00                                     paid""")


def test_a_price_that_costs_something_ends_a_free_offer_at_once(world: World) -> None:
    world.at("2025-01-01")
    free, then = world.plan("Try", every="week", usd=0), world.plan("Pro", usd=20)
    anna = world.customer("anna")
    plan = anna.subscribes_to(taking(offer(world, free, then)))
    world.at("2025-01-04")
    plan.update(items=[{"id": item(plan, free)["id"], "price": then}])
    assert plan.status == "active" and plan.period == ("2025-01-04", "2025-02-04")
    assert [invoice.data["total"] for invoice in anna.invoices] == [0, 2000]
    world.at("2025-02-04 02:00")
    assert [invoice.data["total"] for invoice in anna.invoices] == [0, 2000, 2000]


def test_an_offer_may_be_added_and_put_on_an_item_that_is_there(world: World) -> None:
    world.at("2025-01-01")
    first, then = world.plan("Intro", every="week", usd=1), world.plan("Pro", usd=20)
    free, extra = world.plan("Try", every="day", usd=0), world.plan("Extra", usd=31)
    seat = world.plan("Seat", usd=31)
    anna = world.customer("anna")
    plan = anna.subscribes_to(seat)
    world.at("2025-01-11")
    offered = offer(world, first, then)
    added = world.post("/v1/subscription_items", subscription=plan.id, current_trial={"trial_offer": offered})
    assert added["price"]["id"] == first and added["current_trial"]["trial_offer"] == offered
    assert anna.last_invoice.data["total"] == 100 and plan.status == "active"
    plan.update(items=[taking(offer(world, free, extra, times=3))])
    assert len(anna.invoices) == 2
    world.at("2025-01-12")
    world.at("2025-01-14")
    world.at("2025-01-14 02:00")
    assert day(plan.now["billing_cycle_anchor"]) == "2025-01-14"
    assert anna.last_invoice.data["total"] == 3100 + 3100 - 1800
    world.at("2025-01-18 02:00")
    assert item(plan, then)["current_trial"] is None


def test_an_item_that_changes_into_a_free_offer_is_in_trial(world: World) -> None:
    world.at("2025-01-01")
    free, then = world.plan("Try", every="week", usd=0), world.plan("Pro", usd=62)
    seat = world.plan("Seat", usd=31)
    anna = world.customer("anna")
    plan = anna.subscribes_to(seat)
    world.at("2025-01-11")
    offered = offer(world, free, then)
    taken = world.post(
        f"/v1/subscription_items/{item(plan, seat)['id']}", current_trial={"trial_offer": offered}
    )
    assert taken["price"]["id"] == free and plan.status == "trialing"
    assert day(plan.now["trial_end"]) == "2025-01-18"
    world.at("2025-01-18 02:00")
    assert plan.status == "active"
    anna.last_invoice.reads("""
        Unused time on Seat after 11 Jan 2025   -21.00
        1 × Pro (at $62.00 / month)             62.00
        Total 41.00                             paid""")


def test_canceling_in_an_offer_gives_back_its_rest_and_a_planned_end_cuts_it(world: World) -> None:
    world.at("2025-01-01")
    first, then = world.plan("Intro", every="week", usd=7), world.plan("Pro", usd=20)
    offered = offer(world, first, then)
    anna, bob = world.customer("anna"), world.customer("bob")
    plan, other = anna.subscribes_to(taking(offered)), bob.subscribes_to(taking(offered))
    world.at("2025-01-03")
    plan.cancels(prorate=True, invoice_now=True)
    assert anna.last_invoice.data["total"] == -500
    other.update(cancel_at_period_end=True)
    world.at("2025-01-08 02:00")
    assert other.status == "canceled" and len(bob.invoices) == 1
    cut = bob.subscribes_to(taking(offered), cancel_at=world.seconds + 4 * 86400)
    assert bob.last_invoice.data["total"] == 400
    world.at("2025-01-13")
    assert cut.status == "canceled"


def test_a_first_price_that_is_not_paid_leaves_the_subscription_incomplete(world: World) -> None:
    world.at("2025-01-01")
    first, then = world.plan("Intro", every="week", usd=1), world.plan("Pro", usd=20)
    anna = world.customer("anna", card="declining")
    plan = anna.subscribes_to(taking(offer(world, first, then)))
    assert plan.status == "incomplete"
    world.at("2025-01-02")
    assert plan.status == "incomplete_expired"


def test_the_price_after_the_offer_that_is_not_paid_is_past_due(world: World) -> None:
    world.at("2025-01-01")
    first, then = world.plan("Intro", every="week", usd=1), world.plan("Pro", usd=20)
    anna = world.customer("anna")
    plan = anna.subscribes_to(taking(offer(world, first, then)))
    anna.pays_with("declining")
    world.at("2025-01-08 02:00")
    assert plan.status == "past_due" and plan.period == ("2025-01-08", "2025-02-08")


def test_an_offer_without_method_is_paused_where_that_is_wished_and_goes_on_at_its_price(
    world: World,
) -> None:
    world.at("2025-01-01")
    free, then = world.plan("Try", every="week", usd=0), world.plan("Pro", usd=20)
    anna = world.customer("anna", card=None)
    settings = {"end_behavior": {"missing_payment_method": "pause"}}
    plan = anna.subscribes_to(taking(offer(world, free, then)), trial_settings=settings)
    world.at("2025-01-08")
    assert plan.status == "paused" and item(plan, then)["current_trial"] is None
    anna.pays_with("visa")
    plan.world.post(f"/v1/subscriptions/{plan.id}/resume")
    world.at("2025-01-09")
    assert plan.status == "active" and anna.last_invoice.data["total"] == 2000


def test_measured_use_is_billed_at_the_price_of_its_time(world: World) -> None:
    world.at("2025-01-01")
    meter = world.meter("calls")
    first = world.metered("Intro calls", meter, cents="1", every="week")
    then = world.metered("Calls", meter, cents="10")
    anna = world.customer("anna")
    anna.subscribes_to(taking(offer(world, first, then)))
    anna.uses("calls", 100, "2025-01-01 00:00:00")
    world.at("2025-01-08 02:00")
    assert anna.last_invoice.data["total"] == 100
    anna.uses("calls", 100, "2025-01-08 01:00:00")
    world.at("2025-02-08 02:00")
    assert anna.last_invoice.data["total"] == 1000


def test_a_preview_of_an_offer_is_what_comes(world: World) -> None:
    world.at("2025-01-01")
    first, then = world.plan("Intro", every="week", usd=1), world.plan("Pro", usd=20)
    seat = world.plan("Seat", usd=31)
    items = [taking(offer(world, first, then)), {"price": seat}]
    anna = world.customer("anna")
    ahead = world.post("/v1/invoices/create_preview", customer=anna.id, subscription_details={"items": items})
    plan = anna.subscribes_to(*items)
    assert ahead["total"] == anna.last_invoice.data["total"] == 3200
    coming = world.post("/v1/invoices/create_preview", subscription=plan.id)
    world.at("2025-01-08")
    said = [
        [(line["description"], line["amount"]) for line in one["lines"]["data"]]
        for one in (coming, anna.last_invoice.data)
    ]
    assert said[0] == said[1] and len(said[0]) == 3


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"trial_period_days": 7}, "trial_period_days"),
    ({"trial_end": 1767225600}, "trial_end"),
    ({"trial_from_plan": True}, "trial_from_plan"),
    ({"backdate_start_date": 1704067200}, "backdate_start_date"),
    ({"billing_mode": {"type": "classic"}}, "items[0][current_trial]"),
]


def test_an_offer_is_refused_with_what_it_does_not_go_with(world: World) -> None:
    world.at("2025-01-01")
    first, then = world.plan("Intro", every="week", usd=1), world.plan("Pro", usd=20)
    offered, anna = offer(world, first, then), world.customer("anna")
    asked: dict[str, Any] = {"customer": anna.id, "items": [taking(offered)]}
    for more, param in REFUSALS:
        assert world.refused("/v1/subscriptions", **asked, **more)["param"] == param
    at = "items[0][current_trial][trial_offer]"
    unknown = world.refused("/v1/subscriptions", **{**asked, "items": [taking("to_1")]})
    assert (unknown["param"], unknown["code"]) == (at, "resource_missing")
    other = {**asked, "items": [taking(offered, price=world.plan("Other", usd=1))]}
    assert world.refused("/v1/subscriptions", **other)["param"] == "items[0][price]"
    twice = {**asked, "items": [taking(offered), {"price": then}]}
    assert world.refused("/v1/subscriptions", **twice)["param"] == "items"
    world.post(f"{OFFERS}/{offered}", active=False)
    assert world.refused("/v1/subscriptions", **asked)["param"] == at


def test_what_is_in_an_offer_cannot_be_paused_planned_or_put_in_trial(world: World) -> None:
    world.at("2025-01-01")
    first, then = world.plan("Intro", every="week", usd=1), world.plan("Pro", usd=20)
    offered, anna = offer(world, first, then), world.customer("anna")
    plan = anna.subscribes_to(taking(offered))
    world.post(f"{OFFERS}/{offered}", active=False)
    assert "trial offer" in world.refused(f"/v1/subscriptions/{plan.id}/pause")["message"]
    schedule = world.refused("/v1/subscription_schedules", from_subscription=plan.id)
    assert schedule["param"] == "from_subscription"
    ahead = world.seconds + 30 * 86400
    assert world.refused(f"/v1/subscriptions/{plan.id}", trial_end=ahead)["param"] == "trial_end"
    world.at("2025-01-08 02:00")
    assert item(plan, then)["current_trial"] is None
    world.post(f"/v1/subscriptions/{plan.id}/pause")


def test_offers_are_made_archived_and_listed(world: World) -> None:
    first, then = world.plan("Intro", every="week", usd=1), world.plan("Pro", usd=20)
    made = world.get(f"{OFFERS}/{offer(world, first, then)}", expand=["price"])
    assert made["id"].startswith("to_") and made["price"]["id"] == first
    assert made["end_behavior"] == {"transition": {"price": then}, "type": "transition"}
    gone = offer(world, world.plan("Other", usd=2), then)
    world.post(f"{OFFERS}/{gone}", active=False)
    assert [one["id"] for one in world.get(OFFERS, active=True)["data"]] == [made["id"]]
    assert [one["id"] for one in world.get(OFFERS, prices=[first])["data"]] == [made["id"]]
    assert len(world.get(OFFERS, created={"gte": 1})["data"]) == 2
    once, euro = world.once("Setup", usd=5), world.plan("Euro", eur=5)
    for form, param in (
        ({"price": once, "end_behavior": {"transition": {"price": then}}}, "price"),
        (
            {"price": first, "end_behavior": {"transition": {"price": euro}}},
            "end_behavior[transition][price]",
        ),
        ({"price": first, "end_behavior": {"transition": {"price": first}}}, "price"),
    ):
        duration = {"type": "relative", "relative": {"iterations": 1}}
        assert world.refused(OFFERS, duration=duration, **form)["param"] == param
    ends = {"transition": {"price": then}}
    missing = world.refused(OFFERS, price=first, duration={"type": "relative"}, end_behavior=ends)
    assert missing["param"] == "duration[relative]"


def test_an_item_takes_an_offer_without_proration_and_its_old_price_counts_until_then(world: World) -> None:
    world.at("2025-01-01")
    first, then = world.plan("Intro", every="week", usd=1), world.plan("Pro", usd=20)
    seat = world.plan("Seat", usd=31)
    anna = world.customer("anna")
    plan = anna.subscribes_to(seat)
    world.at("2025-01-11")
    took = taking(offer(world, first, then), id=item(plan, seat)["id"])
    plan.update(items=[took], proration_behavior="none")
    assert plan.period == ("2025-01-11", "2025-01-18")
    plan.update(items=[took], metadata={"again": "the same offer goes on"})
    world.at("2025-01-18 02:00")
    assert [invoice.data["total"] for invoice in anna.invoices] == [3100, 100, 2000]


def test_an_anchor_that_is_reset_by_hand_leaves_an_offer_alone(world: World) -> None:
    world.at("2025-01-01")
    first, then = world.plan("Intro", every="week", usd=1), world.plan("Pro", usd=20)
    seat = world.plan("Seat", usd=31)
    anna = world.customer("anna")
    plan = anna.subscribes_to(taking(offer(world, first, then)), seat)
    world.at("2025-01-04")
    plan.update(billing_cycle_anchor={"type": "now"}, proration_behavior="none")
    assert day(item(plan, first)["current_period_end"]) == "2025-01-08"
    assert day(item(plan, seat)["current_period_end"]) == "2025-02-04"
    assert anna.last_invoice.data["total"] == 3100
    world.at("2025-01-08 02:00")
    assert day(plan.now["billing_cycle_anchor"]) == "2025-01-08"


def test_an_offer_that_waits_for_its_payment_is_taken_when_it_is_paid(world: World) -> None:
    world.at("2025-01-01")
    first, then = world.plan("Intro", every="week", usd=1), world.plan("Pro", usd=20)
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Seat", usd=31))
    anna.pays_with("always 3DS")
    world.at("2025-01-11")
    plan.update(items=[taking(offer(world, first, then))], payment_behavior="pending_if_incomplete")
    assert len(plan.now["items"]["data"]) == 1 and plan.now["pending_update"]
    anna.pays_with("visa")
    anna.last_invoice.does("pay")
    world.at("2025-01-12")
    assert day(item(plan, first)["current_period_end"]) == "2025-01-18"
    world.at("2025-01-18 02:00")
    assert item(plan, then)["current_trial"] is None


def test_what_the_first_item_of_a_trial_costs_after_it_leaves_the_other_free(world: World) -> None:
    world.at("2025-01-01")
    week, month = world.plan("Try", every="week", usd=0), world.plan("Taste", usd=0)
    then, more = world.plan("Pro", usd=20), world.plan("Max", usd=30)
    anna = world.customer("anna")
    plan = anna.subscribes_to(taking(offer(world, week, then)), taking(offer(world, month, more)))
    assert plan.status == "trialing" and day(plan.now["trial_end"]) == "2025-01-08"
    world.at("2025-01-08 02:00")
    assert plan.status == "active" and anna.last_invoice.data["total"] == 2000
    assert day(item(plan, month)["current_period_end"]) == "2025-02-01"
    world.at("2025-02-01 02:00")
    unused = round(2000 * 7 / 31)
    assert anna.last_invoice.data["total"] == 2000 + 3000 - unused
    assert day(plan.now["billing_cycle_anchor"]) == "2025-02-01"


def test_other_entitlements_come_with_the_price_after_the_offer(world: World) -> None:
    world.at("2025-01-01")
    first, then = world.plan("Intro", every="week", usd=1), world.plan("Pro", usd=20)
    feature = world.post("/v1/entitlements/features", name="Sso", lookup_key="sso")["id"]
    product = world.get(f"/v1/prices/{then}")["product"]
    world.post(f"/v1/products/{product}/features", entitlement_feature=feature)
    anna = world.customer("anna")
    anna.subscribes_to(taking(offer(world, first, then)))
    assert world.get("/v1/entitlements/active_entitlements", customer=anna.id)["data"] == []
    world.forget()
    world.at("2025-01-08", expect=[*RENEWED[:1], ENTITLED, *RENEWED[1:]])
    assert len(world.get("/v1/entitlements/active_entitlements", customer=anna.id)["data"]) == 1


def test_a_note_on_a_free_offer_that_waits_for_its_extras_begins_no_trial(world: World) -> None:
    world.at("2025-01-01")
    free, then = world.plan("Try", every="week", usd=0), world.plan("Pro", usd=20)
    anna = world.customer("anna", card="declining")
    extras = [{"price": world.once("Setup", usd=5)}]
    plan = anna.subscribes_to(taking(offer(world, free, then)), add_invoice_items=extras)
    assert plan.status == "incomplete"
    plan.update(metadata={"a": "note"})
    assert plan.status == "incomplete"


def test_a_paid_offer_that_ends_without_a_method_is_canceled_where_that_is_wished(world: World) -> None:
    world.at("2025-01-01")
    first, then = world.plan("Intro", every="week", usd=1), world.plan("Pro", usd=20)
    anna = world.customer("anna", card=None)
    card = anna.pays_with("visa")
    settings = {"end_behavior": {"missing_payment_method": "cancel"}}
    plan = anna.subscribes_to(taking(offer(world, first, then, times=2)), trial_settings=settings)
    world.post(f"/v1/payment_methods/{card}/detach")
    world.at("2025-01-08 02:00")
    assert plan.status == "past_due"  # within the offer it is an invoice like any other
    world.at("2025-01-15")
    assert plan.status == "canceled" and len(anna.invoices) == 2
