"""State the tax of an invoice in the currency of the seller's tax office (art. 230 of Directive 2006/112)."""

import logging
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from billow.core import exchange
from billow.core.exchange import Rate
from billow.core.money import decimal_text
from billow.flows.outside.seller import seller_of
from billow.resources.invoice import Invoice
from billow.store import bulk
from billow.store.tx import Tx

log = logging.getLogger("billow.taxes")
NOTE = "exchange_rates"
TOLD = "exchange_rates.told"
COLUMNS = ["currency", "valid_on", "rate"]
MISSING = (
    "select i.currency, count(*) as invoices, min(i.finalized_at) as since from invoices i"
    " where i.national_tax ->> 'amount' is null and i.national_tax is not null and i.status <> 'void'"
    " group by i.currency order by i.currency"
)


def load(tx: Tx, rates: Sequence[Rate]) -> int:
    """Keep rates, in place of those of the same days and currencies; return how many there are now."""
    latest = {(one.currency, one.on): one for one in rates}
    tx.run(
        "delete from exchange_rates where (currency, valid_on) in"
        " (select * from unnest(%(currencies)s::text[], %(days)s::date[]))",
        currencies=[currency for currency, _ in latest],
        days=[on for _, on in latest],
    )
    if latest:
        written = [
            {"currency": one.currency, "valid_on": one.on, "rate": one.rate} for one in latest.values()
        ]
        bulk.insert_many(tx, "exchange_rates", COLUMNS, written)
    tx.notes.pop(NOTE, None)
    found = tx.one("select count(*) as count from exchange_rates")
    return int(found["count"]) if found else 0


def rates_on(tx: Tx, on: date) -> dict[str, Rate]:
    """Return the latest rates that a day has, once per transaction for each day."""
    held: dict[date, dict[str, Rate]] = tx.notes.setdefault(NOTE, {})
    if on not in held:
        found = tx.all(
            "select distinct on (currency) currency, valid_on, rate from exchange_rates"
            " where valid_on <= %(on)s and valid_on > %(before)s order by currency, valid_on desc",
            on=on,
            before=on - exchange.OLDEST,
        )
        held[on] = {row["currency"]: Rate(row["currency"], row["valid_on"], row["rate"]) for row in found}
    return held[on]


def of_invoice(tx: Tx, invoice: Invoice) -> dict[str, Any] | None:
    """Return the tax of an invoice in the seller's national currency, to be kept with the invoice.

    None where nothing is to be stated; without an amount where the rate is missing, which is logged.
    """
    tax = sum(one["amount"] for one in invoice.total_taxes)
    seller = seller_of(tx)
    wanted = exchange.currency_of(seller.country or "")
    if not tax or wanted in (None, invoice.currency):
        return None
    on = tx.now.astimezone(ZoneInfo(seller.time_zone)).date()
    found = exchange.converted(tax, invoice.currency, str(wanted), rates_on(tx, on))
    if found is None:
        tell(tx, invoice.currency, str(wanted), on)
        return {"currency": wanted}
    return {
        "currency": found.currency,
        "amount": found.amount,
        "rate": decimal_text(found.rate),
        "on": found.on.isoformat(),
    }


def tell(tx: Tx, currency: str, wanted: str, on: date) -> None:
    """Log that a rate is missing, once for each currency and transaction."""
    told: set[str] = tx.notes.setdefault(TOLD, set())
    if currency not in told:
        told.add(currency)
        log.warning(
            "%s: invoices in %s of %s say no tax in %s, as there is no exchange rate: billow rates load",
            tx.tenant,
            currency.upper(),
            on,
            wanted.upper(),
        )


def of_part(kept: Mapping[str, Any] | None, tax: int, whole: int) -> dict[str, Any] | None:
    """Return the part of an invoice's tax that a credit note takes back, at the rate of the invoice."""
    if not kept or kept.get("amount") is None or not tax or not whole:
        return None
    sign = 1 if kept["amount"] * tax * whole >= 0 else -1
    amount = (2 * abs(kept["amount"] * tax) + abs(whole)) // (2 * abs(whole))
    return {**kept, "amount": sign * amount}


def latest(tx: Tx) -> list[dict[str, Any]]:
    """List the latest rate of each currency."""
    return tx.all(
        "select distinct on (currency) upper(currency) as currency, rate, valid_on from exchange_rates"
        " order by currency, valid_on desc"
    )


def missing(tx: Tx) -> list[dict[str, Any]]:
    """List, by currency, the invoices that were issued without a rate."""
    return tx.all(MISSING)
