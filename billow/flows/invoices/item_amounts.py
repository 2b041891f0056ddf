"""Calculate what an invoice item charges: an amount, or a price or unit amount times a quantity."""

from decimal import Decimal
from typing import Any, Protocol

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params, missing
from billow.core import pricing
from billow.core.bounds import LARGEST
from billow.core.errors import require
from billow.core.money import EXACT, round_half_away
from billow.flows.billing import priced_items
from billow.flows.billing.currency import check_price_currency
from billow.flows.catalog.prices import NewProduct, create_inline
from billow.resources.invoice_item import InvoiceItem
from billow.resources.price import BEHAVIORS, Price, check_usable
from billow.resources.product import Product
from billow.store.tx import Tx

MOST = 10**12
"""The largest quantity."""
FORMS = ("amount", "pricing", "price_data", "unit_amount_decimal")
PRICED = (*FORMS, "quantity", "quantity_decimal")
"""Every param that says what an item charges."""


class Pricing(Params):
    price: str | None = f.ref("price")


class ItemPriceData(Params):
    """A one-time price that is created for this item; a negative amount is a credit."""

    currency: str = f.currency(required=True)
    product: str = f.ref("product", required=True)
    tax_behavior: str = f.choice(SHOWN, *BEHAVIORS, default="unspecified")
    unit_amount: int | None = f.amount()
    unit_amount_decimal: Decimal | None = f.decimal(min=-LARGEST, max=LARGEST)


class LinePriceData(ItemPriceData):
    """A one-time price that is created for this line, of a product that exists or of a new one."""

    product: str | None = f.ref("product")  # type: ignore[assignment]
    product_data: NewProduct | None = f.nested(shape=NewProduct)


class Priced(Protocol):
    """Params that say what an item charges."""

    amount: int | None
    description: str | None
    quantity: int | None
    quantity_decimal: Decimal | None

    @property
    def pricing(self) -> Pricing | None: ...
    @property
    def price_data(self) -> Params | None: ...
    def given(self, name: str) -> bool: ...


def quantity_of(wanted: Priced, at: str = "") -> Decimal | None:
    """Return the quantity that a request names, as a whole number or as a decimal; None without one."""
    require(
        wanted.quantity is None or wanted.quantity_decimal is None,
        "You may only specify one of these parameters: quantity, quantity_decimal.",
        param=named(at, "quantity_decimal"),
        code="parameters_exclusive",
    )
    return wanted.quantity_decimal if wanted.quantity is None else Decimal(wanted.quantity)


def named(at: str, name: str) -> str:
    """Return the path of a param within the one that holds it."""
    return f"{at}[{name}]" if at else name


def form_of(wanted: Priced, at: str = "") -> str | None:
    """Return which param says what an item charges; refuse more than one."""
    given = [name for name in FORMS if getattr(wanted, name, None) is not None]
    require(
        len(given) <= 1,
        f"You may only specify one of these parameters: {', '.join(given)}.",
        param=named(at, given[0]) if given else None,
        code="parameters_exclusive",
    )
    return given[0] if given else None


def price_of(tx: Tx, wanted: Priced, at: str = "") -> Price:
    """Find the one-time price of a request, or create it from `price_data`."""
    if wanted.price_data:
        return create_inline(tx, wanted.price_data, named(at, "price_data"))
    path = f"{named(at, 'pricing')}[price]"
    id = wanted.pricing.price if wanted.pricing else None
    if id is None:
        raise missing(path)
    return check_usable(tx, rows.find(tx, Price, id, param=path), path, "one_time")


def by_price(tx: Tx, price: Price, currency: str, quantity: Decimal, at: str = "") -> dict[str, Any]:
    """Return the amount fields of so many units of a one-time price."""
    check_price_currency([price], currency, at or "currency")
    rate = priced_items.rate_of(price, currency)
    return {
        "amount": pricing.amount(rate, quantity),
        "price": price.id,
        "product": price.product,
        "quantity_decimal": quantity,
        "unit_amount_decimal": rate.unit_amount,
    }


def by_unit(unit: Decimal, quantity: Decimal) -> dict[str, Any]:
    """Return the amount fields of so many units at an amount that no price has."""
    return {
        "amount": round_half_away(EXACT.multiply(unit, quantity)),
        "price": None,
        "product": None,
        "quantity_decimal": quantity,
        "unit_amount_decimal": unit,
    }


def new_amount(tx: Tx, wanted: Any, known: str | None, at: str = "") -> dict[str, Any]:
    """Return the amount fields of a new item, with its currency: the one sent, else `known` or its price's.

    An item of a price is described by its product.
    """
    form, quantity = form_of(wanted, at), quantity_of(wanted, at)
    require(
        form,
        "You must pass exactly one of amount, pricing, price_data or unit_amount_decimal.",
        param=named(at, "amount"),
    )
    if form in ("pricing", "price_data"):
        price = price_of(tx, wanted, at)
        currency = known or price.currency
        found = by_price(tx, price, currency, Decimal(1) if quantity is None else quantity, at)
        product = rows.find(tx, Product, price.product)
        described = {"currency": currency, "description": wanted.description or product.name}
        return {**found, **described, "discountable": discountable(wanted, found["amount"])}
    if known is None:
        raise missing(named(at, "currency"))
    require(
        form != "amount" or quantity in (None, 1),
        "You cannot pass a quantity with an amount.",
        param=named(at, "quantity"),
    )
    unit = Decimal(wanted.amount) if form == "amount" else wanted.unit_amount_decimal
    found = by_unit(unit, Decimal(1) if quantity is None else quantity)
    described = {"currency": known, "description": wanted.description}
    return {**found, **described, "discountable": discountable(wanted, found["amount"])}


def discountable(wanted: Any, amount: int) -> bool:
    """Return whether discounts apply to a new item: by default to charges, and not to credits."""
    return amount >= 0 if wanted.discountable is None else bool(wanted.discountable)


def changed_amount(tx: Tx, item: InvoiceItem, wanted: Any, at: str = "") -> dict[str, Any]:
    """Return the amount fields that a request changes of an item."""
    form, given = form_of(wanted, at), quantity_of(wanted, at)
    quantity = item.quantity_decimal if given is None else given
    if form in ("pricing", "price_data"):
        price = price_of(tx, wanted, at)
        product = rows.find(tx, Product, price.product)
        return {**by_price(tx, price, item.currency, quantity, at), "description": product.name}
    if form == "unit_amount_decimal":
        return by_unit(wanted.unit_amount_decimal, quantity)
    if form == "amount":
        # With a quantity of zero no unit amount gives this amount, so the amount itself is kept.
        unit = Decimal(wanted.amount) / (quantity or 1)
        return {"amount": wanted.amount, "quantity_decimal": quantity, "unit_amount_decimal": unit}
    if given is None:
        return {}
    price_now = rows.find(tx, Price, item.price) if item.price else None
    if price_now and priced_items.rate_of(price_now, item.currency).unit_amount == item.unit_amount_decimal:
        return by_price(tx, price_now, item.currency, quantity, at)
    amount = round_half_away(EXACT.multiply(item.unit_amount_decimal or Decimal(0), quantity))
    return {"amount": amount, "quantity_decimal": quantity}
