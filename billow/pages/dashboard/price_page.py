"""Show one price: what quantities cost by it, who has it, and archive it or make it the default."""

from collections.abc import Mapping

import flask

from billow.api import rows
from billow.core import lifecycle
from billow.core.errors import Refused, require
from billow.flows.billing import priced_items
from billow.flows.catalog import prices as catalog_prices
from billow.pages import frame
from billow.pages.dashboard import facts, layout, price_editor, price_view, products, subscriptions
from billow.pages.dashboard.layout import Cell
from billow.pages.dashboard.lists import Column, Place
from billow.pages.dashboard.visit import Desk, Visit, screen, typed
from billow.resources import price as prices
from billow.resources.meter import Meter
from billow.resources.price import Price
from billow.resources.product import Product
from billow.resources.product import update as update_product
from billow.store.tx import Tx

MOST = 10_000
"""Up to how many subscriptions are counted."""


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/prices/<id>", "customers.read", shown, writes=acted, writing=price_editor.RIGHT)


def shown(visit: Visit, id: str, problem: str | None = None) -> flask.Response:
    with visit.reads() as tx:
        one = rows.find(tx, Price, id)
        product = rows.find(tx, Product, one.product)
        place = facts.place_of(visit, tx)
        values = {
            "metadata": facts.metadata(one),
            "pairs": pairs(tx, place, one, product),
            "story": facts.story(tx, place, [id]),
        }
    rated = prices.has_amount(one)
    quantity = typed().get("quantity", "")
    return layout.page(
        visit,
        "price.html",
        f"{product.name}: {subscriptions.price_text(one)}",
        422 if problem else 200,
        acts=acts_of(visit, one, product),
        active=one.active,
        back=visit.to(f"/products/{product.id}"),
        here=visit.to(f"/prices/{id}"),
        is_default=product.default_price == id,
        problem=problem,
        product=product.name,
        tier_columns=(Column("Up to"), Column("Each", True), Column("Flat fee", True)),
        tiers=products.tier_rows(one),
        view=price_view.values(priced_items.rate_of(one), quantity) if rated else None,
        **values,
    )


def acts_of(visit: Visit, one: Price, product: Product) -> list[tuple[str, str]]:
    """Return what this person can do with a price now: the name of the act and its button."""
    if not visit.may(price_editor.RIGHT):
        return []
    default = product.default_price == one.id
    if not one.active:
        return [("restore", "Offer it again")]
    return [] if default else [("default", "Make it the default"), ("archive", "Archive")]


def pairs(tx: Tx, place: Place, one: Price, product: Product) -> list[tuple[str, Cell]]:
    every = one.recurring or {}
    meter = rows.find_many(tx, Meter, [every.get("meter") or ""]).get(every.get("meter") or "")
    usage = Cell("By quantity") if every else Cell("Once")
    if meter:
        usage = Cell(f"By usage: {meter.display_name}", link=place.visit.to(f"/meters/{meter.id}"))
    package = one.transform_quantity
    taxed = {"exclusive": "Added", "inclusive": "Included"}.get(one.tax_behavior, "As the settings say")
    return [
        ("Id", facts.id_of(one.id)),
        ("Product", Cell(product.name, link=place.visit.to(f"/products/{product.id}"))),
        ("Quantity", usage),
        (
            "Package",
            facts.text(f"{package['divide_by']:,} units, rounded {package['round']}" if package else ""),
        ),
        ("Other currencies", facts.text(", ".join(name.upper() for name in sorted(one.currency_options)))),
        ("Tax", Cell(taxed)),
        ("Name", facts.text(one.nickname)),
        ("Lookup key", facts.text(one.lookup_key)),
        ("Subscriptions", Cell(subscribed(tx, one))),
        ("Created", Cell(layout.when(one.created, place.zone))),
    ]


def subscribed(tx: Tx, one: Price) -> str:
    """Count the running subscriptions that have a price, exactly up to ten thousand."""
    [(number,)] = tx.tuples(
        "select count(*) from ("
        " select 1 from subscription_items i join subscriptions s on s.id = i.subscription"
        " where i.price = %(id)s and s.status <> all(%(ended)s) limit %(most)s) some_rows",
        id=one.id,
        ended=list(lifecycle.ENDED),
        most=MOST + 1,
    )
    return f"{number:,}" if number <= MOST else f"over {MOST:,}"


def acted(visit: Visit, form: Mapping[str, str], id: str) -> flask.Response:
    """Archive a price, offer it again, or make it the default; who has subscribed to it keeps it."""
    act = form.get("act", "")
    try:
        with visit.desk.db.transaction(visit.tenant) as tx:
            one = rows.lock(tx, Price, id)
            product = rows.lock(tx, Product, one.product)
            possible = dict(acts_of(visit, one, product))
            require(act in possible, "This can no longer be done: the price has changed.")
            visit.note(tx, f"prices.{act}", id, product=product.id)
            if act == "default":
                update_product(tx, product, {"default_price": id})
            else:
                catalog_prices.update_price(tx, one, {"active": act == "restore"})
    except Refused as error:
        return shown(visit, id, error.message)
    return frame.see(visit.to(f"/prices/{id}"))
