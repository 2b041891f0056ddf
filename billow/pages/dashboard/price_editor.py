"""Add a price to a product: its model, its tiers, and a calculator before anything is stored."""

from collections.abc import Mapping
from typing import Any, cast

import flask

from billow.api import operation, rows
from billow.core.errors import Refused, require
from billow.core.money import CURRENCIES, decimal_text, minor_rate, ungrouped
from billow.flows.billing import priced_items
from billow.flows.catalog import prices as catalog_prices
from billow.pages.dashboard import layout, price_view, sent_once, simple_form
from billow.pages.dashboard.visit import Desk, Visit, screen, typed
from billow.resources import price as prices
from billow.resources import product as products
from billow.resources.meter import Meter
from billow.resources.price import Price
from billow.resources.product import Product
from billow.store.tx import Tx

RIGHT = "catalog.write"
MODELS = (
    ("per_unit", "Each unit costs the same; a flat fee is one unit"),
    ("package", "Packages: each started package costs the same"),
    ("graduated", "Graduated: each unit costs what its tier says"),
    ("volume", "Volume: all units cost what the tier of the last one says"),
)
ROUNDS = (("up", "Each started package counts"), ("down", "Only full packages count"))
INTERVALS = (
    ("month", "Months"),
    ("year", "Years"),
    ("week", "Weeks"),
    ("day", "Days"),
    ("once", "Once, not recurring"),
)
TAXES = (
    ("unspecified", "As the account's settings say"),
    ("exclusive", "Tax is added"),
    ("inclusive", "Tax is included"),
)
TIERS, MOST_TIERS, MOST_METERS = 4, 20, 200


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/products/<id>/prices/new", RIGHT, shown, writes=acted)


def shown(
    visit: Visit, id: str, problem: str | None = None, form: Mapping[str, str] | None = None
) -> flask.Response:
    """Show the editor, and with what is filled in also the curves and the calculator."""
    given = form if form is not None else typed()
    view = None
    with visit.reads() as tx:
        product = rows.find(tx, Product, id)
        meters = rows.select(tx, Meter, "status = 'active'", f"order by created desc limit {MOST_METERS}")
        known = [(one.id, f"{one.display_name} ({one.event_name})") for one in meters]
        if given.get("show"):
            try:
                drafted = prices.drafted(tx, read(tx, id, given))
                view = price_view.values(priced_items.rate_of(drafted), given.get("quantity", ""))
            except Refused as refused:
                problem = problem or refused.message
    return layout.page(
        visit,
        "price_editor.html",
        f"New price: {product.name}",
        422 if form is not None and problem else 200,
        back=visit.to(f"/products/{id}"),
        given=given,
        here=visit.to(f"/products/{id}/prices/new"),
        hidden=[(key, text) for key, text in given.items() if key not in ("token", "form", "act") and text],
        intervals=INTERVALS,
        meters=[("", "By quantity, not by usage"), *known],
        models=MODELS,
        number=sent_once.number(),
        problem=problem,
        rounds=ROUNDS,
        taxes=TAXES,
        tiers=range(1, max(TIERS, min(filled(given) + 2, MOST_TIERS)) + 1),
        view=view,
    )


def read(tx: Tx, product: str, form: Mapping[str, str]) -> Price:
    """Read the price that a form wants; it is not stored."""
    return cast(Price, operation.draft(tx, Price, sent_of(product, form)))


def filled(form: Mapping[str, str]) -> int:
    """Return the number of the last row of tiers in which something is filled in."""
    names = ("up-to", "unit", "flat")
    used = [row for row in range(1, MOST_TIERS + 1) if any(form.get(f"{name}-{row}") for name in names)]
    return max(used, default=0)


def sent_of(product: str, form: Mapping[str, str]) -> dict[str, Any]:
    """Return the params of a new price, as a request would send them."""
    currency, model = form.get("currency", "").strip().lower(), form.get("model") or "per_unit"
    require(currency in CURRENCIES, "Choose a currency by its three letters, such as EUR.")
    require(model in dict(MODELS), "There is no such model.")
    sent: dict[str, Any] = {"product": product, "currency": currency}
    if model in ("graduated", "volume"):
        sent |= {"billing_scheme": "tiered", "tiers_mode": model, "tiers": tiers_of(form, currency)}
    else:
        sent["unit_amount_decimal"] = minor(form.get("amount", ""), currency)
    if model == "package":
        size = form.get("size", "").strip()
        sent["transform_quantity"] = {"divide_by": size, "round": form.get("round") or "up"}
    if form.get("interval", "month") != "once":
        recurring = {"interval": form.get("interval") or "month", "interval_count": form.get("every") or "1"}
        metered = {"usage_type": "metered", "meter": form["meter"]} if form.get("meter") else {}
        sent["recurring"] = {**recurring, **metered}
    optional = {"nickname": form.get("nickname"), "lookup_key": form.get("lookup_key")}
    sent |= {name: text.strip() for name, text in optional.items() if text and text.strip()}
    return {**sent, "tax_behavior": form.get("tax") or "unspecified"}


def tiers_of(form: Mapping[str, str], currency: str) -> list[dict[str, str]]:
    """Return the filled rows of tiers; the last one has no end, whatever is typed there."""
    found: list[dict[str, str]] = []
    last = filled(form)
    require(last, "Fill in at least one tier.")
    for row in range(1, last + 1):
        end = ungrouped(form.get(f"up-to-{row}", "").strip())
        tier = {"up_to": "inf" if row == last else end or "0"}
        for name, key in (("unit", "unit_amount_decimal"), ("flat", "flat_amount_decimal")):
            if form.get(f"{name}-{row}", "").strip():
                tier[key] = minor(form[f"{name}-{row}"], currency)
        found.append(tier)
    return found


def minor(text: str, currency: str) -> str:
    """Return an amount in minor units, as a request sends it; people type the main unit."""
    try:
        return decimal_text(minor_rate(text, currency))
    except ValueError as error:
        raise Refused(str(error) if text.strip() else "An amount is missing.") from None


def acted(visit: Visit, form: Mapping[str, str], id: str) -> flask.Response:
    """Create the price, and make it the default of its product where that is ticked."""

    def create(tx: Tx) -> str:
        product = rows.lock(tx, Product, id)
        products.active(product, "product")
        made = catalog_prices.create_price(tx, read(tx, id, form))
        if form.get("default"):
            products.update(tx, product, {"default_price": made.id})
        told = {"model": form.get("model"), "currency": made.currency, "default": bool(form.get("default"))}
        visit.note(tx, "prices.create", made.id, product=id, **told)
        return made.id

    return simple_form.done(
        visit,
        f"/products/{id}/prices/new",
        form,
        create,
        lambda problem: shown(visit, id, problem, form),
        lambda _: f"/products/{id}",
    )
