"""Prices: what a product costs, as an amount or tiers, with interval and meter."""

from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import CREATE, SHOWN, WRITE, plain
from billow.api.params import Params
from billow.api.resource import REGISTRY, Resource, Where
from billow.core.bounds import LARGEST
from billow.core.errors import Inconsistent, Refused, require
from billow.core.money import CURRENCIES
from billow.resources.product import TaxDetails, check_active
from billow.store.search import Searched
from billow.store.tx import Tx

LONGEST = {"day": 1095, "week": 156, "month": 36, "year": 3}
"""The longest interval count of each interval: three years."""
BEHAVIORS = ("exclusive", "inclusive", "unspecified")


class Recurring(Params):
    interval: str = f.choice(CREATE, "day", "week", "month", "year", required=True)
    interval_count: int = f.integer(min=1, default=1)
    meter: str | None = f.ref("billing.meter")
    trial_period_days: int | None = f.integer(min=1, max=730)
    usage_type: str = f.choice(CREATE, "licensed", "metered", default="licensed")


class Tier(Params):
    flat_amount: int | None = f.amount(min=0)
    flat_amount_decimal: Decimal | None = f.decimal(min=0, max=LARGEST)
    unit_amount: int | None = f.amount(min=0)
    unit_amount_decimal: Decimal | None = f.decimal(min=0, max=LARGEST)
    up_to: str = f.text(required=True)


class TransformQuantity(Params):
    divide_by: int = f.integer(min=1, required=True)
    round: str = f.choice(CREATE, "down", "up", required=True)


class CustomUnitAmount(Params):
    enabled: bool = f.boolean(required=True)
    maximum: int | None = f.amount(min=0)
    minimum: int | None = f.amount(min=0)
    preset: int | None = f.amount(min=0)


class CurrencyOption(Params):
    custom_unit_amount: CustomUnitAmount | None = f.nested(shape=CustomUnitAmount)
    tax_behavior: str | None = f.choice(CREATE, *BEHAVIORS)
    tiers: list[Tier] | None = f.array(item=Tier)
    unit_amount: int | None = f.amount(min=0)
    unit_amount_decimal: Decimal | None = f.decimal(min=0, max=LARGEST)


class ProductData(Params):
    """A product that is created with its price."""

    active: bool = f.boolean(default=True)
    id: str | None = f.text(max=255)
    metadata: dict[str, str] = f.metadata()
    name: str = f.text(required=True)
    statement_descriptor: str | None = f.line(max=22, unset=True)
    tax_code: str | None = f.text(unset=True)
    tax_details: TaxDetails | None = f.nested(shape=TaxDetails)
    unit_label: str | None = f.text(unset=True)


class Price(Resource, object="price", path="/v1/prices", prefix="price_"):
    """What a product costs. Its amounts never change; a new price is created instead."""

    among = "not inline"
    steady = True
    searched = {
        "active": Searched("flag", "active"),
        "currency": Searched("token", "currency"),
        "lookup_key": Searched("whole", "lookup_key"),
        "metadata": Searched("metadata"),
        "product": Searched("token", "product"),
        "type": Searched("token", "type"),
    }

    active: bool = f.boolean(WRITE, default=True, filter=True)
    billing_scheme: str = f.choice(CREATE, "per_unit", "tiered", default="per_unit")
    currency: str = f.currency(CREATE, required=True, filter=True)
    currency_options: dict[str, Any] = f.map_of(WRITE, CurrencyOption, default={}, include=True, unset=True)
    custom_unit_amount: dict[str, Any] | None = f.nested(CREATE, CustomUnitAmount)
    lookup_key: str | None = f.text(WRITE, max=200, unset=True)
    metadata: dict[str, str] = f.metadata()
    nickname: str | None = f.text(WRITE, unset=True)
    product: str = f.ref("product", CREATE, filter=True)
    product_data: Any = f.nested(CREATE, ProductData, order=True)
    recurring: dict[str, Any] | None = f.nested(CREATE, Recurring)
    tax_behavior: str = f.choice(WRITE, *BEHAVIORS, default="unspecified")
    tiers: list[dict[str, Any]] | None = f.array(CREATE, Tier, include=True)
    tiers_mode: str | None = f.choice(CREATE, "graduated", "volume")
    transfer_lookup_key: bool = f.boolean(WRITE, default=False, order=True)
    transform_quantity: dict[str, Any] | None = f.nested(CREATE, TransformQuantity)
    type: str = f.choice(SHOWN, "one_time", "recurring", default="one_time", filter=True)
    unit_amount: int | None = f.amount(CREATE, min=0)
    unit_amount_decimal: Decimal | None = f.decimal(CREATE, min=0, max=LARGEST)

    inline: bool = f.boolean(default=False, hidden=True)
    """Whether lists omit it: created from price_data for one use, or a deleted plan that is still in use."""


# ------------------------------------------------------------------------------------- what is valid


def drafted(tx: Tx, price: Price) -> Price:
    """Check a new price and return it as it is stored; a refusal names the wrong param (§2.2)."""
    if price.billing_scheme == "tiered":
        price = _tiered(price)
    else:
        require(
            price.tiers is None and price.tiers_mode is None,
            "You can only set tiers with billing_scheme=tiered.",
            param="tiers" if price.tiers is not None else "tiers_mode",
        )
        price = _flat(price)
    options = {currency: amounts(currency, option) for currency, option in price.currency_options.items()}
    _check_recurring(tx, price.recurring)
    return price.but(currency_options=options, type="recurring" if price.recurring else "one_time")


def _flat(price: Price) -> Price:
    given = [
        name
        for name in ("unit_amount", "unit_amount_decimal", "custom_unit_amount")
        if getattr(price, name) is not None
    ]
    if not given:
        raise Refused("Missing required param: unit_amount.", param="unit_amount", code="parameter_missing")
    if len(given) > 1:
        raise Refused(
            f"You may only specify one of these parameters: {', '.join(given)}.",
            param=given[1],
            code="parameters_exclusive",
        )
    if price.custom_unit_amount is not None:
        require(
            price.custom_unit_amount.get("enabled"),
            "custom_unit_amount[enabled] must be true.",
            param="custom_unit_amount[enabled]",
        )
        require(
            price.recurring is None,
            "custom_unit_amount cannot be used with recurring prices.",
            param="custom_unit_amount",
        )
        custom = {name: price.custom_unit_amount.get(name) for name in ("maximum", "minimum", "preset")}
        return price.but(custom_unit_amount=custom)
    exact = price.unit_amount_decimal if price.unit_amount is None else Decimal(price.unit_amount)
    if exact is None:
        raise Inconsistent(f"The price {price.id} has no amount.")
    return price.but(unit_amount=whole(exact), unit_amount_decimal=exact)


def _tiered(price: Price) -> Price:
    for name in ("unit_amount", "unit_amount_decimal", "custom_unit_amount", "transform_quantity"):
        require(
            getattr(price, name) is None, f"You cannot specify {name} with billing_scheme=tiered.", param=name
        )
    for name in ("tiers", "tiers_mode"):
        require(
            getattr(price, name), f"Missing required param: {name}.", param=name, code="parameter_missing"
        )
    return price.but(tiers=tiers_of(price.tiers or [], "tiers"))


def tiers_of(given: list[dict[str, Any]], at: str) -> list[dict[str, Any]]:
    """Return tiers as they are stored: ascending, the last without limit, amounts as integer and decimal."""
    found: list[dict[str, Any]] = []
    for place, tier in enumerate(given):
        where, end = f"{at}[{place}]", tier["up_to"]
        last = place == len(given) - 1
        require(
            (end == "inf") == last,
            "The last tier, and only the last, must have up_to=inf.",
            param=f"{where}[up_to]",
        )
        before = found[-1]["up_to"] if found else 0
        require(
            last or (end.isdecimal() and end.isascii() and len(end) < 16 and int(end) > before),
            "Tiers must be sorted by up_to, which are positive integers.",
            param=f"{where}[up_to]",
        )
        unit, flat = _both(tier, "unit_amount", where), _both(tier, "flat_amount", where)
        require(
            unit["unit_amount_decimal"] or flat["flat_amount_decimal"],
            "Each tier needs a unit_amount or a flat_amount.",
            param=f"{where}[unit_amount]",
        )
        require(
            flat["flat_amount_decimal"] is None or flat["flat_amount"] is not None,
            "flat_amount_decimal must be a whole number of minor units.",
            param=f"{where}[flat_amount_decimal]",
        )
        found.append({**flat, **unit, "up_to": None if last else int(end)})
    return found


def _both(given: dict[str, Any], name: str, at: str) -> dict[str, Any]:
    """Return both forms of an amount that was sent as an integer or a decimal."""
    integer, exact = given.get(name), given.get(f"{name}_decimal")
    require(
        integer is None or exact is None,
        f"You may only specify one of {name} and {name}_decimal.",
        param=f"{at}[{name}_decimal]",
        code="parameters_exclusive",
    )
    value = Decimal(integer) if integer is not None else Decimal(exact) if exact is not None else None
    return {
        name: None if value is None else whole(value),
        f"{name}_decimal": None if value is None else plain(value),
    }


def amounts(currency: str, option: dict[str, Any]) -> dict[str, Any]:
    """Return the amounts of a price in another currency, as they are stored."""
    at = f"currency_options[{currency}]"
    require(currency in CURRENCIES, f"Invalid currency: {currency[:12]}.", param=at)
    tiers, custom = option.get("tiers"), option.get("custom_unit_amount")
    return {
        **_both(option, "unit_amount", at),
        "tax_behavior": option.get("tax_behavior") or "unspecified",
        "tiers": tiers_of(tiers, f"{at}[tiers]") if tiers else None,
        "custom_unit_amount": custom
        and {name: custom.get(name) for name in ("maximum", "minimum", "preset")},
    }


def whole(value: Decimal) -> int | None:
    """Return the decimal as an integer, or None if it is not one."""
    return int(value) if value == value.to_integral_value() else None


def _check_recurring(tx: Tx, recurring: dict[str, Any] | None) -> None:
    if recurring is None:
        return
    most = LONGEST[recurring["interval"]]
    require(
        recurring["interval_count"] <= most,
        f"The maximum number of {recurring['interval']}s is {most}.",
        param="recurring[interval_count]",
    )
    metered, meter = recurring["usage_type"] == "metered", recurring["meter"]
    require(
        not metered or meter,
        "Metered prices must be backed by a meter: pass recurring[meter].",
        param="recurring[meter]",
        code="parameter_missing",
    )
    require(
        metered or not meter,
        "You can only set recurring[meter] with recurring[usage_type]=metered.",
        param="recurring[meter]",
    )
    if meter:
        found = rows.find(tx, REGISTRY["billing.meter"], meter, param="recurring[meter]")
        require(
            getattr(found, "status", "") == "active",
            f"The meter {meter} is inactive.",
            param="recurring[meter]",
        )


def has_amount(price: Price, currency: str | None = None) -> bool:
    """Return whether a price costs something in a currency, its own by default.

    It has no amount where the customer chooses it, and in an optional currency for which none was given.
    """
    option = None if currency in (None, price.currency) else price.currency_options.get(currency or "", {})
    tiers, unit = price.tiers, price.unit_amount_decimal
    if option is not None:
        tiers, unit = option.get("tiers"), option.get("unit_amount_decimal")
    return bool(tiers) if price.billing_scheme == "tiered" else unit is not None


def check_usable(tx: Tx, price: Price, at: str, type: str | None = None) -> Price:
    """Refuse a price for a new use: archived, of an archived product, of another type, without an amount."""
    require(price.active, "The price specified is inactive. This field only accepts active prices.", param=at)
    check_active(tx, price.product, at)
    require(
        type in (None, price.type),
        f"The price specified is set to `type={price.type}` but this field only accepts"
        f" prices with `type={type}`.",
        param=at,
    )
    require(has_amount(price), "The price specified has no unit amount.", param=at)
    return price


# ------------------------------------------------------------------------------------- operations


def insert(tx: Tx, price: Price) -> Price:
    """Insert a checked price; its lookup key may be transferred from the price that has it."""
    price = drafted(tx, price)
    if price.lookup_key:
        _take_lookup_key(tx, price.lookup_key, price.transfer_lookup_key)
    return rows.insert(tx, price)


def _take_lookup_key(tx: Tx, key: str, transfer: bool) -> None:
    """Transfer a lookup key, which one price has: remove it from its holder. Emits `price.updated`."""
    held = rows.select(tx, Price, "lookup_key = %(key)s", "for update", key=key)
    for holder in held:
        require(
            transfer,
            f"A price (`{holder.id}`) already uses that lookup key (`{key}`). Pass"
            " transfer_lookup_key=true"
            " to move it.",
            param="lookup_key",
        )
        rows.update(tx, holder, lookup_key=None)


def update(tx: Tx, price: Price, changes: dict[str, Any]) -> Price:
    """Update a price, except its amounts."""
    transfer = bool(changes.pop("transfer_lookup_key", False))
    if changes.get("active") is False:
        is_default = tx.one("select 1 from products where default_price = %(id)s", id=price.id)
        require(
            not is_default,
            "This price cannot be archived because it is the default price of its product.",
            param="active",
        )
    settled = price.tax_behavior != "unspecified" and changes.get("tax_behavior", price.tax_behavior)
    require(
        not settled or settled == price.tax_behavior,
        "The tax_behavior of a price cannot be changed once it is set.",
        param="tax_behavior",
    )
    if changes.get("lookup_key") and changes["lookup_key"] != price.lookup_key:
        _take_lookup_key(tx, changes["lookup_key"], transfer)
    if "currency_options" in changes:
        sent = {
            currency: amounts(currency, option) for currency, option in changes["currency_options"].items()
        }
        changes["currency_options"] = {**price.currency_options, **sent} if sent else {}
    return rows.update(tx, price, **changes)


class RecurringFilter(Params):
    interval: str | None = f.choice(CREATE, "day", "week", "month", "year")
    meter: str | None = f.text()
    usage_type: str | None = f.choice(CREATE, "licensed", "metered")


class Filters(Params):
    lookup_keys: list[str] | None = f.array(item=f.text(), max=10)
    recurring: RecurringFilter | None = f.nested(shape=RecurringFilter)


@Price.listing(Filters)
def listing(tx: Tx, wanted: Filters) -> Where:
    """List prices, newest first, without those created for a single use."""
    where = Where("not inline")
    if wanted.lookup_keys:
        where = where.also("lookup_key = any(%(lookup_keys)s)", lookup_keys=wanted.lookup_keys)
    for name, value in wanted.recurring.sent().items() if wanted.recurring else ():
        where = where.also(f"recurring->>'{name}' = %(recurring_{name})s", **{f"recurring_{name}": value})
    return where
