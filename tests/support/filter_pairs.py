"""Create two entries of each list, one after the other."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from billow.api.resource import Verb
from tests.support.one_of_each import Maker, Sent

HOUR = 3600


@dataclass
class ListPair:
    """Two entries of a list, and the query that shows them."""

    path: str
    newer: str
    older: str
    query: Sent = field(default_factory=dict)


@dataclass
class FilterCase:
    """A query of a filter, the entry that it finds (None: no entry), and one that it does not."""

    query: Sent
    found: str | None
    lost: str
    path: str = ""


def pair_of(maker: Maker, verb: Verb) -> ListPair:
    """Create two entries of the list of a verb."""
    if verb.path in PAIRS:
        return PAIRS[verb.path](maker)
    assert verb.resource and verb.kind == "list", f"PAIRS has no entry for {verb.path}"
    older, newer = (str(maker.make(verb.resource.object)["id"]) for _ in range(2))
    return ListPair(verb.path, newer, older)


def first_two(maker: Maker, path: str, **query: Any) -> ListPair:
    """Return the first two entries of a list, the newest first."""
    newer, older = (entry["id"] for entry in maker.api.get(path, query)["data"][:2])
    return ListPair(path, newer, older, query)


def created_at(path: str, sent: Sent) -> Callable[[Maker], ListPair]:
    """Create two objects at the path where they are listed."""

    def made(maker: Maker) -> ListPair:
        at = maker.fill(path)
        every = [{name: maker.fill(value) for name, value in sent.items()} for _ in range(2)]
        older, newer = (str(maker.request(at, each)["id"]) for each in every)
        return ListPair(at, newer, older)

    return made


def refunds(maker: Maker) -> ListPair:
    charge = maker.existing("charge")
    older, newer = (str(maker.make("refund", charge=charge)["id"]) for _ in range(2))
    return ListPair(f"/v1/charges/{charge}/refunds", newer, older)


def cards(maker: Maker) -> ListPair:
    customer = maker.existing("customer")
    older = maker.api.get(f"/v1/customers/{customer}/payment_methods")["data"][0]["id"]
    sent = {"type": "card", "card[token]": "tok_visa", "allow_redisplay": "always"}
    newer = maker.request("/v1/payment_methods", sent)["id"]
    maker.request(f"/v1/payment_methods/{newer}/attach", {"customer": customer})
    return ListPair(f"/v1/customers/{customer}/payment_methods", newer, older)


def balance_transactions(maker: Maker) -> ListPair:
    older, newer = (str(maker.make("charge")["balance_transaction"]) for _ in range(2))
    return ListPair("/v1/balance_transactions", newer, older)


def events(maker: Maker) -> ListPair:
    for _ in range(2):
        maker.make("product")
    return first_two(maker, "/v1/events")


def entitlements_pair(maker: Maker) -> ListPair:
    product = maker.existing("product")
    for _ in range(2):
        feature = maker.make("entitlements.feature")["id"]
        maker.request(f"/v1/products/{product}/features", {"entitlement_feature": feature})
    maker.make("subscription")
    return first_two(maker, "/v1/entitlements/active_entitlements", customer=maker.existing("customer"))


def deliveries(maker: Maker) -> ListPair:
    endpoint = maker.existing("webhook_endpoint")
    events(maker)
    return first_two(maker, f"/v1/webhook_endpoints/{endpoint}/deliveries")


def meter_summaries(maker: Maker) -> ListPair:
    """Report one usage event in each of two hours."""
    customer, meter = maker.existing("customer"), maker.make("billing.meter")
    hour = int(time.time()) // HOUR * HOUR
    for at in (hour - 2 * HOUR, hour - HOUR):
        payload = {"payload[stripe_customer_id]": customer, "payload[value]": "3", "timestamp": str(at + 60)}
        maker.request("/v1/billing/meter_events", {"event_name": meter["event_name"], **payload})
    spans = {"customer": customer, "start_time": hour - 2 * HOUR, "end_time": hour}
    path = f"/v1/billing/meters/{meter['id']}/event_summaries"
    return first_two(maker, path, **spans, value_grouping_window="hour")


def destinations(maker: Maker) -> ListPair:
    older, newer = (str(maker.make("v2.core.event_destination")["id"]) for _ in range(2))
    return ListPair("/v2/core/event_destinations", newer, older)


def thin_events(maker: Maker) -> ListPair:
    events(maker)
    return first_two(maker, "/v2/core/events")


def quote_lines(tail: str) -> Callable[[Maker], ListPair]:
    """Create a quote with two lines."""

    def lines(maker: Maker) -> ListPair:
        prices = [maker.make("price", recurring=None)["id"] for _ in range(2)]
        quote = maker.make("quote", line_items=[{"price": price} for price in prices])["id"]
        return first_two(maker, f"/v1/quotes/{quote}/{tail}")

    return lines


def subscription_items(maker: Maker) -> ListPair:
    """Add an item to a subscription; the first item is listed first."""
    subscription = maker.existing("subscription")
    maker.make("subscription_item", subscription=subscription)
    return first_two(maker, "/v1/subscription_items", subscription=subscription)


def cash_balances(maker: Maker) -> ListPair:
    older, newer = (str(maker.make("customer_cash_balance_transaction")["id"]) for _ in range(2))
    return ListPair(maker.fill("/v1/customers/{customer}/cash_balance_transactions"), newer, older)


PAIRS: dict[str, Callable[[Maker], ListPair]] = {
    "/v1/balance_transactions": balance_transactions,
    "/v1/billing/meters/{id}/event_summaries": meter_summaries,
    "/v1/charges/{id}/refunds": refunds,
    "/v1/customers/{id}/balance_transactions": created_at(
        "/v1/customers/{customer}/balance_transactions", {"amount": "-10", "currency": "usd"}
    ),
    "/v1/customers/{id}/cash_balance_transactions": cash_balances,
    "/v1/customers/{id}/cards": created_at("/v1/customers/{customer}/cards", {"source": "tok_visa"}),
    "/v1/customers/{id}/sources": created_at("/v1/customers/{customer}/sources", {"source": "tok_visa"}),
    "/v1/customers/{id}/payment_methods": cards,
    "/v1/customers/{id}/tax_ids": created_at(
        "/v1/customers/{customer}/tax_ids", {"type": "eu_vat", "value": "DE136695976"}
    ),
    "/v1/entitlements/active_entitlements": entitlements_pair,
    "/v1/events": events,
    "/v1/products/{id}/features": created_at(
        "/v1/products/{product}/features", {"entitlement_feature": "{new entitlements.feature}"}
    ),
    "/v1/quotes/{id}/computed_upfront_line_items": quote_lines("computed_upfront_line_items"),
    "/v1/quotes/{id}/line_items": quote_lines("line_items"),
    "/v1/subscription_items": subscription_items,
    "/v1/tax_codes": lambda maker: first_two(maker, "/v1/tax_codes"),
    "/v1/webhook_endpoints/{id}/deliveries": deliveries,
    "/v2/core/event_destinations": destinations,
    "/v2/core/events": thin_events,
}
