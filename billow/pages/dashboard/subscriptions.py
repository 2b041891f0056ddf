"""Show the subscriptions, and one of them: its state in a sentence, its items and its next invoice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flask

from billow.api import rows
from billow.api.fields import instant
from billow.core import lifecycle
from billow.flows.billing.priced_items import rate_of
from billow.pages.dashboard import customers_named, discounts_named, facts, invoices, layout, price_view
from billow.pages.dashboard.layout import NOTHING, Cell
from billow.pages.dashboard.lists import Column, List, Place, Tab
from billow.pages.dashboard.lists import add as add_list
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.price import Price
from billow.resources.product import Product
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store.tx import Tx

TONES = {"active": "good", "trialing": "info", "past_due": "warn", "unpaid": "bad", "incomplete": "bad"}
COLLECTION = {"charge_automatically": "Charged automatically", "send_invoice": "Invoice by mail"}
LIVE = "status not in ('canceled', 'incomplete_expired')"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the rows of a list need besides: customers, items, prices and products."""

    customers: dict[str, Customer]
    items: dict[str, list[SubscriptionItem]]
    prices: dict[str, Price]
    products: dict[str, Product]

    def name_of(self, item: SubscriptionItem) -> str:
        price = self.prices.get(item.price)
        product = self.products.get(price.product) if price else None
        return (product.name if product else None) or item.price


def load(tx: Tx, found: Sequence[Subscription]) -> Loaded:
    items = rows.below(tx, SubscriptionItem, "subscription", [one.id for one in found])
    prices = rows.find_many(tx, Price, {one.price for each in items.values() for one in each})
    products = rows.find_many(tx, Product, {one.product for one in prices.values()})
    return Loaded(customers_named.of(tx, found), items, prices, products)


def described(loaded: Loaded, one: Subscription) -> str:
    """Return what is subscribed to: 3 × Seats, Support."""
    return ", ".join(counted(item.quantity, loaded.name_of(item)) for item in loaded.items.get(one.id, []))


def counted(quantity: int | None, name: str) -> str:
    return name if quantity in (None, 1) else f"{quantity} \N{MULTIPLICATION SIGN} {name}"


def row(place: Place, loaded: Any, one: Subscription) -> list[Cell]:
    periods = [item.current_period_end for item in loaded.items.get(one.id, [])]
    ends = one.ended_at or one.cancel_at
    return [
        Cell(
            described(loaded, one) or one.id,
            link=place.visit.to(f"/subscriptions/{one.id}"),
            below=customers_named.name(loaded.customers, one.customer),
        ),
        layout.badge(one.status, TONES),
        Cell((one.currency or "").upper()),
        Cell(COLLECTION[one.collection_method]),
        layout.day(min(periods), place.zone) if periods and not one.ended_at else NOTHING,
        layout.day(ends, place.zone),
        layout.day(one.created, place.zone),
    ]


LIST = List(
    noun=Subscription,
    path="/subscriptions",
    title="Subscriptions",
    one="subscription",
    about="Id, or the customer's name or mail address",
    columns=(
        Column("Subscription"),
        Column("Status"),
        Column("Currency"),
        Column("Collection"),
        Column("Renews"),
        Column("Ends"),
        Column("Created"),
    ),
    row=row,
    load=load,
    tabs=(
        Tab("active", "Active", "status = 'active'"),
        Tab("trialing", "Trialing", "status = 'trialing'"),
        Tab("past_due", "Past due", "status in ('past_due', 'unpaid', 'incomplete')"),
        Tab("ending", "Ending", f"cancel_at is not null and {LIVE}"),
        Tab("ended", "Ended", "status in ('canceled', 'incomplete_expired')"),
    ),
    found=("id = %(text)s or " + customers_named.FOUND),
)


def add(app: flask.Flask, desk: Desk) -> None:
    add_list(app, desk, LIST)
    screen(app, desk, "/subscriptions/<id>", "customers.read", shown)


def shown(visit: Visit, id: str) -> flask.Response:
    with visit.reads() as tx:
        one = rows.find(tx, Subscription, id)
        place, loaded = facts.place_of(visit, tx), load(tx, [one])
        billed = rows.select(tx, Invoice, "subscription = %(id)s", "order by created desc limit 12", id=id)
        values: dict[str, Any] = {
            "sentence": sentence(place, loaded, one),
            "items": [item_row(place, loaded, item, one.currency) for item in loaded.items.get(id, [])],
            "invoices": [invoices.row(place, None, each) for each in billed],
            "story": facts.story(tx, place, [id]),
            "pairs": [*pairs(place, loaded, one), *discounted(tx, one)],
            "metadata": facts.metadata(one),
            "clock": facts.clock_of(tx, visit, one.test_clock),
        }
    return layout.page(
        visit,
        "subscription.html",
        described(loaded, one) or id,
        acts=acts_of(visit, one),
        badge=layout.badge(one.status, TONES),
        item_columns=(Column("Product"), Column("Price"), Column("Quantity", True), Column("Period")),
        invoice_columns=invoices.LIST.columns,
        **values,
    )


def acts_of(visit: Visit, one: Subscription) -> list[tuple[str, str]]:
    """Return the screens that change a subscription, as far as its state and this person's role allow."""
    if not visit.may("subscriptions.write"):
        return []
    return [(visit.to(f"/subscriptions/{one.id}/{act}"), text) for act, text in possible_acts(one).items()]


def possible_acts(one: Subscription) -> dict[str, str]:
    """Return which acts a subscription allows in its state, each with the words of its button."""
    if one.status in lifecycle.ENDED:
        return {}
    found = {"cancel": "Cancel"}
    if one.status == "incomplete":
        return found
    if one.status == "paused":
        return {"resume": "Resume", **found}
    found = {
        "change": "Change",
        **({"resume": "Collect again"} if one.pause_collection else {"pause": "Pause"}),
    }
    return {**found, **({"keep": "Do not end it"} if one.cancel_at else {}), "cancel": "Cancel"}


def sentence(place: Place, loaded: Loaded, one: Subscription) -> str:
    """Say in one sentence in which state a subscription is, and what happens next."""
    periods = [item.current_period_end for item in loaded.items.get(one.id, [])]
    renews = layout.when(min(periods), place.zone) if periods else "never"
    if one.ended_at:
        return f"It ended on {layout.when(one.ended_at, place.zone)}."
    if one.cancel_at:
        return f"It ends on {layout.when(one.cancel_at, place.zone)}."
    match one.status:
        case "active" | "trialing" if one.pause_collection:
            return f"{paused_words(place, one)} The next invoice is made on {renews}."
        case "trialing":
            return f"The trial ends on {layout.when(one.trial_end, place.zone)}, and then it is billed."
        case "paused":
            return "It is paused: nothing is billed until it is resumed."
        case "past_due" | "unpaid":
            return f"The latest invoice is not paid. The next one is made on {renews}."
        case "incomplete":
            return "The first invoice is not paid yet; after a day it expires."
        case _:
            return f"It renews on {renews}."


def paused_words(place: Place, one: Subscription) -> str:
    """Say what becomes of the invoices while their collection is paused, and until when that is."""
    pause = one.pause_collection or {}
    kept = {"keep_as_draft": "kept as drafts", "void": "voided"}.get(pause["behavior"], "written off")
    until = f" until {layout.when(instant(pause['resumes_at']), place.zone)}" if pause["resumes_at"] else ""
    return f"Its invoices are {kept}{until}."


def item_row(place: Place, loaded: Loaded, item: SubscriptionItem, currency: str) -> list[Cell]:
    start, end = (
        layout.when(at, place.zone, day=True) for at in (item.current_period_start, item.current_period_end)
    )
    price = loaded.prices.get(item.price)
    metered = price is not None and (price.recurring or {}).get("usage_type") == "metered"
    return [
        Cell(loaded.name_of(item), below=item.id),
        Cell(price_text(price, currency) if price else item.price),
        Cell("by usage" if metered else str(item.quantity or 1)),
        Cell(f"{start} to {end}"),
    ]


def price_text(price: Price, currency: str | None = None) -> str:
    """Return a price in a few words: its amount or its tiers, and how often.

    The amount is that in one of its optional currencies, where one is said that it has.
    """
    every = price.recurring or {}
    number = every.get("interval_count", 1)
    often = (
        f" every {number} {every['interval']}s" if number != 1 else f" a {every['interval']}" if every else ""
    )
    if price.billing_scheme == "tiered":
        return f"{price.tiers_mode} tiers{often}"
    rate = rate_of(price, currency if currency in price.currency_options else None)
    if rate.unit_amount is None:
        return "custom amount"
    package = price.transform_quantity
    each = f" per {package['divide_by']:,}" if package else ""
    return f"{price_view.rate(rate.unit_amount, rate.currency).text}{each}{often}"


def discounted(tx: Tx, one: Subscription) -> list[tuple[str, Cell]]:
    """Return the discounts of a subscription, each with what it takes off."""
    return [("Discount", Cell(words)) for _, words in discounts_named.of(tx, one.discounts)]


def pairs(place: Place, loaded: Loaded, one: Subscription) -> list[tuple[str, Cell]]:
    customer = customers_named.name(loaded.customers, one.customer)
    return [
        ("Id", facts.id_of(one.id)),
        ("Customer", Cell(customer, link=place.visit.to(f"/customers/{one.customer}"))),
        ("Collection", Cell(COLLECTION[one.collection_method])),
        ("Started", Cell(layout.when(one.start_date, place.zone))),
        ("Billing anchor", Cell(layout.when(one.billing_cycle_anchor, place.zone))),
        ("Billing mode", facts.text((one.billing_mode or {}).get("type"))),
        ("Schedule", facts.text(one.schedule)),
        ("Test clock", facts.text(one.test_clock)),
    ]
