"""Check parameters of subscriptions that are shown nowhere by their effects."""

from collections.abc import Callable
from typing import Any

from tests.conftest import Reply
from tests.support.one_of_each import Maker, Sent, form
from tests.support.valid_subscription_params import (
    DAY,
    ITEM,
    NOW,
    PLANNED,
    SOON,
    SUB,
    metered_price,
    paused_subscription,
    running_schedule,
    subscription_since_ten_days,
)

Rule = Callable[[Any], bool]
BAD, STRICT = "pm_card_chargeCustomerFail", "pm_card_authenticationRequired"


# ------------------------------------------------------------------------------------- the state afterwards


def subscription(maker: Maker, id: str) -> Reply:
    return maker.api.get(f"{SUB}/{id}")


def pending_items(maker: Maker, id: str) -> list[Any]:
    """List the pending invoice items of a subscription."""
    found = maker.api.get("/v1/invoiceitems", {"pending": "true", "limit": 100})["data"]
    return [one for one in found if one["parent"]["subscription_details"]["subscription"] == id]


def latest_invoice(maker: Maker, id: str) -> Reply:
    """Return the latest invoice of a subscription."""
    return maker.api.get(f"/v1/invoices/{subscription(maker, id)['latest_invoice']}")


def intent(maker: Maker, id: str) -> Reply:
    """Return the payment intent of the latest invoice of a subscription."""
    [payment] = maker.api.get("/v1/invoice_payments", {"invoice": latest_invoice(maker, id)["id"]})["data"]
    return maker.api.get(f"/v1/payment_intents/{payment['payment']['payment_intent']}")


def customer(maker: Maker, card: str = "pm_card_visa") -> str:
    paying = {"payment_method": card, "invoice_settings": {"default_payment_method": card}}
    return str(maker.make("customer", **paying)["id"])


def pays_with(maker: Maker, id: str, card: str) -> None:
    """Make another card the default of a subscription's customer."""
    owner = subscription(maker, id)["customer"]
    method = maker.request(f"/v1/payment_methods/{card}/attach", {"customer": owner})["id"]
    maker.request(f"/v1/customers/{owner}", {"invoice_settings[default_payment_method]": method})


# ------------------------------------------------------------------------------------- a creation


def create_with_card(case: Any, card: str, **more: Any) -> Reply:
    """Create a subscription of a customer with this card and these params."""
    owner = customer(case.maker, card)
    sent = {"customer": owner, "items[0][price]": case.maker.existing("price")}
    return case.maker.send(SUB, {**sent, **more})


def paid_for(case: Any) -> bool:
    """A payment is charged at once, left open, or refused with the creation."""
    behaviors = [
        ("pm_card_visa", "allow_incomplete"),
        (BAD, "allow_incomplete"),
        ("pm_card_visa", "default_incomplete"),
        (BAD, "error_if_incomplete"),
        ("pm_card_visa", "pending_if_incomplete"),
    ]
    answers = [create_with_card(case, card, payment_behavior=behavior) for card, behavior in behaviors]
    found = [
        answer.get("status") or answer["error"]["param" if answer.status == 400 else "code"]
        for answer in answers
    ]
    return found == ["active", "incomplete", "incomplete", "card_declined", case.name]


def present(case: Any) -> bool:
    """A customer that is present can authenticate a payment; off session it is declined."""
    answers = [create_with_card(case, STRICT, off_session=said) for said in ("true", "false")]
    found = [intent(case.maker, answer["id"])["status"] for answer in answers]
    return found == ["requires_payment_method", "requires_action"]


def first_period_prorated(case: Any) -> bool:
    """The days until the anchor are billed, or free."""
    sent = {**case.base, "billing_cycle_anchor": SOON}
    answers = [case.maker.request(SUB, {**sent, case.name: said}) for said in ("none", "create_prorations")]
    found = [answer["latest_invoice"] for answer in answers]
    return found[0] is None and found[1] is not None


# ------------------------------------------------------------------------------------- a change


def subscription_to_change(case: Any) -> tuple[str, str]:
    """Create a subscription whose period started ten days ago; return it and its second item."""
    prices = [{"price": case.maker.make("price")["id"]} for _ in "12"]
    id = subscription_since_ten_days(case.maker, customer=customer(case.maker), items=prices)
    return id, subscription(case.maker, id)["items"]["data"][1]["id"]


def request_change(case: Any, id: str, item: str, **more: Any) -> Reply:
    """Send the operation of the case: a higher quantity, another item, or one item less."""
    forms: dict[str, tuple[str, Sent, str]] = {
        f"{SUB}/{{id}}": (f"{SUB}/{id}", {"items[0][id]": item, "items[0][quantity]": "3"}, "POST"),
        ITEM: (ITEM, {"subscription": id, "price": case.maker.make("price")["id"]}, "POST"),
        f"{ITEM}/{{id}}": (f"{ITEM}/{item}", {"quantity": "3"}, "POST"),
        f"DELETE {ITEM}/{{id}}": (f"{ITEM}/{item}", {}, "DELETE"),
    }
    path, sent, method = forms[case.key[0]]
    return case.maker.send(path, {**sent, **more}, method)


def outcome(case: Any, card: str, **more: Any) -> tuple[int, str, bool, bool]:
    """Send a change that is charged at once.

    Return the status of the answer and of the subscription, whether it was changed, and whether the change is
    pending.
    """
    id, item = subscription_to_change(case)
    before = quantities(case, id)
    pays_with(case.maker, id, card)
    owner = subscription(case.maker, id)["customer"]
    owes = {"customer": owner, "subscription": id, "amount": "9000", "currency": "usd"}
    case.maker.request("/v1/invoiceitems", owes)
    answer = request_change(case, id, item, proration_behavior="always_invoice", **more)
    now = subscription(case.maker, id)
    return answer.status, now["status"], quantities(case, id) != before, now["pending_update"] is not None


def quantities(case: Any, id: str) -> list[Any]:
    return [one["quantity"] for one in subscription(case.maker, id)["items"]["data"]]


def collected(case: Any) -> bool:
    """A change is charged, and past due if that fails; left open; pending until it is paid; or refused."""
    found = [
        outcome(case, card, payment_behavior=behavior)
        for card, behavior in (
            ("pm_card_visa", "allow_incomplete"),
            (BAD, "allow_incomplete"),
            ("pm_card_visa", "default_incomplete"),
            (BAD, "pending_if_incomplete"),
            (BAD, "error_if_incomplete"),
        )
    ]
    return found == [
        (200, "active", True, False),
        (200, "past_due", True, False),
        (200, "past_due", True, False),
        (200, "active", False, True),
        (402, "active", False, False),
    ]


def attended(case: Any) -> bool:
    """Like `present`, for the payment of a change."""
    found = []
    for said in ("true", "false"):
        id, item = subscription_to_change(case)
        pays_with(case.maker, id, STRICT)
        request_change(case, id, item, proration_behavior="always_invoice", off_session=said)
        found.append(intent(case.maker, id)["status"])
    return found == ["requires_payment_method", "requires_action"]


def prorated(case: Any) -> bool:
    """No proration, a pending invoice item, or an invoice at once."""
    found = []
    for said in ("none", "create_prorations", "always_invoice"):
        id, item = subscription_to_change(case)
        before = latest_invoice(case.maker, id)["id"]
        assert request_change(case, id, item, proration_behavior=said).status == 200
        found.append((bool(pending_items(case.maker, id)), latest_invoice(case.maker, id)["id"] != before))
    return found == [(False, False), (True, False), (False, True)]


def counted_from(case: Any) -> bool:
    """Prorations start at the date that was sent."""
    id, item = subscription_to_change(case)
    assert request_change(case, id, item, proration_date=case.value).status == 200
    found = pending_items(case.maker, id)
    return bool(found) and all(one["period"]["start"] == int(case.value) for one in found)


def anchored(case: Any) -> bool:
    """A new period starts, or that of ten days ago continues."""
    found = []
    for said in ("now", "unchanged"):
        id = subscription_since_ten_days(case.maker)
        before = subscription(case.maker, id)["billing_cycle_anchor"]
        now = case.maker.request(f"{SUB}/{id}", {f"{case.name}[type]": said})["billing_cycle_anchor"]
        found.append(now - before >= 10 * DAY)
    return found == [True, False]


def clears_usage(case: Any) -> bool:
    """The usage of a deleted item is billed at the end, or cleared."""
    return [usage_billed_at_end(case, said) for said in ("false", "true")] == [700 * 4, 0]


def report_usage(maker: Maker, owner: str) -> None:
    """Report a usage of four, a minute ago."""
    event = maker.api.get(f"/v1/billing/meters/{maker.existing('billing.meter')}")["event_name"]
    payload = {"payload[stripe_customer_id]": owner, "payload[value]": "4"}
    maker.request("/v1/billing/meter_events", {"event_name": event, "timestamp": str(NOW - 60), **payload})


def usage_billed_at_end(case: Any, said: str) -> int:
    maker, owner = case.maker, customer(case.maker)
    prices = [{"price": maker.make("price")["id"]}, {"price": metered_price(maker)}]
    id = subscription_since_ten_days(maker, customer=owner, items=prices)
    report_usage(maker, owner)
    item = subscription(maker, id)["items"]["data"][1]["id"]
    maker.request(f"{ITEM}/{item}", {case.name: said}, "DELETE")
    maker.request(f"{SUB}/{id}", {"invoice_now": "true"}, "DELETE")
    lines = maker.api.get(f"/v1/invoices/{latest_invoice(maker, id)['id']}/lines")["data"]
    return sum(line["amount"] for line in lines if line["quantity"] == 4)


# ------------------------------------------------------------------------------------- an end


def end_result(maker: Maker, path: str, id: str, method: str = "DELETE", **more: str) -> tuple[bool, int]:
    """Send a cancellation; return whether it is invoiced at once, and the total invoiced or pending."""
    before = subscription(maker, id)["latest_invoice"]
    maker.request(path, more, method)
    if subscription(maker, id)["latest_invoice"] != before:
        return True, int(latest_invoice(maker, id)["subtotal"])
    return False, sum(one["amount"] for one in pending_items(maker, id))


def invoiced(case: Any) -> bool:
    """Pending items are invoiced at once, or stay pending."""
    found = []
    for said in ("true", "false"):
        id = subscription_since_ten_days(case.maker)
        owner = {"customer": subscription(case.maker, id)["customer"], "subscription": id}
        case.maker.request("/v1/invoiceitems", {**owner, "amount": "100", "currency": "usd"})
        found.append(end_result(case.maker, f"{SUB}/{id}", id, invoice_now=said))
    return found == [(True, 100), (False, 100)]


def credited(case: Any) -> bool:
    found = []
    for said in ("true", "false"):
        id = subscription_since_ten_days(case.maker)
        found.append(end_result(case.maker, f"{SUB}/{id}", id, prorate=said)[1])
    return found[0] < 0 and found[1] == 0


def explained(case: Any) -> bool:
    details = case.done()["cancellation_details"]
    return all(details[name] == case.value[name] for name in ("comment", "feedback", "feedback_option"))


def cancel_schedule(case: Any, **more: str) -> tuple[bool, int]:
    schedule = running_schedule(case.maker)
    id = case.api.get(f"{PLANNED}/{schedule}")["subscription"]
    case.maker.request(f"/v1/invoices/{latest_invoice(case.maker, id)['id']}/pay", {})
    return end_result(case.maker, f"{PLANNED}/{schedule}/cancel", id, "POST", **more)


def canceled_and_invoiced(case: Any) -> bool:
    found = [cancel_schedule(case, invoice_now=said) for said in ("true", "false")]
    return [at_once for at_once, _ in found] == [True, False] and all(amount < 0 for _, amount in found)


def canceled_and_credited(case: Any) -> bool:
    found = [cancel_schedule(case, prorate=said)[1] for said in ("true", "false")]
    return found[0] < 0 and found[1] == 0


def keeps_its_end(case: Any) -> bool:
    """The `cancel_at` that a schedule planned is kept or removed when it is released."""
    found = []
    for said in ("true", "false"):
        schedule = running_schedule(case.maker, end_behavior="cancel")
        id = case.api.get(f"{PLANNED}/{schedule}")["subscription"]
        before = subscription(case.maker, id)["cancel_at"]
        case.maker.request(f"{PLANNED}/{schedule}/release", {case.name: said})
        found.append(subscription(case.maker, id)["cancel_at"] == before)
    return found == [True, False]


# ------------------------------------------------------------------------------------- a pause


def pause_result(case: Any, price: str, with_usage: bool = False, **sent: str) -> tuple[bool, int]:
    """Pause a subscription of ten days; return whether it is invoiced, and the total."""
    owner = customer(case.maker)
    id = subscription_since_ten_days(case.maker, customer=owner, items=[{"price": price}])
    if with_usage:
        report_usage(case.maker, owner)
    return end_result(case.maker, f"{SUB}/{id}/pause", id, "POST", invoicing_behavior="invoice", **sent)


def settled_for(case: Any) -> bool:
    """Unused time is credited from now, from the start of the period, or not; usage is billed, or not."""
    at = f"{case.name}[unused_time_from][type]"
    price = case.maker.existing("price")
    now, whole, nothing = (
        pause_result(case, price, **{at: said})[1] for said in ("now", "item_current_period_start", "none")
    )
    at, price = f"{case.name}[outstanding_usage_through][type]", metered_price(case.maker)
    used, unused = (pause_result(case, price, with_usage=True, **{at: said})[1] for said in ("now", "none"))
    return whole == -700 < now < nothing == 0 and (used, unused) == (2800, 0)


def invoiced_at_once(case: Any) -> bool:
    found = []
    for said in ("invoice", "pending_invoice_item"):
        id = subscription_since_ten_days(case.maker)
        found.append(end_result(case.maker, f"{SUB}/{id}/pause", id, "POST", **{case.name: said})[0])
    return found == [True, False]


def pauses_all(case: Any) -> bool:
    refused = case.maker.send(case.path, {case.name: "collection"})
    return (refused.status, case.done()["status"]) == (400, "paused")


# ------------------------------------------------------------------------------------- a resumption


def resumed(case: Any, **sent: str) -> Reply:
    return case.maker.request(f"{SUB}/{paused_subscription(case.maker)}/resume", sent)


def goes_on(case: Any) -> bool:
    """A new period starts, or that of ten days ago continues."""
    found = [resumed(case, **{f"{case.name}[type]": said}) for said in ("now", "unchanged")]
    return [one["billing_cycle_anchor"] - one["start_date"] >= 10 * DAY for one in found] == [True, False]


def resumed_when_paid(case: Any) -> bool:
    """A subscription resumes with the attempt to charge, or only with the payment."""
    found = []
    for said in ("resume_on_payment_attempt", "resume_on_payment_success"):
        id = paused_subscription(case.maker, customer=customer(case.maker))
        for one in pending_items(case.maker, id):  # the credit of the pause would pay a part
            case.maker.request(f"/v1/invoiceitems/{one['id']}", {}, "DELETE")
        pays_with(case.maker, id, BAD)
        found.append(case.maker.request(f"{SUB}/{id}/resume", {case.name: said})["status"])
    return found[0] != "paused" and found[1] == "paused"


def resumed_prorated(case: Any) -> bool:
    """No proration, a pending invoice item, or an invoice at once."""
    found = []
    for said in ("none", "create_prorations", "always_invoice"):
        id = paused_subscription(case.maker)
        was, before = len(pending_items(case.maker, id)), latest_invoice(case.maker, id)["id"]
        case.maker.request(f"{SUB}/{id}/resume", {"billing_cycle_anchor[type]": "unchanged", case.name: said})
        found.append(
            (len(pending_items(case.maker, id)) - was, latest_invoice(case.maker, id)["id"] != before)
        )
    return found == [(0, False), (1, False), (-1, True)]


def resumed_from(case: Any) -> bool:
    answer = resumed(case, **{"billing_cycle_anchor[type]": "unchanged", case.name: case.value})
    charged = [one for one in pending_items(case.maker, answer["id"]) if one["amount"] > 0]
    return [one["period"]["start"] for one in charged] == [int(case.value)]


# ------------------------------------------------------------------------------------- a plan


def replanned(case: Any) -> bool:
    """A change of the current phase: no proration, a pending invoice item, or an invoice at once."""
    found = []
    for said in ("none", "create_prorations", "always_invoice"):
        schedule = running_schedule(case.maker)
        shown = case.api.get(f"{PLANNED}/{schedule}")
        id, [phase] = shown["subscription"], shown["phases"]
        before = latest_invoice(case.maker, id)["id"]
        dates = {name: str(phase[name]) for name in ("start_date", "end_date")}
        item = {"price": phase["items"][0]["price"], "quantity": "3"}
        case.maker.request(
            f"{PLANNED}/{schedule}", {**form([{**dates, "items": [item]}], "phases"), case.name: said}
        )
        found.append((bool(pending_items(case.maker, id)), latest_invoice(case.maker, id)["id"] != before))
    return found == [(False, False), (True, False), (False, True)]


CHANGES = (f"{SUB}/{{id}}", ITEM, f"{ITEM}/{{id}}", f"DELETE {ITEM}/{{id}}")
OF_CHANGES: dict[str, Rule] = {
    "payment_behavior": collected,
    "proration_behavior": prorated,
    "proration_date": counted_from,
}
RULES: dict[tuple[str, str], Rule] = {
    **{(path, name): rule for path in CHANGES for name, rule in OF_CHANGES.items()},
    **{(path, "off_session"): attended for path in CHANGES[:-1]},
    (SUB, "off_session"): present,
    (SUB, "payment_behavior"): paid_for,
    (SUB, "proration_behavior"): first_period_prorated,
    (f"{SUB}/{{id}}", "billing_cycle_anchor"): anchored,
    (f"{SUB}/{{id}}/pause", "bill_for"): settled_for,
    (f"{SUB}/{{id}}/pause", "invoicing_behavior"): invoiced_at_once,
    (f"{SUB}/{{id}}/pause", "type"): pauses_all,
    (f"{SUB}/{{id}}/resume", "billing_cycle_anchor"): goes_on,
    (f"{SUB}/{{id}}/resume", "payment_behavior"): resumed_when_paid,
    (f"{SUB}/{{id}}/resume", "proration_behavior"): resumed_prorated,
    (f"{SUB}/{{id}}/resume", "proration_date"): resumed_from,
    (f"DELETE {SUB}/{{id}}", "cancellation_details"): explained,
    (f"DELETE {SUB}/{{id}}", "invoice_now"): invoiced,
    (f"DELETE {SUB}/{{id}}", "prorate"): credited,
    (f"DELETE {ITEM}/{{id}}", "clear_usage"): clears_usage,
    (f"{PLANNED}/{{id}}", "proration_behavior"): replanned,
    (f"{PLANNED}/{{id}}/cancel", "invoice_now"): canceled_and_invoiced,
    (f"{PLANNED}/{{id}}/cancel", "prorate"): canceled_and_credited,
    (f"{PLANNED}/{{id}}/release", "preserve_cancel_date"): keeps_its_end,
}
