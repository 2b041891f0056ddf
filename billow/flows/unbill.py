"""What is asked no more, be its invoice void or its item deleted: its time may be billed anew (§5.7)."""

from collections.abc import Sequence

from billow.api import rows
from billow.resources.billing_period import BillingPeriod
from billow.resources.invoice import Invoice
from billow.store.tx import Tx


def of_invoice(tx: Tx, invoice: Invoice) -> None:
    """Nothing on a void invoice was billed, and no later change gives any of it back."""
    items = "select id from invoice_items where invoice = %(id)s"
    end(
        tx,
        rows.select(
            tx,
            BillingPeriod,
            f"kind = 'licensed' and (invoice = %(id)s or invoice_item in ({items}))",
            id=invoice.id,
        ),
    )


def of_items(tx: Tx, items: Sequence[str]) -> None:
    """A debit that is deleted was never billed."""
    end(tx, rows.select(tx, BillingPeriod, "kind = 'licensed' and invoice_item = any(%(ids)s)", ids=items))


def end(tx: Tx, periods: Sequence[BillingPeriod]) -> None:
    """They stay, without any time, to tell what there was."""
    rows.update_many(tx, [(period, {"period_end": period.period_start}) for period in periods])
