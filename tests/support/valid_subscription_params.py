"""What is valid for the parameters of subscriptions, their items and their schedules: examples."""

import time
from collections.abc import Callable
from typing import Any

from tests.support.one_of_each import Maker, Sent

DAY = 86400
NOW = int(time.time())
SOON, LATER = str(NOW + 10 * DAY), str(NOW + 30 * DAY)
AGO = str(NOW - 10 * DAY)
FAR = 4102444800
"""When the schedules of the recipes begin."""
SUB, ITEM, PLANNED = "/v1/subscriptions", "/v1/subscription_items", "/v1/subscription_schedules"
CARD = {
    "mandate_options": {"amount": "5000", "amount_type": "maximum", "description": "As agreed"},
    "network": "visa",
    "request_three_d_secure": "any",
}
PAYMENT = {
    "payment_method_options": {"card": CARD},
    "payment_method_types": ["card"],
    "save_default_payment_method": "on_subscription",
}
UNTAXED = {"enabled": "false", "liability": {"type": "self"}}
TRANSFER = {"amount_percent": "12.5", "destination": "acct_1"}
Key = tuple[str, str]


# ------------------------------------------------------------------------------------- parts


def forever(maker: Maker) -> str:
    return str(maker.make("coupon", duration="forever")["id"])


def coded(maker: Maker) -> str:
    promotion = {"type": "coupon", "coupon": forever(maker)}
    return str(maker.make("promotion_code", promotion=promotion)["id"])


def both(maker: Maker) -> list[Sent]:
    return [{"coupon": forever(maker)}, {"promotion_code": coded(maker)}]


def rate(maker: Maker) -> str:
    return str(maker.make("tax_rate")["id"])


def once(maker: Maker) -> str:
    return str(maker.make("price", recurring=None)["id"])


def metered(maker: Maker, **more: Any) -> str:
    rhythm = {"interval": "month", "usage_type": "metered", "meter": maker.existing("billing.meter")}
    return str(maker.make("price", recurring=rhythm, **more)["id"])


def monthly(maker: Maker) -> Sent:
    """A price of one's own."""
    data = {"currency": "usd", "product": maker.existing("product"), "unit_amount_decimal": "312.5"}
    recurring = {"interval": "month", "interval_count": "2"}
    return {**data, "recurring": recurring, "tax_behavior": "inclusive"}


def plain(maker: Maker) -> Sent:
    """The same in whole cents, which may be sent instead of `unit_amount_decimal`."""
    data = {name: value for name, value in monthly(maker).items() if name != "unit_amount_decimal"}
    return {**data, "unit_amount": "300"}


def items(maker: Maker) -> list[Sent]:
    """An item in each form, with all that one can say."""
    said = {"discounts": both(maker), "metadata": {"key": "value"}, "quantity": "3"}
    return [
        {"price": maker.make("price")["id"], "tax_rates": [rate(maker)], **said},
        {"price": metered(maker), "billing_thresholds": {"usage_gte": "7"}},
        {"plan": maker.make("plan")["id"]},
        {"price_data": monthly(maker)},
        {"price_data": plain(maker)},
    ]


def begun(maker: Maker) -> list[Sent]:
    """As above, and one that begins with a trial offer."""
    return [*items(maker), {"current_trial": {"trial_offer": trial(maker)}}]


def trial(maker: Maker) -> str:
    """An offer of one price that goes over to another."""
    price, then = maker.make("price")["id"], maker.make("price")["id"]
    over = {"transition": {"price": then}}
    return str(maker.make("product_catalog.trial_offer", price=price, end_behavior=over)["id"])


def extras(maker: Maker, start: str = "now", **natural: Any) -> list[Sent]:
    """What is charged once, in each form: for a span by dates, and for one by names."""
    first, last = str(NOW - DAY), str(NOW + DAY)
    dates = {
        "start": {"type": "timestamp", "timestamp": first},
        "end": {"type": "timestamp", "timestamp": last},
    }
    names = {"start": {"type": start}, "end": {"type": natural.get("end", "min_item_period_end")}}
    made = {name: value for name, value in monthly(maker).items() if name != "recurring"}
    whole = {name: value for name, value in plain(maker).items() if name != "recurring"}
    said = {"metadata": {"key": "value"}, "quantity": "3", "tax_rates": [rate(maker)]}
    return [
        {"price": once(maker), "discounts": both(maker), "discountable": "true", "period": dates, **said},
        {"price_data": made, "discountable": "false", "period": names},
        {"price_data": whole},
    ]


def ahead(maker: Maker) -> list[Sent]:
    """One price is billed for three months, everything until a date before that."""
    price = maker.existing("price")
    return [
        {
            "applies_to": [{"type": "price", "price": price}],
            "bill_until": {"type": "duration", "duration": {"interval": "month", "interval_count": "3"}},
            "key": "first",
        },
        {"bill_until": {"type": "timestamp", "timestamp": str(NOW + 70 * DAY)}, "key": "second"},
    ]


def settings(maker: Maker) -> Sent:
    return {
        "account_tax_ids": [maker.make("tax_id", owner={"type": "self"})["id"]],
        "custom_fields": [{"name": "PO", "value": "7"}],
        "description": "As agreed",
        "footer": "Thanks",
        "issuer": {"type": "self"},
    }


def card(maker: Maker) -> str:
    """Another card of the customer who subscribes."""
    sent = {"type": "card", "card[token]": "tok_mastercard"}
    id = maker.request("/v1/payment_methods", sent)["id"]
    return str(
        maker.request(f"/v1/payment_methods/{id}/attach", {"customer": maker.existing("customer")})["id"]
    )


def terms(maker: Maker) -> Sent:
    """What a phase, or a schedule for all of them, says of the subscription."""
    return {
        "application_fee_percent": "12.5",
        "automatic_tax": UNTAXED,
        "billing_cycle_anchor": "phase_start",
        "billing_thresholds": {"amount_gte": "5000", "reset_billing_cycle_anchor": "false"},
        "collection_method": "send_invoice",
        "default_payment_method": card(maker),
        "description": "As agreed",
        "invoice_settings": {**settings(maker), "days_until_due": "14"},
        "on_behalf_of": "acct_1",
        "transfer_data": TRANSFER,
    }


def phases(maker: Maker) -> list[Sent]:
    """A phase with all that one can say, one in trial as a whole, and one with a part of it in trial."""
    first = {
        **terms(maker),
        "add_invoice_items": extras(maker, "phase_start", end="phase_end"),
        "currency": "usd",
        "default_tax_rates": [rate(maker)],
        "discounts": both(maker),
        "duration": {"interval": "month", "interval_count": "2"},
        "items": items(maker),
        "metadata": {"key": "value"},
        "proration_behavior": "none",
    }
    price = maker.make("price")["id"]
    whole = {"items": [{"price": price}], "trial": "true", "duration": {"interval": "week"}}
    end = FAR + 120 * DAY
    return [first, whole, {"items": [{"price": price}], "end_date": str(end), "trial_end": str(end - DAY)}]


def dated(maker: Maker) -> list[Sent]:
    """The phases of an update also say when the first begins."""
    first, *others = phases(maker)
    return [{**first, "start_date": str(FAR + DAY)}, *others]


def running_schedule(maker: Maker, **more: Any) -> str:
    """A schedule whose subscription runs."""
    named: Any = {"start_date": "now", **more}
    return str(maker.make("subscription_schedule", **named)["id"])


def subscription_since_ten_days(maker: Maker, **more: Any) -> str:
    """A subscription whose period began ten days ago, with what was sent for these days paid."""
    named: Any = {"backdate_start_date": AGO, "discounts": None, **more}
    return str(maker.make("subscription", **named)["id"])


def paused_subscription(maker: Maker, **more: Any) -> str:
    id = subscription_since_ten_days(maker, **more)
    maker.request(f"{SUB}/{id}/pause", {})
    return id


def kept(case: Any) -> list[Sent]:
    """A discount that is there already, and stays."""
    return [{"discount": case.api.get(case.path)["discounts"][0]}]


def several(maker: Maker) -> list[Sent]:
    """The items of a subscription that will be changed: one in all ways, one by price, one is taken off."""
    discounts = [{"coupon": forever(maker)}]
    return [
        {"price": maker.make("price")["id"], "discounts": discounts},
        {"plan": maker.make("plan")["id"]},
        {"price": metered(maker)},
    ]


def changes(case: Any) -> list[Sent]:
    first, second, third = case.api.get(case.path)["items"]["data"]
    kept = [{"discount": first["discounts"][0]}]
    added = begun(case.maker)
    return [
        {"id": first["id"], **added[0], "discounts": [*kept, *added[0]["discounts"]]},
        {"id": second["id"], **added[3]},
        {"id": third["id"], "deleted": "true", "clear_usage": "true"},
        *added[1:3],
        *added[4:],
    ]


def trialled(maker: Maker) -> list[Sent]:
    return [{"plan": maker.make("plan", trial_period_days="5")["id"]}]


def anew(maker: Maker) -> str:
    """Another customer, who has bought nothing yet."""
    return str(maker.make("customer")["id"])


def in_francs(maker: Maker) -> list[Sent]:
    return [{"price": maker.make("price", currency_options={"chf": {"unit_amount": "7"}})["id"]}]


# ------------------------------------------------------------------------------------- the tables

CANCELED = {"comment": "Too much", "feedback": "too_expensive"}
ANCHOR = {"day_of_month": "5", "hour": "1", "minute": "2", "month": "3", "second": "4"}
FLEXIBLE = {"flexible": {"proration_discounts": "itemized"}, "type": "flexible"}
BILL_FOR = {"outstanding_usage_through": {"type": "none"}, "unused_time_from": {"type": "none"}}

#: Of creation and of update the same.
SHARED: dict[str, Any] = {
    "add_invoice_items": lambda case: extras(case.maker),
    "automatic_tax": UNTAXED,
    "billing_schedules": lambda case: ahead(case.maker),
    "collection_method": "send_invoice",
    "default_payment_method": lambda case: card(case.maker),
    "default_source": lambda case: card(case.maker),
    "invoice_settings": lambda case: settings(case.maker),
    "payment_settings": PAYMENT,
    "pending_invoice_item_interval": {"interval": "week", "interval_count": "2"},
    "transfer_data": TRANSFER,
    "trial_from_plan": "true",
}
VALUES: dict[Key, Any] = {
    **{(path, name): value for path in (SUB, f"{SUB}/{{id}}") for name, value in SHARED.items()},
    (SUB, "backdate_start_date"): AGO,
    (SUB, "billing_cycle_anchor"): SOON,
    (SUB, "billing_cycle_anchor_config"): ANCHOR,
    (SUB, "billing_mode"): FLEXIBLE,
    (SUB, "cancel_at"): LATER,
    (SUB, "discounts"): lambda case: both(case.maker),
    (SUB, "items"): lambda case: begun(case.maker),
    (SUB, "trial_period_days"): "5",
    (f"{SUB}/{{id}}", "billing_cycle_anchor"): {"type": "now"},
    (f"{SUB}/{{id}}", "cancel_at_period_end"): "true",
    (f"{SUB}/{{id}}", "cancellation_details"): CANCELED,
    (f"{SUB}/{{id}}", "discounts"): lambda case: [*kept(case), *both(case.maker)],
    (f"{SUB}/{{id}}", "items"): lambda case: changes(case),
    (f"{SUB}/{{id}}", "proration_date"): str(NOW - 5 * DAY),
    (f"{SUB}/{{id}}/migrate", "billing_mode"): FLEXIBLE,
    (f"{SUB}/{{id}}/pause", "bill_for"): BILL_FOR,
    (f"{SUB}/{{id}}/resume", "billing_cycle_anchor"): {"type": "unchanged"},
    (f"{SUB}/{{id}}/resume", "proration_date"): SOON,
    (f"DELETE {SUB}/{{id}}", "cancellation_details"): CANCELED,
    (ITEM, "billing_thresholds"): {"usage_gte": "7"},
    (ITEM, "current_trial"): lambda case: {"trial_offer": trial(case.maker)},
    (ITEM, "discounts"): lambda case: both(case.maker),
    (ITEM, "price_data"): lambda case: monthly(case.maker),
    (ITEM, "proration_date"): str(NOW - 5 * DAY),
    (f"{ITEM}/{{id}}", "billing_thresholds"): {"usage_gte": "7"},
    (f"{ITEM}/{{id}}", "current_trial"): lambda case: {"trial_offer": trial(case.maker)},
    (f"{ITEM}/{{id}}", "discounts"): lambda case: [*kept(case), *both(case.maker)],
    (f"{ITEM}/{{id}}", "price_data"): lambda case: monthly(case.maker),
    (f"{ITEM}/{{id}}", "proration_date"): str(NOW - 5 * DAY),
    (f"DELETE {ITEM}/{{id}}", "proration_date"): str(NOW - 5 * DAY),
    (PLANNED, "billing_mode"): FLEXIBLE,
    (PLANNED, "default_settings"): lambda case: terms(case.maker),
    (PLANNED, "from_subscription"): lambda case: case.maker.make("subscription")["id"],
    (PLANNED, "phases"): lambda case: phases(case.maker),
    (PLANNED, "start_date"): str(FAR - DAY),
    (f"{PLANNED}/{{id}}", "default_settings"): lambda case: terms(case.maker),
    (f"{PLANNED}/{{id}}", "end_behavior"): "cancel",
    (f"{PLANNED}/{{id}}", "phases"): lambda case: dated(case.maker),
}
#: Further examples: what cannot be said together with the others.
ALSO: dict[Key, Any] = {
    (ITEM, "price_data"): lambda case: plain(case.maker),
    (f"{ITEM}/{{id}}", "price_data"): lambda case: plain(case.maker),
}
#: What else is sent; functions of the maker are asked.
WITH: dict[Key, dict[str, Any]] = {
    (SUB, "collection_method"): {"days_until_due": "14"},
    (SUB, "currency"): {"customer": anew, "items": in_francs, "discounts": None},
    (SUB, "days_until_due"): {"collection_method": "send_invoice"},
    (SUB, "items"): {"discounts": None},
    (SUB, "trial_from_plan"): {"items": trialled},
    (f"{SUB}/{{id}}", "collection_method"): {"days_until_due": "14"},
    (f"{SUB}/{{id}}", "days_until_due"): {"collection_method": "send_invoice"},
    (ITEM, "billing_thresholds"): {"price": metered},
    (ITEM, "current_trial"): {"price": None},
    (ITEM, "plan"): {"price": None},
    (ITEM, "price_data"): {"price": None},
    (PLANNED, "from_subscription"): {"customer": None, "phases": None, "start_date": None},
}
MADE_WITH: dict[Key, dict[str, Any]] = {
    (f"{SUB}/{{id}}", "discounts"): {"discounts": lambda maker: [{"coupon": forever(maker)}]},
    (f"{SUB}/{{id}}", "items"): {"discounts": None, "items": several},
    (f"{SUB}/{{id}}", "trial_from_plan"): {"items": trialled},
    (f"{ITEM}/{{id}}", "billing_thresholds"): {"price": metered},
    (f"{ITEM}/{{id}}", "discounts"): {"discounts": lambda maker: [{"coupon": forever(maker)}]},
}
#: Operations that are no creation and no update: where they go.
ELSEWHERE: dict[str, Callable[[Maker], tuple[str, Sent]]] = {
    f"{SUB}/{{id}}/migrate": lambda maker: (
        f"{SUB}/{maker.make('subscription', billing_mode={'type': 'classic'})['id']}/migrate",
        {},
    ),
    f"{SUB}/{{id}}/pause": lambda maker: (f"{SUB}/{subscription_since_ten_days(maker)}/pause", {}),
    f"{SUB}/{{id}}/resume": lambda maker: (f"{SUB}/{paused_subscription(maker)}/resume", {}),
    f"DELETE {SUB}/{{id}}": lambda maker: (f"{SUB}/{subscription_since_ten_days(maker)}", {}),
    f"DELETE {ITEM}/{{id}}": lambda maker: (f"{ITEM}/{maker.make('subscription_item')['id']}", {}),
    f"{PLANNED}/{{id}}/cancel": lambda maker: (f"{PLANNED}/{running_schedule(maker)}/cancel", {}),
    f"{PLANNED}/{{id}}/release": lambda maker: (f"{PLANNED}/{running_schedule(maker)}/release", {}),
}
