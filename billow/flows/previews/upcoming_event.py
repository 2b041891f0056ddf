"""Emit `invoice.upcoming` some days before a renewal."""

from typing import Any

from billow.api import rows
from billow.core.errors import Refused
from billow.flows.previews import next_invoice
from billow.resources.subscription import Subscription
from billow.store import outbox
from billow.store.jobs import job
from billow.store.tx import Tx


@job("subscription.upcoming", batch=50)
def upcoming(tx: Tx, refs: list[str]) -> None:
    """Emit `invoice.upcoming` with the next invoice as it would be now, without an id."""
    shown = [next_renewal(tx, found) for found in rows.find_all(tx, Subscription, refs).values()]
    outbox.write(tx, [outbox.NewEvent("invoice.upcoming", invoice) for invoice in shown if invoice])


def next_renewal(tx: Tx, subscription: Subscription) -> dict[str, Any] | None:
    """Return the invoice of the next renewal; None where there will be none."""
    try:
        shown = next_invoice.dry_run(
            tx,
            lambda trial: next_invoice.show_upcoming(
                trial, next_invoice.next_invoice(trial, subscription, apart=False)
            ),
        )
    except Refused as refused:
        if refused.code != next_invoice.NO_UPCOMING:
            raise
        return None
    return {name: value for name, value in shown.items() if name != "id"}
