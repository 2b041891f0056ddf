"""2025-03-31.basil: periods belong to items, invoices name their parent and payments, lines their pricing."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from billow.api import params
from billow.api.fields import Field
from billow.api.versions.change import (
    Addressed,
    Change,
    Made,
    Needs,
    One,
    Renamed,
    Sent,
    Several,
    View,
    copied,
    exclusive,
)
from billow.core.errors import Refused
from billow.core.money import decimal_text
from billow.store.ids import new_id

CHANGE = Change(
    "2025-03-31.basil",
    expands={
        "subscription": {"discount": "discount", "plan": "plan"},
        "invoice": {
            "charge": "charge",
            "discount": "discount",
            "payment_intent": "payment_intent",
            "quote": "quote",
            "subscription": "subscription",
            "total_tax_amounts.tax_rate": "tax_rate",
        },
        "line_item": {
            "invoice_item": "invoiceitem",
            "plan": "plan",
            "price": "price",
            "subscription": "subscription",
            "subscription_item": "subscription_item",
            "tax_amounts.tax_rate": "tax_rate",
        },
        "invoiceitem": {"plan": "plan", "price": "price", "subscription": "subscription"},
        "charge": {"invoice": "invoice"},
        "payment_intent": {"invoice": "invoice"},
        "subscription_schedule": {"phases.coupon": "coupon"},
    },
)


def id_of(value: Any) -> Any:
    """Return the id of a field that may be expanded."""
    return value["id"] if isinstance(value, dict) else value


def _first_discount(view: View) -> Any:
    """Show the first of the discounts as a whole object, or null."""
    first = next(iter(view.get("discounts") or ()), None)
    return (yield One("discount", first, shown=True)) if isinstance(first, str) else first


# ------------------------------------------------------------------------------------- subscriptions


@CHANGE.shows("subscription")
def period_of_subscription(view: View) -> None:
    """Show `current_period_start` and `current_period_end` of a subscription: the latest start of its items,
    and the earliest end."""
    items = view["items"]["data"] if "items" in view else []
    view["current_period_start"] = max((item["current_period_start"] for item in items), default=None)
    view["current_period_end"] = min((item["current_period_end"] for item in items), default=None)


@CHANGE.shows("subscription")
def only_plan(view: View) -> None:
    """Show `plan` and `quantity` of a subscription that has one item; null where it has several."""
    items = view["items"]["data"] if "items" in view else []
    copied(view, items[0] if len(items) == 1 else None, "plan", "quantity")


@CHANGE.shows("subscription", "invoice")
def first_discount(view: View) -> Needs:
    """Show the first discount of a subscription or invoice as a whole object in `discount`."""
    view["discount"] = yield from _first_discount(view)


# ------------------------------------------------------------------------------------- invoices


@CHANGE.shows("invoice")
def parent_of_invoice(view: View) -> None:
    """Show `subscription`, `subscription_details` and `quote` of an invoice, which its `parent` has now."""
    parent = view.get("parent") or {}
    details = parent.get("subscription_details") or {}
    view["subscription"] = details.get("subscription")
    view["subscription_details"] = {"metadata": details.get("metadata")}
    if details.get("subscription_proration_date") is not None:
        view["subscription_proration_date"] = details["subscription_proration_date"]
    view["quote"] = (parent.get("quote_details") or {}).get("quote")


@CHANGE.shows("invoice")
def payment_of_invoice(view: View) -> Needs:
    """Show `payment_intent` and `charge`, the latest one, of an invoice, which `payments` lists now."""
    view["payment_intent"] = view["charge"] = None
    row = (yield One("invoice", view["id"])) if "id" in view else None  # what is upcoming has no id
    if row is None or row.payment_intent is None:
        return
    view["payment_intent"] = row.payment_intent
    intent = yield One("payment_intent", row.payment_intent)
    view["charge"] = intent.latest_charge if intent else None


@CHANGE.shows("invoice")
def paid(view: View) -> None:
    """Show `paid` and `paid_out_of_band` of an invoice; what was paid elsewhere is not in `amount_paid`."""
    elsewhere = view.get("amount_paid_off_stripe") or 0
    view["paid"] = view["status"] == "paid"
    view["paid_out_of_band"] = view["status"] == "paid" and elsewhere > 0
    view["amount_paid"] -= elsewhere


@CHANGE.shows("invoice")
def taxes_of_invoice(view: View) -> None:
    """Show `tax` and `total_tax_amounts` of an invoice, which `total_taxes` lists now; null without taxes."""
    taxes = view["total_taxes"]
    view["tax"] = sum(tax["amount"] for tax in taxes) if taxes else None
    view["total_tax_amounts"] = shown_taxes(taxes)


@CHANGE.shows("invoice")
def connected_accounts(view: View) -> None:
    """Show `application_fee_amount` and `transfer_data` of an invoice, which are null here."""
    view["application_fee_amount"] = view["transfer_data"] = None


def shown_taxes(taxes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return taxes in the form of `tax_amounts`."""
    return [
        {
            "amount": tax["amount"],
            "inclusive": tax["tax_behavior"] == "inclusive",
            "tax_rate": id_of((tax["tax_rate_details"] or {}).get("tax_rate")),
            "taxability_reason": None
            if tax["taxability_reason"] == "not_available"
            else tax["taxability_reason"],
            "taxable_amount": tax["taxable_amount"],
        }
        for tax in taxes
    ]


# ------------------------------------------------------------------------------------- lines


@CHANGE.shows("line_item")
def parent_of_line(view: View) -> None:
    """Show the `type`, `proration` and items of a line, which its `parent` has now."""
    if "parent" not in view:
        return  # a line of a quote
    parent = view["parent"] or {}
    details = parent.get("subscription_item_details") or parent.get("invoice_item_details") or {}
    item = details.get("invoice_item")
    view["type"] = "invoiceitem" if item or not parent.get("subscription_item_details") else "subscription"
    view["proration"] = bool(details.get("proration"))
    view["proration_details"] = details.get("proration_details") or {"credited_items": None}
    view.update({"invoice_item": item} if item else {})
    if (subscription_item := details.get("subscription_item")) is not None:
        view["subscription_item"] = subscription_item
    view["subscription"] = view.get("subscription") or details.get("subscription")


@CHANGE.shows("line_item", "invoiceitem")
def price_of_line(view: View) -> Needs:
    """Show the whole `price` of a line or invoice item, and its `plan` where the price recurs."""
    if "pricing" not in view:
        return
    details = (view["pricing"] or {}).get("price_details") or {}
    id = id_of(details.get("price"))
    view["price"] = view["plan"] = None
    if id is None:
        return
    view["price"] = yield One("price", id, shown=True)
    if view["price"] and view["price"]["type"] == "recurring":
        view["plan"] = yield One("plan", id, shown=True)


@CHANGE.shows("line_item")
def taxes_of_line(view: View) -> Needs:
    """Show `tax_amounts` of a line, and in `tax_rates` the whole tax rates set on the line itself."""
    if "taxes" not in view or "parent" not in view:
        return  # a line of a quote has taxes of another form
    taxes = view["taxes"]
    view["tax_amounts"] = shown_taxes(taxes)
    included = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "inclusive")
    without = view["amount"] - included
    view["amount_excluding_tax"] = without
    quantity = view.get("quantity")
    view["unit_amount_excluding_tax"] = decimal_text(Decimal(without) / quantity) if quantity else None
    view["tax_rates"] = []
    row = yield One("line_item", view["id"])
    rates = []
    for id in row.tax_rates if row else ():
        rates.append((yield One("tax_rate", id, shown=True)))
    view["tax_rates"] = [rate for rate in rates if rate]


# ------------------------------------------------------------------------------------- invoice items


@CHANGE.shows("invoiceitem")
def unit_amount_of_item(view: View) -> None:
    """Show `unit_amount` and `unit_amount_decimal` of an invoice item, which `pricing` has now."""
    text = (view["pricing"] or {}).get("unit_amount_decimal")
    exact = Decimal(text) if text is not None else Decimal(view["amount"]) / (view["quantity"] or 1)
    view["unit_amount_decimal"] = decimal_text(exact)
    view["unit_amount"] = int(exact) if exact == exact.to_integral_value() else None


@CHANGE.shows("invoiceitem")
def subscription_of_item(view: View) -> None:
    """Show `subscription` and `subscription_item` of an invoice item, which its `parent` has now."""
    parent = view["parent"] or {}
    copied(view, parent.get("subscription_details"), "subscription", "subscription_item")


# ------------------------------------------------------------------------------------- payments


@CHANGE.shows("payment_intent")
def invoice_of_intent(view: View) -> Needs:
    """Show the `invoice` that a payment intent pays."""
    row = yield One("payment_intent", view["id"])
    view["invoice"] = row.invoice if row else None


@CHANGE.shows("charge")
def invoice_of_charge(view: View) -> Needs:
    """Show the `invoice` that a charge pays."""
    view["invoice"] = None
    intent = id_of(view.get("payment_intent"))
    if intent is not None:
        row = yield One("payment_intent", intent)
        view["invoice"] = row.invoice if row else None


# ------------------------------------------------------------------------------------- prices, schedules

AGGREGATED = {"sum": "sum", "last": "last_during_period"}


@CHANGE.shows("price")
def aggregate_usage_of_price(view: View) -> Needs:
    """Show `recurring.aggregate_usage` of a price, which the formula of its meter decides now."""
    recurring = view.get("recurring")
    if recurring is not None:
        view["recurring"] = {**recurring, "aggregate_usage": (yield from _aggregated(recurring["meter"]))}


@CHANGE.shows("plan")
def aggregate_usage_of_plan(view: View) -> Needs:
    """Show `aggregate_usage` of a plan, which the formula of its meter decides now."""
    view["aggregate_usage"] = yield from _aggregated(view["meter"])


def _aggregated(meter: Any) -> Any:
    """Return how a meter aggregates usage, in the older words; null where there is no meter, or no word."""
    if meter is None:
        return None
    row = yield One("billing.meter", id_of(meter))
    return AGGREGATED.get(row.default_aggregation["formula"]) if row else None


@CHANGE.shows("subscription_schedule")
def coupon_of_phase(view: View) -> None:
    """Show the coupon of the first discount of each phase in `coupon`."""
    view["phases"] = [
        {**phase, "coupon": next((id_of(each.get("coupon")) for each in phase.get("discounts") or ()), None)}
        for phase in view["phases"]
    ]


# ------------------------------------------------------------------------------------- requests

UPCOMING = ("GET /v1/invoices/upcoming", "GET /v1/invoices/upcoming/lines")
PREFIX = "subscription_"
DETAILS = (
    "billing_cycle_anchor",
    "cancel_at",
    "cancel_at_period_end",
    "cancel_now",
    "default_tax_rates",
    "items",
    "proration_behavior",
    "proration_date",
    "resume_at",
    "start_date",
    "trial_end",
)
"""The params of a preview that had the prefix `subscription_`, and are in `subscription_details` now."""


def _as_discounts(sent: Sent, at: str = "") -> dict[str, str]:
    """Turn `coupon` and `promotion_code` among params into `discounts`; the empty string removes them."""
    names = [name for name in ("coupon", "promotion_code", "discounts") if name in sent]
    filled = [name for name in names if name == "discounts" or sent[name]]
    if len(filled) > 1:
        raise exclusive(_in(at, filled[0]), _in(at, filled[1]))
    named: dict[str, str] = {}
    for name in names:
        if name != "discounts":
            value = sent.pop(name)
            named[_in(at, f"discounts[0][{name}]")] = _in(at, name)
            if name in filled or not filled:
                sent["discounts"] = [{name: value}] if value else ""
    return named


def _in(at: str, name: str) -> str:
    head, bracket, rest = name.partition("[")
    return f"{at}[{head}]{bracket}{rest}" if at else name


@CHANGE.reads("POST /v1/subscriptions", "POST /v1/subscriptions/{id}")
def coupon_of_subscription(sent: Sent) -> Renamed:
    """Take `coupon` and `promotion_code` of a subscription, which are `discounts` now."""
    return _as_discounts(sent)


@CHANGE.reads("POST /v1/subscriptions")
def only_item(sent: Sent) -> Renamed:
    """Take `plan` and `quantity` of a subscription with one item, which are in `items` now."""
    return _one_item(sent) if "items" not in sent else None


def _one_item(sent: Sent) -> Renamed:
    if not {"plan", "quantity"} & sent.keys():
        return None
    names = {"plan": "price", "quantity": "quantity"}
    sent["items"] = [{new: sent.pop(old) for old, new in names.items() if old in sent}]
    return {f"items[0][{new}]": old for old, new in names.items()}


@CHANGE.reads("POST /v1/subscriptions/{id}")
def only_item_changed(sent: Sent) -> Any:
    """Take `plan` and `quantity` of a subscription with one item, which its item has now."""
    if "items" in sent or not {"plan", "quantity"} & sent.keys():
        return None
    subscription = yield Addressed()
    items = yield Several("subscription_item", "subscription", subscription)
    if len(items) != 1:
        return None  # the names are refused then
    named = _one_item(sent)
    sent["items"][0]["id"] = items[0].id
    return named


@CHANGE.reads("POST /v1/customers", "POST /v1/customers/{id}")
def coupon_of_customer(sent: Sent) -> Renamed:
    """Refuse `coupon` and `promotion_code` of a customer: only subscriptions and invoices have discounts."""
    for name in ("coupon", "promotion_code"):
        if name in sent:
            if not sent[name]:
                del sent[name]  # the empty string takes off a discount that there never is
                continue
            raise Refused(
                f"Discounts of customers are not supported; give {name} to the subscription or invoice.",
                param=name,
                code="parameter_unknown",
            )
    return None


@CHANGE.reads(
    "POST /v1/subscription_schedules",
    "POST /v1/subscription_schedules/{id}",
    "POST /v1/invoices/create_preview",
    *UPCOMING,
)
def coupon_of_phases(sent: Sent) -> Renamed:
    """Take `coupon` of a phase, which is `discounts` now."""
    named: dict[str, str] = {}
    details = sent.get("schedule_details")
    for at, phases in (
        ("phases", sent.get("phases")),
        ("schedule_details[phases]", details.get("phases") if isinstance(details, dict) else None),
    ):
        for place, phase in enumerate(phases if isinstance(phases, list) else ()):
            if isinstance(phase, dict):
                named |= _as_discounts(phase, f"{at}[{place}]")
    return named


@CHANGE.reads("POST /v1/invoices/create_preview", *UPCOMING)
def coupon_of_preview(sent: Sent) -> Renamed:
    """Take `coupon` of a preview, which is `discounts` now."""
    return _as_discounts(sent)


@CHANGE.reads(*UPCOMING)
def details_of_preview(sent: Sent) -> Renamed:
    """Take params of a preview with the prefix `subscription_`, which `subscription_details` has now."""
    found = {name: sent.pop(f"{PREFIX}{name}") for name in DETAILS if f"{PREFIX}{name}" in sent}
    sent.pop("subscription_trial_from_plan", None)  # trials of plans are not applied in previews
    if found:
        inner: Any = sent.setdefault("subscription_details", {})
        if isinstance(inner, dict):
            inner.update(found)
    return {f"subscription_details[{name}]": f"{PREFIX}{name}" for name in found}


UNIT_AMOUNT = Field("integer")


@CHANGE.reads("POST /v1/invoiceitems", "POST /v1/invoiceitems/{id}")
def price_of_item(sent: Sent) -> Renamed:
    """Take `price` of an invoice item, which is `pricing[price]` now, and `unit_amount` as an integer."""
    named = {}
    if "price" in sent:
        sent["pricing"] = {"price": sent.pop("price")}
        named["pricing[price]"] = "price"
    if "unit_amount" in sent:
        if "unit_amount_decimal" in sent:
            raise exclusive("unit_amount", "unit_amount_decimal")
        params.parse(UNIT_AMOUNT, sent["unit_amount"], "unit_amount")
        sent["unit_amount_decimal"] = sent.pop("unit_amount")
        named["unit_amount_decimal"] = "unit_amount"
    return named


# ------------------------------------------------------------------------------------- metered prices

FORMULAS = {"sum": "sum", "last_during_period": "last"}


@CHANGE.reads("POST /v1/prices")
def metered_price(sent: Sent) -> Any:
    """Take metered prices with `aggregate_usage` instead of a meter: they get a meter of their own."""
    recurring = sent.get("recurring")
    if isinstance(recurring, dict):
        yield from _with_meter(recurring, "recurring[aggregate_usage]")


@CHANGE.reads("POST /v1/plans")
def metered_plan(sent: Sent) -> Any:
    """Take metered plans with `aggregate_usage` instead of a meter: they get a meter of their own."""
    yield from _with_meter(sent, "aggregate_usage")


def _with_meter(recurring: dict[str, Any], param: str) -> Any:
    formula = FORMULAS.get(str(recurring.get("aggregate_usage", "sum")))
    if formula is None:
        known = ", ".join(FORMULAS)
        raise Refused(f"Invalid {param}: must be one of {known}.", param=param)
    if recurring.get("usage_type") == "metered" and "meter" not in recurring:
        made = yield Made(
            "billing.meter",
            {
                "display_name": "Usage records",
                "event_name": new_id("usage_records_"),
                "default_aggregation": {"formula": formula},
            },
        )
        recurring["meter"] = made.id
    recurring.pop("aggregate_usage", None)


@CHANGE.shows("checkout.session")
def shipping_details_of_session(view: View) -> None:
    """Show `shipping_details` at the top; it is in `collected_information` now, without the carrier."""
    found = (view["collected_information"] or {}).get("shipping_details")
    more = {"carrier": None, "phone": None, "tracking_number": None}
    view["shipping_details"] = {**found, **more} if found else None
