"""For what time do the lines of a draft bill their items?"""

from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.api import rows
from billow.core.money import EXACT
from billow.flows import oversize
from billow.resources.billing_period import BillingPeriod
from billow.resources.invoice_line import InvoiceLine
from billow.store.tx import Tx

Key = tuple[str, datetime]


def begin(
    tx: Tx,
    lines: Sequence[InvoiceLine],
    late: Sequence[tuple[BillingPeriod, str]],
    counting: Mapping[Key, Mapping[str, Any]],
    out: Container[oversize.Key | None],
) -> None:
    """Note for what time lines bill their items; what of it is left `out` waits for another invoice.

    `late` is use that waited until now, with the invoice that takes it up.
    """
    known = {(one.subscription_item, one.period_start) for one, _ in late}
    begun = [
        (one.but(invoice=None) if key in out else one)
        for one in periods_of(lines, counting)
        for key in [(one.subscription_item, one.period_start)]
        if key not in known
    ]
    made = rows.insert_many(tx, begun)
    stays = [one for one, _ in late if (one.subscription_item, one.period_start) in out]
    rows.update_many(tx, [(one, {"invoice": invoice}) for one, invoice in late if one not in stays])
    oversize.park(tx, [one.id for one in (*made, *stays) if one.invoice is None])


def periods_of(
    lines: Sequence[InvoiceLine], counting: Mapping[Key, Mapping[str, Any]] | None = None
) -> list[BillingPeriod]:
    """One period for all tiers of it; `counting` says of some how their use is counted."""
    found: dict[Key, BillingPeriod] = {}
    for line in lines:
        if line.kind not in ("licensed", "metered"):
            continue
        assert line.subscription_item and line.subscription and line.price
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
