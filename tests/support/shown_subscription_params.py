"""Check parameters of subscriptions that are shown under another name or in another object."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.conftest import Api
from tests.support.one_of_each import Sent, form
from tests.support.shown_params import agrees
from tests.support.valid_subscription_params import DAY, ITEM, PLANNED, SUB, running_schedule

Rule = Callable[[Any], bool]


# ------------------------------------------------------------------------------------- parts


def get_expanded(api: Api, path: str, *names: str, **query: Any) -> Any:
    found = api.get(path, {**query, **form(list(names), "expand")})
    assert found.status == 200, found
    return found


def discount_params(shown: list[Any]) -> list[Sent]:
    """Turn shown discounts into the params that ask for them."""
    return [
        {"coupon": one["source"]["coupon"], "discount": one["id"], "promotion_code": one["promotion_code"]}
        for one in shown
    ]


def params_of_item(shown: Any) -> Sent:
    """Turn a shown item into the params that ask for it."""
    price = {"plan": shown["plan"], "price": shown["price"], "price_data": shown["price"]}
    return {**shown, **price, "discounts": discount_params(shown["discounts"])}


def items_of(api: Api, subscription: str) -> list[Sent]:
    found = get_expanded(api, ITEM, "data.discounts", subscription=subscription, limit=100)
    return [params_of_item(one) for one in found["data"]]


def items_agree(sent: list[Sent], shown: list[Sent]) -> bool:
    """Check that the items are those that were sent, new ones after the existing ones."""
    stays = [one for one in sent if not one.get("deleted")]
    return agrees(stays, shown)


def invoice_items_of(api: Api, customer: str) -> list[Any]:
    """List the invoice items of a customer, the oldest first, with their discounts expanded."""
    found = get_expanded(api, "/v1/invoiceitems", "data.discounts", customer=customer, limit=100)
    return list(reversed(found["data"]))


@dataclass(frozen=True)
class Spans:
    """The period of a one-time item that names none, and the period that it can name."""

    own: tuple[int, int]
    named: tuple[int, int]


def one_time_item_agrees(api: Api, sent: Sent, shown: Any, spans: Spans) -> bool:
    """Check that an invoice item is the one-time item that was sent."""
    price = api.get(f"/v1/prices/{shown['pricing']['price_details']['price']}")
    period = {
        side: {"type": bound["type"], "timestamp": shown["period"][side]}
        for side, bound in sent.get("period", {}).items()
    }
    dated = any(bound["type"] == "timestamp" for bound in period.values())
    found = shown["period"]["start"], shown["period"]["end"]
    named = {**shown, "price": price, "price_data": price, "period": period}
    fits = dated or found == (spans.named if period else spans.own)
    return fits and agrees(sent, {**named, "discounts": discount_params(shown["discounts"])})


# ------------------------------------------------------------------------------------- of subscriptions


def billed_once(case: Any) -> bool:
    """Each one-time item is an invoice item with all its params: invoiced on creation, else pending."""
    shown = case.done()
    first = shown["items"]["data"][0]
    found = invoice_items_of(case.api, shown["customer"])
    span = first["current_period_start"], first["current_period_end"]
    waits = [one["invoice"] is None for one in found]
    assert waits == [case.verb.kind == "update"] * len(case.value)
    # A named period starts now: on an update, when the items were created.
    spans = Spans(span, (found[0]["date"], span[1]))
    return all(
        one_time_item_agrees(case.api, sent, one, spans) for sent, one in zip(case.value, found, strict=True)
    )


def billed_ahead(case: Any) -> bool:
    """Each billing schedule is shown, and the item is invoiced until the later end."""
    shown = case.done()
    assert agrees(case.value, shown["billing_schedules"])
    item, until = shown["items"]["data"][0], shown["billing_schedules"][0]["bill_until"]["computed_timestamp"]
    lines = case.api.get(f"/v1/invoices/{shown['latest_invoice']}/lines")["data"]
    billed = max(line["period"]["end"] for line in lines)
    return bool(until == item["billed_until"] == billed)


def discounted(case: Any) -> bool:
    id = case.done()["id"]
    path = f"{SUB if case.verb.path.startswith(SUB) else ITEM}/{id}"
    return agrees(case.value, discount_params(get_expanded(case.api, path, "discounts")["discounts"]))


def subscribed(case: Any) -> bool:
    return items_agree(case.value, items_of(case.api, case.done()["id"]))


def priced(case: Any) -> bool:
    return agrees(case.value, case.done()["price"])


def anchored(case: Any) -> bool:
    """The config is shown as it was sent, and the anchor is that date."""
    shown = case.done()
    at = datetime.fromtimestamp(shown["billing_cycle_anchor"], UTC)
    found = {
        "day_of_month": at.day,
        "hour": at.hour,
        "minute": at.minute,
        "month": at.month,
        "second": at.second,
    }
    return agrees(case.value, shown["billing_cycle_anchor_config"]) and agrees(case.value, found)


def tried(case: Any) -> bool:
    """The subscription is in trial for five days."""
    shown = case.done()
    assert shown["status"] == "trialing"
    return bool(shown["trial_end"] - shown["trial_start"] == 5 * DAY)


def migrated(case: Any) -> bool:
    before = case.api.get(case.path.removesuffix("/migrate"))["billing_mode"]["type"]
    return before == "classic" and agrees(case.value, case.done()["billing_mode"])


def paid_so(case: Any) -> bool:
    """The settings are shown, and the method of the first payment is saved."""
    shown = case.done()
    settings = {**shown["payment_settings"]}
    invoice = case.api.get(f"/v1/invoices/{shown['latest_invoice']}")["payment_settings"]
    kept = shown["default_payment_method"] is not None
    return agrees(case.value, settings) and agrees(["card"], invoice["payment_method_types"]) and kept


def untaxed(case: Any) -> bool:
    """Automatic tax must be off and the account liable: other values are refused."""
    for more in ({"enabled": "true"}, {**case.value, "liability": {"type": "account", "account": "acct_1"}}):
        answer = case.maker.send(case.path, {**case.base, **form(more, case.name)})
        assert answer.status == 400 and answer["error"]["param"].startswith(case.name), answer
    return agrees({"enabled": "false"}, case.done()[case.name])


# ------------------------------------------------------------------------------------- of schedules

SAME_NAMES = ("application_fee_percent", "billing_thresholds", "collection_method", "default_payment_method",
        "description", "on_behalf_of", "transfer_data")  # fmt: skip
"""The params of a phase that its subscription shows under the same names."""


def duration_agrees(sent: Sent, shown: Any) -> bool:
    """Check that a phase is as long as was sent."""
    wanted = sent.get("duration", {})
    start, end = (datetime.fromtimestamp(shown[name], UTC) for name in ("start_date", "end_date"))
    months = (end.year - start.year) * 12 + end.month - start.month
    found = {"week": (end - start).days / 7, "month": months}.get(wanted.get("interval", ""))
    return found is None or found == int(wanted.get("interval_count", 1))


def phase_agrees(sent: Sent, shown: Any, api: Api) -> bool:
    """Check that a phase is stored as it was sent."""
    for one in (*shown["items"], *shown["add_invoice_items"]):
        one["price_data"] = api.get(f"/v1/prices/{one['price']}")
    return duration_agrees(sent, shown) and agrees({n: v for n, v in sent.items() if n != "duration"}, shown)


def phased(case: Any) -> bool:
    """Each phase is stored as it was sent, and the subscription starts like the first."""
    shown = case.api.get(f"{PLANNED}/{case.done()['id']}")["phases"]
    assert all(phase_agrees(*pair, case.api) for pair in zip(case.value, shown, strict=True))
    first = {name: value for name, value in case.value[0].items() if name != "start_date"}
    schedule = running_schedule(case.maker, phases=[first])
    subscription = case.api.get(f"{PLANNED}/{schedule}")["subscription"]
    return starts_with(case.api, first, subscription) and is_billed_as(case.api, first, subscription)


def starts_with(api: Api, sent: Sent, subscription: str) -> bool:
    """Check that a subscription has the settings of a phase."""
    shown = get_expanded(api, f"{SUB}/{subscription}", "discounts")
    invoices = {name: value for name, value in sent["invoice_settings"].items() if name != "days_until_due"}
    assert agrees({name: sent[name] for name in SAME_NAMES}, shown)
    assert agrees(invoices, shown["invoice_settings"])
    assert agrees(sent["invoice_settings"]["days_until_due"], shown["days_until_due"])
    return bool(shown["billing_cycle_anchor"] == shown["start_date"])


def is_billed_as(api: Api, sent: Sent, subscription: str) -> bool:
    """Check that a subscription has the items, discounts, tax rates and metadata of a phase."""
    shown = get_expanded(api, f"{SUB}/{subscription}", "discounts")
    assert agrees(sent["discounts"], discount_params(shown["discounts"]))
    assert agrees(sent["default_tax_rates"], shown["default_tax_rates"])
    assert agrees(sent["metadata"], shown["metadata"])
    assert items_agree(sent["items"], items_of(api, subscription))
    schedule, first = api.get(f"{PLANNED}/{shown['schedule']}")["current_phase"], shown["items"]["data"][0]
    own = first["current_period_start"], first["current_period_end"]
    spans = Spans(own, (schedule["start_date"], schedule["end_date"]))
    once = zip(sent["add_invoice_items"], invoice_items_of(api, shown["customer"]), strict=True)
    return all(one_time_item_agrees(api, one, found, spans) for one, found in once)


def settled(case: Any) -> bool:
    """The schedule shows the default settings, and its subscription starts with them."""
    sent = case.value
    kept = agrees(sent, case.api.get(f"{PLANNED}/{case.done()['id']}")["default_settings"])
    schedule = running_schedule(case.maker, default_settings=sent)
    return kept and starts_with(case.api, sent, case.api.get(f"{PLANNED}/{schedule}")["subscription"])


def mirrored(case: Any) -> bool:
    """The only phase is the subscription as it is."""
    shown = case.done()
    subscription = case.api.get(f"{SUB}/{case.value}")
    [phase], [first] = shown["phases"], subscription["items"]["data"]
    found = (shown["subscription"], subscription["schedule"], phase["items"][0]["price"], phase["end_date"])
    return found == (case.value, shown["id"], first["price"]["id"], first["current_period_end"])


def started(case: Any) -> bool:
    later, now = case.done(), case.api.get(f"{PLANNED}/{running_schedule(case.maker)}")
    begun = agrees(case.value, later["phases"][0]["start_date"])
    return begun and (later["status"], now["status"]) == ("not_started", "active")


RULES: dict[tuple[str, str], Rule] = {
    (SUB, "add_invoice_items"): billed_once,
    (SUB, "automatic_tax"): untaxed,
    (SUB, "backdate_start_date"): lambda case: agrees(case.value, case.done()["start_date"]),
    (SUB, "billing_cycle_anchor_config"): anchored,
    (SUB, "billing_schedules"): billed_ahead,
    (SUB, "discounts"): discounted,
    (SUB, "items"): subscribed,
    (SUB, "payment_settings"): paid_so,
    (SUB, "trial_from_plan"): tried,
    (SUB, "trial_period_days"): tried,
    (f"{SUB}/{{id}}", "add_invoice_items"): billed_once,
    (f"{SUB}/{{id}}", "automatic_tax"): untaxed,
    (f"{SUB}/{{id}}", "billing_schedules"): billed_ahead,
    (f"{SUB}/{{id}}", "discounts"): discounted,
    (f"{SUB}/{{id}}", "items"): subscribed,
    (f"{SUB}/{{id}}", "trial_from_plan"): tried,
    (f"{SUB}/{{id}}/migrate", "billing_mode"): migrated,
    (ITEM, "discounts"): discounted,
    (ITEM, "price_data"): priced,
    (f"{ITEM}/{{id}}", "discounts"): discounted,
    (f"{ITEM}/{{id}}", "price_data"): priced,
    (PLANNED, "default_settings"): settled,
    (PLANNED, "from_subscription"): mirrored,
    (PLANNED, "phases"): phased,
    (PLANNED, "start_date"): started,
    (f"{PLANNED}/{{id}}", "default_settings"): settled,
    (f"{PLANNED}/{{id}}", "phases"): phased,
}
