"""Credit notes: what is taken back of a finalized invoice, before or after it was paid."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN, UPDATE
from billow.api.params import Params
from billow.api.resource import Resource
from billow.resources.credit_note_line import pretax_credits
from billow.resources.invoice_line import CREDIT_AMOUNT, DiscountAmount, TaxAmount
from billow.store.tx import Tx

REASONS = ("duplicate", "fraudulent", "order_change", "product_unsatisfactory")


class RefundPart(Params):
    """How much of a refund belongs to a credit note."""

    amount_refunded: int = f.amount(required=True)
    payment_record_refund: dict[str, Any] | None = f.nested()
    refund: str | None = f.ref("refund")
    type: str = f.choice(SHOWN, "payment_record_refund", "refund", default="refund")


class CreditNote(
    Resource,
    object="credit_note",
    path="/v1/credit_notes",
    prefix="cn_",
    events=("created", "updated", "voided"),
):
    """A document that reduces what a finalized invoice asks for, or gives back what was paid of it."""

    owner = "customer"

    amount: int = f.amount(required=True)
    amount_shipping: int = f.amount(default=0)
    currency: str = f.currency(required=True)
    customer: str = f.ref("customer", required=True, filter=True)
    customer_account: str | None = f.absent(filter=True)
    customer_balance_transaction: str | None = f.ref("customer_balance_transaction")
    discount_amount: int = f.amount(default=0)
    discount_amounts: list[dict[str, Any]] = f.array(item=DiscountAmount, default=[])
    effective_at: datetime = f.timestamp(required=True)
    invoice: str = f.ref("invoice", required=True, filter=True)
    lines: list[Any] = f.sublist("credit_note_line_item", by="credit_note", url="/v1/credit_notes/{id}/lines")
    memo: str | None = f.text(UPDATE)
    metadata: dict[str, str] = f.metadata()
    number: str = f.text(required=True)
    out_of_band_amount: int | None = f.amount()
    pdf: str = f.text(required=True)
    post_payment_amount: int = f.amount(default=0)
    pre_payment_amount: int = f.amount(default=0)
    pretax_credit_amounts: list[dict[str, Any]] = f.computed(pretax_credits, refs=CREDIT_AMOUNT)
    reason: str | None = f.choice(SHOWN, *REASONS)
    refunds: list[dict[str, Any]] = f.array(item=RefundPart, default=[])
    shipping_cost: dict[str, Any] | None = f.nested(refs={"shipping_rate": "shipping_rate"})
    status: str = f.choice(SHOWN, "issued", "void", default="issued")
    subtotal: int = f.amount(default=0)
    subtotal_excluding_tax: int | None = f.amount(default=0)
    total: int = f.amount(default=0)
    total_excluding_tax: int | None = f.amount(default=0)
    total_taxes: list[dict[str, Any]] = f.array(item=TaxAmount, default=[])
    type: str = f.choice(SHOWN, "mixed", "post_payment", "pre_payment", required=True)
    voided_at: datetime | None = f.timestamp()

    labels: dict[str, str] = f.nested(default={}, hidden=True)
    """The names of its discounts and tax rates when it was issued, as printed on its document."""
    taken_back: dict[str, int] = f.nested(default={}, hidden=True)
    """How much of the net of each line of the invoice it takes back."""
    voids: bool = f.boolean(default=False, hidden=True)
    """Whether it is the document of an invoice that was voided, whose postings reverse everything."""


@CreditNote.update
def update(tx: Tx, note: CreditNote, changes: dict[str, Any]) -> CreditNote:
    """Update the memo or the metadata of a credit note; its amounts never change."""
    return rows.update(tx, note, **changes)
