"""Mark an invoice uncollectible and post the loss."""

from billow.api import rows
from billow.core.errors import require
from billow.flows.invoices import void
from billow.flows.subscription_status import transitions
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.store.tx import Tx


@Invoice.action("mark_uncollectible")
def mark_uncollectible(tx: Tx, invoice: Invoice) -> Invoice:
    """Mark an open invoice uncollectible and post the loss; it can still be paid."""
    require(invoice.status == "open", "You can only pass in open invoices. This invoice isn't open.")
    marked = void.write_off(tx, invoice, "user_forgiven")
    void.update_subscription(tx, marked)
    transitions.set_delinquent(tx, rows.find(tx, Customer, invoice.customer), False)
    return marked
