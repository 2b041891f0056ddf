"""Define the params of credit notes, and check what they say together."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.core.errors import require
from billow.resources.credit_note import REASONS
from billow.resources.credit_note_line import TYPES

MOST_TAXES = 20
CUSTOM = ("description", "tax_rates", "unit_amount", "unit_amount_decimal")
"""What only a custom line item takes."""
OF_INVOICE = ("amount", "invoice_line_item")
"""What only a line item of the invoice takes."""


class LineTax(Params):
    """The amount of a tax on a line, as the caller has calculated it."""

    amount: int = f.amount(min=0, required=True)
    tax_rate: str = f.ref("tax_rate", required=True)
    taxable_amount: int = f.amount(min=0, required=True)


class Line(Params):
    """A line of a credit note: of the invoice, by quantity or by amount, or one of its own."""

    amount: int | None = f.amount()
    description: str | None = f.text()
    invoice_line_item: str | None = f.text()
    metadata: dict[str, str] = f.metadata()
    quantity: int | None = f.integer(min=1, max=10**12)
    tax_amounts: list[LineTax] | None = f.array(SHOWN, LineTax, max=MOST_TAXES, unset=True)
    tax_rates: list[str] | None = f.array(item=f.ref("tax_rate"), max=MOST_TAXES, unset=True)
    type: str = f.choice(SHOWN, *TYPES, required=True)
    unit_amount: int | None = f.amount(min=0)
    unit_amount_decimal: Decimal | None = f.decimal(min=0)


class PaymentRecordRefund(Params):
    payment_record: str = f.text(required=True)
    refund_group: str = f.text(required=True)


class RefundTerm(Params):
    """A refund that was made before, and how much of it belongs to the credit note."""

    amount_refunded: int | None = f.amount(min=1)
    payment_record_refund: PaymentRecordRefund | None = f.nested(shape=PaymentRecordRefund)
    refund: str | None = f.ref("refund")
    type: str = f.choice(SHOWN, "payment_record_refund", "refund", default="refund")


class ShippingCost(Params):
    shipping_rate: str | None = f.ref("shipping_rate")


class Terms(Params):
    """What is credited of an invoice, and where the credit goes."""

    amount: int | None = f.amount(min=1)
    credit_amount: int | None = f.amount(min=0)
    effective_at: datetime | None = f.timestamp()
    email_type: str = f.choice(SHOWN, "credit_note", "none", default="credit_note")
    invoice: str = f.ref("invoice", required=True)
    lines: list[Line] | None = f.array(SHOWN, Line, max=500)
    memo: str | None = f.text()
    metadata: dict[str, str] = f.metadata()
    out_of_band_amount: int | None = f.amount(min=0)
    reason: str | None = f.choice(SHOWN, *REASONS)
    refund_amount: int | None = f.amount(min=0)
    refunds: list[RefundTerm] | None = f.array(SHOWN, RefundTerm, max=20)
    shipping_cost: ShippingCost | None = f.nested(shape=ShippingCost)


def check(wanted: Terms) -> None:
    """Check that exactly one way says what is credited, and each line and refund by itself."""
    ways = [name for name in ("amount", "lines", "shipping_cost") if getattr(wanted, name)]
    require(
        ways,
        "One of `amount`, `lines`, or `shipping_cost` must be provided.",
        param="amount",
        code="parameter_missing",
    )
    require(
        "amount" not in ways or len(ways) == 1,
        "You may only specify one of these parameters: amount, lines.",
        param="amount",
        code="parameters_exclusive",
    )
    for place, line in enumerate(wanted.lines or []):
        check_line(line, f"lines[{place}]")
    for place, refund in enumerate(wanted.refunds or []):
        check_refund(refund, f"refunds[{place}]")
    named = [name_of(one) for one in wanted.refunds or []]
    require(len(set(named)) == len(named), "You cannot link the same refund twice.", param="refunds")


def check_line(line: Line, at: str) -> None:
    """Check the params that belong to the type of a line, and that one way says how much it credits."""
    by_itself = line.type == "custom_line_item"
    for name in OF_INVOICE if by_itself else CUSTOM:
        require(
            not getattr(line, name) and getattr(line, name) != 0,
            f"You cannot pass `{name}` for a line item of type `{line.type}`.",
            param=f"{at}[{name}]",
        )
    if by_itself:
        exactly_one(line, ("unit_amount", "unit_amount_decimal"), at)
        require(
            not (line.tax_rates and line.tax_amounts),
            "You may only specify one of these parameters: tax_rates, tax_amounts.",
            param=f"{at}[tax_amounts]",
            code="parameters_exclusive",
        )
        return
    require(
        line.invoice_line_item,
        f"Missing required param: {at}[invoice_line_item].",
        param=f"{at}[invoice_line_item]",
        code="parameter_missing",
    )
    exactly_one(line, ("quantity", "amount"), at)


def exactly_one(line: Line, names: Sequence[str], at: str) -> None:
    given = [name for name in names if getattr(line, name) is not None]
    require(
        given,
        f"You must specify one of these parameters: {', '.join(names)}.",
        param=f"{at}[{names[0]}]",
        code="parameter_missing",
    )
    require(
        len(given) == 1,
        f"You may only specify one of these parameters: {', '.join(names)}.",
        param=f"{at}[{names[1]}]",
        code="parameters_exclusive",
    )


def name_of(refund: RefundTerm) -> tuple[str, ...]:
    """Return what names a refund: its id, or its payment record and its reference."""
    record = refund.payment_record_refund
    return (record.payment_record, record.refund_group) if record else (refund.refund or "",)


def check_refund(refund: RefundTerm, at: str) -> None:
    """Require what the type of a refund names: a refund, or one of a payment record; refuse the other."""
    for name in ("refund", "payment_record_refund"):
        wanted = getattr(refund, name) is not None
        require(
            wanted or name != refund.type,
            f"Missing required param: {at}[{name}].",
            param=f"{at}[{name}]",
            code="parameter_missing",
        )
        require(
            not wanted or name == refund.type,
            f"You cannot pass `{name}` for a refund of type `{refund.type}`.",
            param=f"{at}[{name}]",
        )
