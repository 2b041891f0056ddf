"""2022-08-01: a new invoice takes no pending items unless it is asked to."""

from billow.api.versions.change import Change, Needs, One, Sent, Several
from billow.core.errors import Refused

CHANGE = Change("2022-08-01")
BEHAVIOR, REQUIRED = "pending_invoice_items_behavior", "include_and_require"


@CHANGE.reads("POST /v1/invoices")
def pending_items_by_default(sent: Sent) -> Needs:
    """Take pending items into a new invoice where nothing is said of them; refuse where there are none."""
    if "subscription" in sent and BEHAVIOR not in sent:
        return  # the pending items of its subscription are taken in every version
    if sent.get(BEHAVIOR, REQUIRED) != REQUIRED:
        return
    customer = yield One("customer", str(sent.get("customer", "")))
    if customer is None:
        return  # it is refused where there is none
    items = yield Several("invoiceitem", "customer", customer.id)
    if not any(item.invoice is None for item in items):
        raise Refused("Nothing to invoice for customer", code="invoice_no_customer_line_items")
    sent[BEHAVIOR] = "include"
