"""Record which periods of an item are billed, find those that wait, and release those of void invoices."""

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.api import rows
from billow.core.errors import Inconsistent
from billow.core.money import EXACT
from billow.flows.billing import oversize, priced_items
from billow.flows.billing.lines import Period
from billow.resources.billing_period import BillingPeriod
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.subscription_item import SubscriptionItem
from billow.store.tx import Tx

Key = tuple[str, datetime]


def unbilled(tx: Tx, subscriptions: Iterable[str]) -> dict[str, list[BillingPeriod]]:
    """Load the closed periods of usage that no invoice bills yet, by subscription, the oldest first.

    A change of a price closes such a period. One statement for any number of subscriptions.
    """
    found: dict[str, list[BillingPeriod]] = {}
    for one in rows.select(
        tx,
        BillingPeriod,
        "subscription = any(%(ids)s) and kind = 'metered' and invoice is null and invoice_item is null",
        ids=sorted(set(subscriptions)),
    ):
        found.setdefault(one.subscription, []).append(one)
    return found


def periods_of(tx: Tx, closed: Sequence[BillingPeriod]) -> list[Period]:
    """Make the periods to bill from closed ones, at the price of their time.

    Their item may have another price by now, or be deleted.
    """
    items = [
        SubscriptionItem(
            id=one.subscription_item,
            created=one.created,
            price=one.price,
            subscription=one.subscription,
            current_period_start=one.period_start,
            current_period_end=one.period_end,
        )
        for one in closed
    ]
    return [
        Period(
            part,
            "metered",
            one.period_start,
            one.period_end,
            counted_from=one.counted_from,
            billed_use=one.billed_use,
        )
        for part, one in zip(priced_items.parts_of_items(tx, items), closed, strict=True)
    ]


def bill_proposed(tx: Tx, subscription: str, invoice: str) -> None:
    """Record the periods that the lines of a paid proposal bill: new ones, and closed usage."""
    lines = rows.below(tx, InvoiceLine, "invoice", [invoice])[invoice]
    begun = {(one.subscription_item, one.period_start): one for one in periods_of_lines(lines)}
    late = [
        one
        for one in unbilled(tx, [subscription]).get(subscription, [])
        if begun.pop((one.subscription_item, one.period_start), None)
    ]
    rows.update_many(tx, [(one, {"invoice": invoice}) for one in late])
    rows.insert_many(tx, list(begun.values()))


def release_of_invoice(tx: Tx, invoice: Invoice) -> None:
    """Release the billing periods of a void invoice, so that no later change credits them."""
    items = "select id from invoice_items where invoice = %(id)s"
    release(
        tx,
        rows.select(
            tx,
            BillingPeriod,
            f"kind = 'licensed' and (invoice = %(id)s or invoice_item in ({items}))",
            id=invoice.id,
        ),
    )


def release_of_items(tx: Tx, items: Sequence[str]) -> None:
    """Release the billing periods of deleted invoice items, so that no later change credits them."""
    release(
        tx, rows.select(tx, BillingPeriod, "kind = 'licensed' and invoice_item = any(%(ids)s)", ids=items)
    )


def release(tx: Tx, periods: Sequence[BillingPeriod]) -> None:
    """Make billing periods empty; their rows stay as a record."""
    rows.update_many(tx, [(period, {"period_end": period.period_start}) for period in periods])


def record(
    tx: Tx,
    lines: Sequence[InvoiceLine],
    late: Sequence[tuple[BillingPeriod, str]],
    counting: Mapping[Key, Mapping[str, Any]],
    out: Container[oversize.Key | None],
) -> None:
    """Record the periods that lines bill; those that are left `out` wait for another invoice.

    `late` are closed periods of usage, each with the id of the invoice that bills it now.
    """
    known = {(one.subscription_item, one.period_start) for one, _ in late}
    begun = [
        (one.but(invoice=None) if key in out else one)
        for one in periods_of_lines(lines, counting)
        for key in [(one.subscription_item, one.period_start)]
        if key not in known
    ]
    made = rows.insert_many(tx, begun)
    stays = [one for one, _ in late if (one.subscription_item, one.period_start) in out]
    rows.update_many(tx, [(one, {"invoice": invoice}) for one, invoice in late if one not in stays])
    oversize.park(tx, [one.id for one in (*made, *stays) if one.invoice is None])


def periods_of_lines(
    lines: Sequence[InvoiceLine], counting: Mapping[Key, Mapping[str, Any]] | None = None
) -> list[BillingPeriod]:
    """Make one billing period for all tiers of an item; `counting` adds how the usage of some is counted."""
    found: dict[Key, BillingPeriod] = {}
    for line in lines:
        if line.kind not in ("licensed", "metered"):
            continue
        if not (line.subscription_item and line.subscription and line.price):
            raise Inconsistent(f"The line {line.id} is of no subscription item.")
        key = line.subscription_item, line.period_start
        before = found[key].quantity if key in found else None
        found[key] = BillingPeriod(
            customer=line.customer,
            subscription=line.subscription,
            subscription_item=line.subscription_item,
            kind=line.kind,
            price=line.price,
            quantity=EXACT.add(before or Decimal(0), line.quantity_decimal or Decimal(0)),
            period_start=line.period_start,
            period_end=line.period_end,
            invoice=line.invoice,
            **((counting or {}).get(key, {})),
        )
    return list(found.values())
