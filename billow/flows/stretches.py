"""Which measured use is still to be billed at the price of its time, though its item has moved on (§5.17)?"""

from collections.abc import Iterable, Sequence

from billow.api import rows
from billow.flows import bill, billed
from billow.flows.bill import Period
from billow.resources.billing_period import BillingPeriod
from billow.resources.invoice_line import InvoiceLine
from billow.resources.subscription_item import SubscriptionItem
from billow.store.tx import Tx


def waiting(tx: Tx, subscriptions: Iterable[str]) -> dict[str, list[BillingPeriod]]:
    """The stretches that a change has closed and no invoice has billed, the oldest first; one statement."""
    found: dict[str, list[BillingPeriod]] = {}
    for one in rows.select(
        tx,
        BillingPeriod,
        "subscription = any(%(ids)s) and kind = 'metered' and invoice is null and invoice_item is null",
        ids=sorted(set(subscriptions)),
    ):
        found.setdefault(one.subscription, []).append(one)
    return found


def periods_of(tx: Tx, stretches: Sequence[BillingPeriod]) -> list[Period]:
    """What they are billed for: at their own price, be the item gone or changed since."""
    items = [
        SubscriptionItem(
            id=one.subscription_item,
            created=one.created,
            price=one.price,
            subscription=one.subscription,
            current_period_start=one.period_start,
            current_period_end=one.period_end,
        )
        for one in stretches
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
        for part, one in zip(bill.priced(tx, items), stretches, strict=True)
    ]


def bill_proposed(tx: Tx, subscription: str, invoice: str) -> None:
    """For what time the lines of a proposal bill, now that it holds: new periods, and use that was closed."""
    lines = rows.select(tx, InvoiceLine, "invoice = %(id)s", id=invoice)
    begun = {(one.subscription_item, one.period_start): one for one in billed.periods_of(lines)}
    late = [
        one
        for one in waiting(tx, [subscription]).get(subscription, [])
        if begun.pop((one.subscription_item, one.period_start), None)
    ]
    rows.update_many(tx, [(one, {"invoice": invoice}) for one in late])
    rows.insert_many(tx, list(begun.values()))
