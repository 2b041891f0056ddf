"""Declare the params of a schedule's phases, check them, and return phases as they are stored."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN, seconds
from billow.api.params import Params, json_value, specs
from billow.core import schedule as core
from billow.core.errors import Inconsistent, Refused, require
from billow.flows.billing import priced_items
from billow.flows.billing.currency import check_price_currency
from billow.flows.billing.discounts import DiscountTerm, Owner, redeemable
from billow.flows.subscription_terms import dates, one_time_items, params
from billow.flows.subscription_terms.items import (
    Item,
    check_amounts,
    check_price_unused,
    check_quantity,
    check_threshold,
    check_together,
    price_of,
    threshold_of,
)
from billow.flows.taxes import params as taxes
from billow.resources import tax_rate
from billow.resources.customer import Customer
from billow.resources.price import Price
from billow.resources.subscription import BillingThresholds, InvoiceSettings, TransferData
from billow.store.tx import Tx

METHODS = ("charge_automatically", "send_invoice")


class ScheduleInvoiceSettings(InvoiceSettings):
    days_until_due: int | None = f.integer(min=0, max=3650)


class Settings(Params):
    """Settings of the subscription, in one phase or by default in all phases."""

    application_fee_percent: Decimal | None = f.number(min=0, max=100, places=2)
    automatic_tax: taxes.AutomaticTax | None = f.nested(shape=taxes.AutomaticTax)
    billing_cycle_anchor: str | None = f.choice(SHOWN, "automatic", "phase_start")
    billing_thresholds: BillingThresholds | None = f.nested(shape=BillingThresholds, unset=True)
    collection_method: str | None = f.choice(SHOWN, *METHODS)
    default_payment_method: str | None = f.ref("payment_method")
    description: str | None = f.text(max=500, unset=True)
    invoice_settings: ScheduleInvoiceSettings | None = f.nested(shape=ScheduleInvoiceSettings)
    on_behalf_of: str | None = f.ref("account", unset=True)
    transfer_data: TransferData | None = f.nested(shape=TransferData, unset=True)


class Duration(Params):
    interval: str = f.choice(SHOWN, "day", "week", "month", "year", required=True)
    interval_count: int = f.integer(min=1, max=3650, default=1)


class Start(Params):
    timestamp: datetime | None = f.timestamp()
    type: str = f.choice(SHOWN, "max_item_period_start", "phase_start", "timestamp", required=True)


class End(Params):
    timestamp: datetime | None = f.timestamp()
    type: str = f.choice(SHOWN, "min_item_period_end", "phase_end", "timestamp", required=True)


class ExtraPeriod(Params):
    end: End = f.nested(shape=End, required=True)
    start: Start = f.nested(shape=Start, required=True)


OWN_PERIOD = {
    "end": {"timestamp": None, "type": "min_item_period_end"},
    "start": {"timestamp": None, "type": "max_item_period_start"},
}


class PhaseOneTimeItem(one_time_items.OneTimeItem):
    period: ExtraPeriod | None = f.nested(shape=ExtraPeriod)  # type: ignore[assignment]


class NewPhase(Settings):
    add_invoice_items: list[PhaseOneTimeItem] = f.array(SHOWN, PhaseOneTimeItem, max=20, default=[])
    currency: str | None = f.currency()
    default_tax_rates: list[str] | None = f.array(item=f.ref("tax_rate"), max=5, unset=True)
    discounts: list[DiscountTerm] | None = f.array(SHOWN, DiscountTerm, max=20, unset=True)
    duration: Duration | None = f.nested(shape=Duration)
    end_date: datetime | None = f.timestamp()
    items: list[Item] = f.array(SHOWN, Item, max=20, required=True)
    metadata: dict[str, str] = f.metadata()
    proration_behavior: str = f.choice(SHOWN, *params.PRORATIONS, default="create_prorations")
    trial: bool | None = f.boolean()
    trial_end: datetime | None = f.timestamp()


class Phase(NewPhase):
    end_date: datetime | str | None = f.timestamp(choices=("now",))  # type: ignore[assignment]
    start_date: datetime | str | None = f.timestamp(choices=("now",))
    trial_end: datetime | str | None = f.timestamp(choices=("now",))  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class PlanContext:
    """The customer and billing mode of planned phases, and what earlier phases name.

    A phase may name the same again, even if it is archived or spent by now.
    """

    customer: Customer
    classic: bool
    items: Container[str] = ()
    once: Container[str] = ()
    rates: Container[str] = ()
    discounts: Sequence[dict[str, Any]] = ()
    present: Sequence[str] = ()
    """Discounts of the customer and of the subscription."""


@dataclass(frozen=True, slots=True)
class PricedPhase:
    """A requested phase, with the prices of its items and one-time items."""

    wanted: NewPhase
    at: str
    prices: list[Price]
    once: list[Price]
    currency: str


def price_phases(tx: Tx, frame: PlanContext, wanted: Sequence[NewPhase]) -> list[PricedPhase]:
    """Find the prices of the phases, all in one currency; create those that are sent as data."""
    found = [price_phase(tx, frame, phase, f"phases[{place}]") for place, phase in enumerate(wanted)]
    for phase in found:
        require(
            phase.currency == found[0].currency,
            "All phases of a schedule must have the same currency.",
            param=f"{phase.at}[currency]",
        )
    return found


def price_phase(tx: Tx, frame: PlanContext, wanted: NewPhase, at: str) -> PricedPhase:
    """Find and check the prices of one phase."""
    require(wanted.items, "You must pass at least one item.", param=f"{at}[items]")
    prices: dict[str, Price] = {}
    for place, item in enumerate(wanted.items):
        named = f"{at}[items][{place}]"
        price = price_of(tx, item, named, frame.items)
        check_quantity(item, price, named)
        check_threshold(item, price, named)
        with_param(f"{at}[items]", check_price_unused, price, prices)
        prices[price.id] = price
    all_of_them = list(prices.values())
    with_param(f"{at}[items]", check_together, all_of_them, wanted.currency, classic=frame.classic)
    currency = wanted.currency or all_of_them[0].currency
    priced = zip(all_of_them, [item.quantity for item in wanted.items], strict=True)
    check_amounts(priced, currency, f"{at}[items]")
    once = [
        one_time_items.price_of(tx, extra, f"{at}[add_invoice_items][{place}]", frame.once)
        for place, extra in enumerate(wanted.add_invoice_items)
    ]
    with_param(f"{at}[add_invoice_items]", check_price_currency, once, currency)
    extra = zip(once, [one.quantity for one in wanted.add_invoice_items], strict=True)
    check_amounts(extra, currency, f"{at}[add_invoice_items]")
    found = PricedPhase(wanted, at, all_of_them, once, currency)
    check_billing(tx, frame, found)
    return found


def check_billing(tx: Tx, frame: PlanContext, phase: PricedPhase) -> None:
    """Check that discounts can be redeemed now, and that tax rates can be used."""
    wanted = phase.wanted
    tax_rate.check_usable(tx, wanted.default_tax_rates or [], f"{phase.at}[default_tax_rates]", frame.rates)
    check_discounts(tx, frame, phase, wanted.discounts, phase.at)
    for name in ("items", "add_invoice_items"):
        for place, entry in enumerate(getattr(wanted, name)):
            at = f"{phase.at}[{name}][{place}]"
            tax_rate.check_usable(tx, entry.tax_rates or [], f"{at}[tax_rates]", frame.rates)
            check_discounts(tx, frame, phase, entry.discounts, at)


def check_discounts(
    tx: Tx, frame: PlanContext, phase: PricedPhase, wanted: Sequence[DiscountTerm] | None, at: str
) -> None:
    """Check the discounts that no phase had before."""
    fresh = [term for term in wanted or [] if term.shown() not in frame.discounts]
    owner = Owner(frame.customer, phase.currency, present=frame.present, param=f"{at}[discounts]")
    redeemable(tx, fresh, owner)


def with_param(param: str, check: Any, *given: Any, **named: Any) -> None:
    """Run a check, and name this param in its refusal."""
    try:
        check(*given, **named)
    except Refused as refused:
        refused.param = param
        raise


def dates_of(phase: PricedPhase, now: datetime) -> core.Wish:
    """Return the dates of a phase; without `duration` and `end_date` it lasts for its shortest interval."""
    wanted, at = phase.wanted, phase.at
    require(
        wanted.duration is None or wanted.end_date is None,
        "You may only specify one of these parameters: duration, end_date.",
        param=f"{at}[end_date]",
        code="parameters_exclusive",
    )
    start = wanted.start_date if isinstance(wanted, Phase) else None
    length = min((rhythm(price) for price in phase.prices), key=approximate_days)
    if wanted.duration:
        length = (wanted.duration.interval, wanted.duration.interval_count)
    return core.Wish(length, instant_of(start, now), instant_of(wanted.end_date, now))


def rhythm(price: Price) -> core.Length:
    """Return the interval of a recurring price."""
    if not price.recurring:
        raise Inconsistent(f"The price {price.id} of a phase is not recurring.")
    return price.recurring["interval"], price.recurring["interval_count"]


def approximate_days(length: core.Length) -> int:
    """Return the approximate length of an interval, to find the shortest one."""
    return {"day": 1, "week": 7, "month": 30, "year": 365}[length[0]] * length[1]


def instant_of(value: datetime | str | None, now: datetime) -> datetime | None:
    """Return an instant for a timestamp, or now for `now`."""
    return now if isinstance(value, str) else value


def stored_phase(phase: PricedPhase, span: core.Span, now: datetime) -> dict[str, Any]:
    """Return a phase as it is stored and shown."""
    wanted = phase.wanted
    return {
        **stored_settings(wanted),
        "add_invoice_items": [
            stored_one_time_item(*extra) for extra in zip(wanted.add_invoice_items, phase.once, strict=True)
        ],
        "currency": phase.currency,
        "default_tax_rates": wanted.default_tax_rates or [],
        "discounts": stored_discounts(wanted.discounts),
        "end_date": seconds(span.end),
        "items": [stored_item(item, price) for item, price in zip(wanted.items, phase.prices, strict=True)],
        # Empty values are kept: they remove the key from the subscription's metadata in the phase (X111).
        "metadata": {key: value for key, value in wanted.metadata.items() if key},
        "proration_behavior": wanted.proration_behavior,
        "start_date": seconds(span.start),
        "trial": wanted.trial,
        "trial_end": seconds(trial_of(phase, span, now)),
    }


def stored_settings(wanted: Settings) -> dict[str, Any]:
    """Return settings as they are stored."""
    found = {name: json_value(spec, getattr(wanted, name)) for name, spec in specs(Settings).items()}
    if wanted.automatic_tax:
        found["automatic_tax"] = {"disabled_reason": None, **found["automatic_tax"]}
    return found


def stored_item(item: Item, price: Price) -> dict[str, Any]:
    """Return an item of a phase as it is stored."""
    metered = priced_items.meter_of(price) is not None
    return {
        "billing_thresholds": threshold_of(item),
        "discounts": stored_discounts(item.discounts),
        "metadata": {key: value for key, value in item.metadata.items() if key},
        "plan": price.id,
        "price": price.id,
        "quantity": None if metered else 1 if item.quantity is None else item.quantity,
        "tax_rates": item.tax_rates or [],
    }


def stored_discounts(wanted: Sequence[DiscountTerm] | None) -> list[dict[str, Any]]:
    """Return discounts as they are stored."""
    return [term.shown() for term in wanted or []]


def stored_one_time_item(extra: one_time_items.OneTimeItem, price: Price) -> dict[str, Any]:
    """Return a one-time item as it is stored."""
    return {
        "discountable": extra.discountable,
        "discounts": stored_discounts(extra.discounts),
        "metadata": {key: value for key, value in extra.metadata.items() if value},
        "period": extra.period.shown() if extra.period else OWN_PERIOD,
        "price": price.id,
        "quantity": extra.quantity,
        "tax_rates": extra.tax_rates or [],
    }


def trial_of(phase: PricedPhase, span: core.Span, now: datetime) -> datetime | None:
    """Return the end of a phase's trial; `trial` means the whole phase."""
    wanted, param = phase.wanted, f"{phase.at}[trial_end]"
    until = instant_of(wanted.trial_end, now)
    whole = bool(wanted.trial)
    require(
        not (whole and until not in (None, span.end)),
        "With `trial=true` the trial ends with its phase: `trial_end` must be its `end_date`.",
        param=param,
    )
    require(
        until is None or until == now or span.start < until <= span.end,
        "The trial_end of a phase must be within the phase.",
        param=param,
    )
    if until == now:
        return None
    until = span.end if whole else until
    require(
        until is None or until <= span.start + dates.LONGEST_TRIAL,
        "A trial can last two years at most.",
        param=param,
    )
    require(
        until is None or wanted.billing_cycle_anchor != "phase_start",
        "You cannot set `billing_cycle_anchor=phase_start` on a phase with a trial.",
        param=f"{phase.at}[billing_cycle_anchor]",
    )
    return until
