"""Valid examples of the parameters of subscriptions, their items and their schedules."""

import time
from collections.abc import Callable
from typing import Any

from tests.support.one_of_each import Maker, Sent

DAY = 86400
NOW = int(time.time())
SOON, LATER = str(NOW + 10 * DAY), str(NOW + 30 * DAY)
AGO = str(NOW - 10 * DAY)
FAR = 4102444800
"""The start of the schedules that the recipes create."""
SUB, ITEM, PLANNED = "/v1/subscriptions", "/v1/subscription_items", "/v1/subscription_schedules"
CARD = {
    "mandate_options": {"amount": "5000", "amount_type": "maximum", "description": "As agreed"},
    "network": "visa",
    "request_three_d_secure": "any",
}
OPTIONS = {
    "acss_debit": {
        "mandate_options": {"transaction_type": "business"}, "verification_method": "microdeposits",
    },
    "bancontact": {"preferred_language": "nl"},
    "billie": {
        "company_details": {
            "registered_address": {
                "city": "Bern", "country": "CH", "line1": "Gasse 1", "line2": "Hof", "postal_code": "3000",
                "state": "BE",
            },
            "registered_name": "Ann AG", "registration_number": "7", "registration_type": "ch_ein",
            "vat": "CHE-1",
        },
    },
    "blik": {"mandate_options": {"expires_at": str(FAR)}},
    "card": CARD,
    "customer_balance": {
        "bank_transfer": {"eu_bank_transfer": {"country": "DE"}, "type": "eu_bank_transfer"},
        "funding_type": "bank_transfer",
    },
    "konbini": {},
    "payto": {"mandate_options": {"amount": "7", "purpose": "utility"}},
    "pix": {
        "expires_after_seconds": "60",
        "mandate_options": {
            "amount": "7", "amount_includes_iof": "always", "end_date": "2099-12-31",
            "payment_schedule": "yearly",
        },
    },
    "sepa_debit": {},
    "upi": {
        "mandate_options": {
            "amount": "7", "amount_type": "fixed", "description": "As agreed", "end_date": str(FAR),
        },
    },
    "us_bank_account": {
        "financial_connections": {
            "filters": {"account_subcategories": ["checking"]}, "permissions": ["balances"],
            "prefetch": ["balances"],
        },
        "verification_method": "microdeposits",
    },
}  # fmt: skip
"""Of two types nothing can be said; a form can only reset them."""
PAYMENT = {
    "payment_method_options": OPTIONS,
    "payment_method_types": ["card"],
    "save_default_payment_method": "on_subscription",
}
UNTAXED = {"enabled": "false", "liability": {"type": "self"}}
Key = tuple[str, str]


# ------------------------------------------------------------------------------------- parts


def transfer(maker: Maker) -> Sent:
    return {"amount_percent": "12.5", "destination": maker.existing("account")}


def coupon(maker: Maker) -> str:
    return str(maker.make("coupon", duration="forever")["id"])


def promotion_code(maker: Maker) -> str:
    promotion = {"type": "coupon", "coupon": coupon(maker)}
    return str(maker.make("promotion_code", promotion=promotion)["id"])


def coupon_and_promotion_code(maker: Maker) -> list[Sent]:
    return [{"coupon": coupon(maker)}, {"promotion_code": promotion_code(maker)}]


def tax_rate(maker: Maker) -> str:
    return str(maker.make("tax_rate")["id"])


def one_time_price(maker: Maker) -> str:
    return str(maker.make("price", recurring=None)["id"])


def metered_price(maker: Maker, **more: Any) -> str:
    rhythm = {"interval": "month", "usage_type": "metered", "meter": maker.existing("billing.meter")}
    return str(maker.make("price", recurring=rhythm, **more)["id"])


def price_data(maker: Maker) -> Sent:
    """`price_data` with an amount in fractions of a cent."""
    data = {"currency": "usd", "product": maker.existing("product"), "unit_amount_decimal": "312.5"}
    recurring = {"interval": "month", "interval_count": "2"}
    return {**data, "recurring": recurring, "tax_behavior": "inclusive"}


def price_data_in_cents(maker: Maker) -> Sent:
    """`price_data` with `unit_amount` instead of `unit_amount_decimal`."""
    data = {name: value for name, value in price_data(maker).items() if name != "unit_amount_decimal"}
    return {**data, "unit_amount": "300"}


def items(maker: Maker) -> list[Sent]:
    """An item in each form, with every parameter."""
    said = {"discounts": coupon_and_promotion_code(maker), "metadata": {"key": "value"}, "quantity": "3"}
    return [
        {"price": maker.make("price")["id"], "tax_rates": [tax_rate(maker)], **said},
        {"price": metered_price(maker), "billing_thresholds": {"usage_gte": "7"}},
        {"plan": maker.make("plan")["id"]},
        {"price_data": price_data(maker)},
        {"price_data": price_data_in_cents(maker)},
    ]


def items_and_trial(maker: Maker) -> list[Sent]:
    """An item in each form, and one with a trial offer."""
    return [*items(maker), {"current_trial": {"trial_offer": trial_offer(maker)}}]


def trial_offer(maker: Maker) -> str:
    """Create a trial offer of one price, which changes to another."""
    price, then = maker.make("price")["id"], maker.make("price")["id"]
    over = {"transition": {"price": then}}
    return str(maker.make("product_catalog.trial_offer", price=price, end_behavior=over)["id"])


def one_time_items(maker: Maker, start: str = "now", **natural: Any) -> list[Sent]:
    """A one-time item in each form: with a period by dates, by names, and without one."""
    first, last = str(NOW - DAY), str(NOW + DAY)
    dates = {
        "start": {"type": "timestamp", "timestamp": first},
        "end": {"type": "timestamp", "timestamp": last},
    }
    names = {"start": {"type": start}, "end": {"type": natural.get("end", "min_item_period_end")}}
    made = {name: value for name, value in price_data(maker).items() if name != "recurring"}
    whole = {name: value for name, value in price_data_in_cents(maker).items() if name != "recurring"}
    said = {"metadata": {"key": "value"}, "quantity": "3", "tax_rates": [tax_rate(maker)]}
    return [
        {
            "price": one_time_price(maker),
            "discounts": coupon_and_promotion_code(maker),
            "discountable": "true",
            "period": dates,
            **said,
        },
        {"price_data": made, "discountable": "false", "period": names},
        {"price_data": whole},
    ]


def billing_schedules(maker: Maker) -> list[Sent]:
    """One price billed for three months ahead, and everything until an earlier date."""
    price = maker.existing("price")
    return [
        {
            "applies_to": [{"type": "price", "price": price}],
            "bill_until": {"type": "duration", "duration": {"interval": "month", "interval_count": "3"}},
            "key": "first",
        },
        {"bill_until": {"type": "timestamp", "timestamp": str(NOW + 70 * DAY)}, "key": "second"},
    ]


def invoice_settings(maker: Maker) -> Sent:
    return {
        "account_tax_ids": [maker.make("tax_id", owner={"type": "self"})["id"]],
        "custom_fields": [{"name": "PO", "value": "7"}],
        "description": "As agreed",
        "footer": "Thanks",
        "issuer": {"type": "self"},
    }


def another_card(maker: Maker) -> str:
    """Attach another card to the customer of the subscription."""
    sent = {"type": "card", "card[token]": "tok_mastercard"}
    id = maker.request("/v1/payment_methods", sent)["id"]
    return str(
        maker.request(f"/v1/payment_methods/{id}/attach", {"customer": maker.existing("customer")})["id"]
    )


def phase_settings(maker: Maker) -> Sent:
    """The settings that a phase, or a schedule for all phases, has for the subscription."""
    return {
        "application_fee_percent": "12.5",
        "automatic_tax": UNTAXED,
        "billing_cycle_anchor": "phase_start",
        "billing_thresholds": {"amount_gte": "5000", "reset_billing_cycle_anchor": "false"},
        "collection_method": "send_invoice",
        "default_payment_method": another_card(maker),
        "description": "As agreed",
        "invoice_settings": {**invoice_settings(maker), "days_until_due": "14"},
        "on_behalf_of": maker.existing("account"),
        "transfer_data": transfer(maker),
    }


def phases(maker: Maker) -> list[Sent]:
    """A phase with every parameter, one that is a trial as a whole, and one that is partly a trial."""
    first = {
        **phase_settings(maker),
        "add_invoice_items": one_time_items(maker, "phase_start", end="phase_end"),
        "currency": "usd",
        "default_tax_rates": [tax_rate(maker)],
        "discounts": coupon_and_promotion_code(maker),
        "duration": {"interval": "month", "interval_count": "2"},
        "items": items(maker),
        "metadata": {"key": "value"},
        "proration_behavior": "none",
    }
    price = maker.make("price")["id"]
    whole = {"items": [{"price": price}], "trial": "true", "duration": {"interval": "week"}}
    end = FAR + 120 * DAY
    return [first, whole, {"items": [{"price": price}], "end_date": str(end), "trial_end": str(end - DAY)}]


def phases_of_update(maker: Maker) -> list[Sent]:
    """The phases of an update, of which the first has a start."""
    first, *others = phases(maker)
    return [{**first, "start_date": str(FAR + DAY)}, *others]


def running_schedule(maker: Maker, **more: Any) -> str:
    """Create a schedule that starts now, with a running subscription."""
    named: Any = {"start_date": "now", **more}
    return str(maker.make("subscription_schedule", **named)["id"])


def subscription_since_ten_days(maker: Maker, **more: Any) -> str:
    """Create a subscription whose period started ten days ago, and is paid."""
    named: Any = {"backdate_start_date": AGO, "discounts": None, **more}
    return str(maker.make("subscription", **named)["id"])


def paused_subscription(maker: Maker, **more: Any) -> str:
    id = subscription_since_ten_days(maker, **more)
    maker.request(f"{SUB}/{id}/pause", {})
    return id


def existing_discount(case: Any) -> list[Sent]:
    """A discount that the subscription has, and keeps."""
    return [{"discount": case.api.get(case.path)["discounts"][0]}]


def items_before_update(maker: Maker) -> list[Sent]:
    """Three items of a subscription, which `items_of_update` changes, moves to another price, and deletes."""
    discounts = [{"coupon": coupon(maker)}]
    return [
        {"price": maker.make("price")["id"], "discounts": discounts},
        {"plan": maker.make("plan")["id"]},
        {"price": metered_price(maker)},
    ]


def items_of_update(case: Any) -> list[Sent]:
    first, second, third = case.api.get(case.path)["items"]["data"]
    kept = [{"discount": first["discounts"][0]}]
    added = items_and_trial(case.maker)
    return [
        {"id": first["id"], **added[0], "discounts": [*kept, *added[0]["discounts"]]},
        {"id": second["id"], **added[3]},
        {"id": third["id"], "deleted": "true", "clear_usage": "true"},
        *added[1:3],
        *added[4:],
    ]


def items_of_trial_plan(maker: Maker) -> list[Sent]:
    return [{"plan": maker.make("plan", trial_period_days="5")["id"]}]


def new_customer(maker: Maker) -> str:
    """Create a customer that has bought nothing yet."""
    return str(maker.make("customer")["id"])


def items_in_francs(maker: Maker) -> list[Sent]:
    return [{"price": maker.make("price", currency_options={"chf": {"unit_amount": "7"}})["id"]}]


def canceled(case: Any) -> Sent:
    option = case.maker.make("billing.feedback_option")["id"]
    return {"comment": "Too much", "feedback": "too_expensive", "feedback_option": option}


# ------------------------------------------------------------------------------------- the tables


ANCHOR = {"day_of_month": "5", "hour": "1", "minute": "2", "month": "3", "second": "4"}
FLEXIBLE = {"flexible": {"proration_discounts": "itemized"}, "type": "flexible"}
BILL_FOR = {"outstanding_usage_through": {"type": "none"}, "unused_time_from": {"type": "none"}}

#: The same on creation and on update.
SHARED: dict[str, Any] = {
    "add_invoice_items": lambda case: one_time_items(case.maker),
    "automatic_tax": UNTAXED,
    "billing_schedules": lambda case: billing_schedules(case.maker),
    "collection_method": "send_invoice",
    "default_payment_method": lambda case: another_card(case.maker),
    "default_source": lambda case: another_card(case.maker),
    "invoice_settings": lambda case: invoice_settings(case.maker),
    "payment_settings": PAYMENT,
    "pending_invoice_item_interval": {"interval": "week", "interval_count": "2"},
    "transfer_data": lambda case: transfer(case.maker),
    "trial_from_plan": "true",
}
VALUES: dict[Key, Any] = {
    **{(path, name): value for path in (SUB, f"{SUB}/{{id}}") for name, value in SHARED.items()},
    (SUB, "backdate_start_date"): AGO,
    (SUB, "billing_cycle_anchor"): SOON,
    (SUB, "billing_cycle_anchor_config"): ANCHOR,
    (SUB, "billing_mode"): FLEXIBLE,
    (SUB, "cancel_at"): LATER,
    (SUB, "discounts"): lambda case: coupon_and_promotion_code(case.maker),
    (SUB, "items"): lambda case: items_and_trial(case.maker),
    (SUB, "trial_period_days"): "5",
    (f"{SUB}/{{id}}", "billing_cycle_anchor"): {"type": "now"},
    (f"{SUB}/{{id}}", "cancel_at_period_end"): "true",
    (f"{SUB}/{{id}}", "cancellation_details"): canceled,
    (f"{SUB}/{{id}}", "discounts"): lambda case: [
        *existing_discount(case),
        *coupon_and_promotion_code(case.maker),
    ],
    (f"{SUB}/{{id}}", "items"): lambda case: items_of_update(case),
    (f"{SUB}/{{id}}", "proration_date"): str(NOW - 5 * DAY),
    (f"{SUB}/{{id}}/migrate", "billing_mode"): FLEXIBLE,
    (f"{SUB}/{{id}}/pause", "bill_for"): BILL_FOR,
    (f"{SUB}/{{id}}/resume", "billing_cycle_anchor"): {"type": "unchanged"},
    (f"{SUB}/{{id}}/resume", "proration_date"): SOON,
    (f"DELETE {SUB}/{{id}}", "cancellation_details"): canceled,
    (ITEM, "billing_thresholds"): {"usage_gte": "7"},
    (ITEM, "current_trial"): lambda case: {"trial_offer": trial_offer(case.maker)},
    (ITEM, "discounts"): lambda case: coupon_and_promotion_code(case.maker),
    (ITEM, "price_data"): lambda case: price_data(case.maker),
    (ITEM, "proration_date"): str(NOW - 5 * DAY),
    (f"{ITEM}/{{id}}", "billing_thresholds"): {"usage_gte": "7"},
    (f"{ITEM}/{{id}}", "current_trial"): lambda case: {"trial_offer": trial_offer(case.maker)},
    (f"{ITEM}/{{id}}", "discounts"): lambda case: [
        *existing_discount(case),
        *coupon_and_promotion_code(case.maker),
    ],
    (f"{ITEM}/{{id}}", "price_data"): lambda case: price_data(case.maker),
    (f"{ITEM}/{{id}}", "proration_date"): str(NOW - 5 * DAY),
    (f"DELETE {ITEM}/{{id}}", "proration_date"): str(NOW - 5 * DAY),
    (PLANNED, "billing_mode"): FLEXIBLE,
    (PLANNED, "default_settings"): lambda case: phase_settings(case.maker),
    (PLANNED, "from_subscription"): lambda case: case.maker.make("subscription")["id"],
    (PLANNED, "phases"): lambda case: phases(case.maker),
    (PLANNED, "start_date"): str(FAR - DAY),
    (f"{PLANNED}/{{id}}", "default_settings"): lambda case: phase_settings(case.maker),
    (f"{PLANNED}/{{id}}", "end_behavior"): "cancel",
    (f"{PLANNED}/{{id}}", "phases"): lambda case: phases_of_update(case.maker),
}
#: Further examples, with parameters that exclude others.
ALSO: dict[Key, Any] = {
    (ITEM, "price_data"): lambda case: price_data_in_cents(case.maker),
    (f"{ITEM}/{{id}}", "price_data"): lambda case: price_data_in_cents(case.maker),
}
#: What else is sent; functions are called with the maker.
WITH: dict[Key, dict[str, Any]] = {
    (SUB, "collection_method"): {"days_until_due": "14"},
    (SUB, "currency"): {"customer": new_customer, "items": items_in_francs, "discounts": None},
    (SUB, "days_until_due"): {"collection_method": "send_invoice"},
    (SUB, "items"): {"discounts": None},
    (SUB, "trial_from_plan"): {"items": items_of_trial_plan},
    (f"{SUB}/{{id}}", "collection_method"): {"days_until_due": "14"},
    (f"{SUB}/{{id}}", "days_until_due"): {"collection_method": "send_invoice"},
    (ITEM, "billing_thresholds"): {"price": metered_price},
    (ITEM, "current_trial"): {"price": None},
    (ITEM, "plan"): {"price": None},
    (ITEM, "price_data"): {"price": None},
    (PLANNED, "from_subscription"): {"customer": None, "phases": None, "start_date": None},
}
MADE_WITH: dict[Key, dict[str, Any]] = {
    (f"{SUB}/{{id}}", "discounts"): {"discounts": lambda maker: [{"coupon": coupon(maker)}]},
    (f"{SUB}/{{id}}", "items"): {"discounts": None, "items": items_before_update},
    (f"{SUB}/{{id}}", "trial_from_plan"): {"items": items_of_trial_plan},
    (f"{ITEM}/{{id}}", "billing_thresholds"): {"price": metered_price},
    (f"{ITEM}/{{id}}", "discounts"): {"discounts": lambda maker: [{"coupon": coupon(maker)}]},
}
#: Operations that neither create nor update: their paths and required params.
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
