"""Record the taxes of sales that were made elsewhere, and reverse them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import listing, rows
from billow.api.fields import SHOWN
from billow.api.params import Params, merged, missing
from billow.api.resource import Where, route
from billow.core.errors import Refused, require
from billow.core.money import allocate
from billow.resources.tax_calculation import CalculationLineItem, TaxCalculation
from billow.resources.tax_transaction import TaxTransaction, TransactionLineItem
from billow.store.ids import new_id
from billow.store.tx import Tx


class FromCalculation(Params):
    calculation: str = f.ref("tax.calculation", required=True)
    metadata: dict[str, str] = f.metadata()
    posted_at: datetime | None = f.timestamp()
    reference: str = f.text(max=500, required=True)


COPIED = ("currency", "customer", "customer_details", "ship_from_details", "shipping_cost", "tax_date")
LINE = ("amount", "amount_tax", "metadata", "product", "quantity", "reference", "tax_behavior", "tax_code")


@route("POST", "/v1/tax/transactions/create_from_calculation", FromCalculation)
def create_from_calculation(tx: Tx, wanted: FromCalculation) -> TaxTransaction:
    """Record a sale whose tax is owed, from its calculation, under a reference of its own."""
    source = rows.lock(tx, TaxCalculation, wanted.calculation, param="calculation")
    require(
        source.expires_at is None or source.expires_at > tx.now,
        "The calculation has expired: calculate the taxes again.",
        param="calculation",
    )
    used = rows.select(tx, TaxTransaction, "calculation = %(id)s", id=source.id)
    require(not used, "A transaction was already created from this calculation.", param="calculation")
    check_reference(tx, wanted.reference)
    posted = wanted.posted_at or tx.now.replace(microsecond=0)
    require(posted <= tx.now, "`posted_at` cannot be in the future.", param="posted_at")
    made = rows.insert(
        tx,
        TaxTransaction(
            **{name: getattr(source, name) for name in COPIED},
            calculation=source.id,
            metadata=merged({}, wanted.metadata),
            posted_at=posted,
            reference=wanted.reference,
            type="transaction",
        ),
        event=None,
    )
    lines = rows.below(tx, CalculationLineItem, "calculation", [source.id])[source.id]
    rows.insert_many(
        tx,
        [
            TransactionLineItem(
                id=new_id(TransactionLineItem.prefix),
                **{name: getattr(line, name) for name in LINE},
                position=line.position,
                transaction=made.id,
                type="transaction",
            )
            for line in lines
        ],
        event=None,
    )
    return made


def check_reference(tx: Tx, reference: str) -> None:
    taken = rows.select(tx, TaxTransaction, "reference = %(reference)s", reference=reference)
    require(
        not taken,
        f"The reference {reference} is already used by another transaction.",
        param="reference",
        code="resource_already_exists",
    )


class ReversedLine(Params):
    amount: int = f.amount(max=0, required=True)
    amount_tax: int = f.amount(max=0, required=True)
    metadata: dict[str, str] = f.metadata()
    original_line_item: str = f.text(required=True)
    quantity: int | None = f.integer(min=0)
    reference: str = f.text(max=500, required=True)


class ReversedShipping(Params):
    amount: int = f.amount(max=0, required=True)
    amount_tax: int = f.amount(max=0, required=True)


class Reverse(Params):
    flat_amount: int | None = f.amount(max=0)
    line_items: list[ReversedLine] | None = f.array(SHOWN, ReversedLine, max=1000)
    metadata: dict[str, str] = f.metadata()
    mode: str = f.choice(SHOWN, "full", "partial", required=True)
    original_transaction: str = f.ref("tax.transaction", required=True)
    reference: str = f.text(max=500, required=True)
    shipping_cost: ReversedShipping | None = f.nested(shape=ReversedShipping)


@dataclass(frozen=True, slots=True)
class Left:
    """What of a line, or of the shipping, is not reversed yet."""

    amount: int
    tax: int
    inclusive: bool

    @property
    def gross(self) -> int:
        return self.amount if self.inclusive else self.amount + self.tax


@dataclass(frozen=True, slots=True)
class Part:
    """What is reversed of a line, as negative amounts."""

    line: TransactionLineItem
    amount: int
    tax: int
    reference: str
    quantity: int
    metadata: dict[str, str]


@route("POST", "/v1/tax/transactions/create_reversal", Reverse)
def create_reversal(tx: Tx, wanted: Reverse) -> TaxTransaction:
    """Reverse a tax transaction: what is left of it, lines of it, or an amount spread over all of it."""
    original = rows.lock(tx, TaxTransaction, wanted.original_transaction, param="original_transaction")
    require(original.type == "transaction", "A reversal cannot be reversed.", param="original_transaction")
    check_shape(wanted)
    check_reference(tx, wanted.reference)
    lines = rows.below(tx, TransactionLineItem, "transaction", [original.id])[original.id]
    left, shipping = left_of(tx, original, lines)
    require(
        any(one.amount or one.tax for one in (*left.values(), shipping)),
        "The transaction has already been fully reversed.",
        param="original_transaction",
    )
    parts, sent = parts_of(wanted, lines, left, shipping)
    check_left(parts, left)
    require(
        -sent[0] <= shipping.amount and -sent[1] <= shipping.tax,
        "More of the shipping cost would be reversed than is left.",
        param="shipping_cost",
    )
    made = rows.insert(
        tx,
        TaxTransaction(
            **{name: getattr(original, name) for name in COPIED if name != "shipping_cost"},
            metadata=merged({}, wanted.metadata),
            posted_at=tx.now.replace(microsecond=0),
            reference=wanted.reference,
            reversal={"original_transaction": original.id},
            shipping_cost=reversed_shipping(original.shipping_cost, sent),
            type="reversal",
        ),
        event=None,
    )
    rows.insert_many(tx, [line_of(made, part, place) for place, part in enumerate(parts)], event=None)
    return made


def check_shape(wanted: Reverse) -> None:
    """Check that a partial reversal says what is reversed, and a full one says nothing."""
    given = [name for name in ("flat_amount", "line_items", "shipping_cost") if wanted.given(name)]
    if wanted.mode == "full":
        require(not given, "A full reversal says no amounts.", param=given[0] if given else None)
        return
    if not given:
        raise missing("line_items")
    require(
        "flat_amount" not in given or len(given) == 1,
        "You may only specify one of these parameters: flat_amount, line_items.",
        param="flat_amount",
        code="parameters_exclusive",
    )


def left_of(
    tx: Tx, original: TaxTransaction, lines: Sequence[TransactionLineItem]
) -> tuple[dict[str, Left], Left]:
    """Return what is left of each line, and of the shipping, after the reversals so far."""
    before = rows.select(tx, TaxTransaction, "reversal->>'original_transaction' = %(id)s", id=original.id)
    reversed_lines = rows.below(tx, TransactionLineItem, "transaction", [one.id for one in before])
    gone: dict[str, tuple[int, int]] = {}
    for one in (line for found in reversed_lines.values() for line in found):
        id = (one.reversal or {})["original_line_item"]
        amount, tax = gone.get(id, (0, 0))
        gone[id] = (amount + one.amount, tax + one.amount_tax)
    left = {
        line.id: Left(
            line.amount + gone.get(line.id, (0, 0))[0],
            line.amount_tax + gone.get(line.id, (0, 0))[1],
            line.tax_behavior == "inclusive",
        )
        for line in lines
    }
    costs = [one.shipping_cost for one in (original, *before) if one.shipping_cost]
    shipping = Left(
        sum(cost["amount"] for cost in costs),
        sum(cost["amount_tax"] for cost in costs),
        any(cost["tax_behavior"] == "inclusive" for cost in costs),
    )
    return left, shipping


def parts_of(
    wanted: Reverse, lines: Sequence[TransactionLineItem], left: dict[str, Left], shipping: Left
) -> tuple[list[Part], tuple[int, int]]:
    """Return what is reversed of each line, and of the shipping."""
    if wanted.mode == "full":
        parts = [_part(line, left[line.id].amount, left[line.id].tax) for line in lines]
        return parts, (-shipping.amount, -shipping.tax)
    if wanted.flat_amount is not None:
        return spread(-wanted.flat_amount, lines, left, shipping)
    by_id = {line.id: line for line in lines}
    parts = []
    for place, one in enumerate(wanted.line_items or []):
        at = f"line_items[{place}][original_line_item]"
        if one.original_line_item not in by_id:
            raise Refused(f"No such line item: '{one.original_line_item}'", param=at, code="resource_missing")
        line = by_id[one.original_line_item]
        quantity = line.quantity if one.quantity is None else one.quantity
        kept = merged({}, one.metadata)
        parts.append(Part(line, one.amount, one.amount_tax, one.reference, quantity, kept))
    sent = wanted.shipping_cost
    return parts, (sent.amount, sent.amount_tax) if sent else (0, 0)


def spread(
    amount: int, lines: Sequence[TransactionLineItem], left: dict[str, Left], shipping: Left
) -> tuple[list[Part], tuple[int, int]]:
    """Spread an amount, with its tax in it, over what is left of lines and shipping; no unit is lost."""
    whole = [*(left[line.id] for line in lines), shipping]
    require(
        0 < amount <= sum(one.gross for one in whole),
        "The amount is more than what is left of the transaction.",
        param="flat_amount",
    )
    shares = allocate(amount, [one.gross for one in whole])
    split = [split_of(share, one) for share, one in zip(shares, whole, strict=True)]
    parts = [_part(line, net, tax) for line, (net, tax) in zip(lines, split[:-1], strict=True) if net or tax]
    return parts, (-split[-1][0], -split[-1][1])


def split_of(share: int, one: Left) -> tuple[int, int]:
    """Split a share with its tax into the amount and the tax, as what is left has them."""
    net, tax = allocate(share, [one.gross - one.tax, one.tax]) if one.gross else (0, 0)
    return (share if one.inclusive else net), tax


def _part(line: TransactionLineItem, amount: int, tax: int) -> Part:
    return Part(line, -amount, -tax, line.reference, line.quantity, {})


def check_left(parts: Sequence[Part], left: dict[str, Left]) -> None:
    """Refuse to reverse more of a line than is left of it."""
    sums: dict[str, tuple[int, int]] = {}
    for part in parts:
        amount, tax = sums.get(part.line.id, (0, 0))
        sums[part.line.id] = (amount - part.amount, tax - part.tax)
    for id, (amount, tax) in sums.items():
        require(
            amount <= left[id].amount and tax <= left[id].tax,
            f"More of the line item {id} would be reversed than is left of it.",
            param="line_items",
        )


def line_of(made: TaxTransaction, part: Part, place: int) -> TransactionLineItem:
    kept = {name: getattr(part.line, name) for name in ("product", "tax_behavior", "tax_code")}
    return TransactionLineItem(
        id=new_id(TransactionLineItem.prefix),
        **kept,
        amount=part.amount,
        amount_tax=part.tax,
        metadata=part.metadata,
        position=place,
        quantity=part.quantity,
        reference=part.reference,
        reversal={"original_line_item": part.line.id},
        transaction=made.id,
        type="reversal",
    )


def reversed_shipping(cost: dict[str, Any] | None, sent: tuple[int, int]) -> dict[str, Any] | None:
    if cost is None or sent == (0, 0):
        return None
    return {**cost, "amount": sent[0], "amount_tax": sent[1], "tax_breakdown": None}


@route("GET", "/v1/tax/transactions/{id}")
def retrieve(tx: Tx, id: str) -> TaxTransaction:
    """Retrieve a tax transaction."""
    return rows.find(tx, TaxTransaction, id)


@route("GET", "/v1/tax/transactions/{id}/line_items", listing.Paging)
def line_items(tx: Tx, id: str, wanted: listing.Paging) -> listing.Page:
    """List the line items of a tax transaction, in their order."""
    found = rows.find(tx, TaxTransaction, id)
    where = Where("transaction = %(transaction)s", transaction=found.id)
    return listing.below(tx, TransactionLineItem, where, wanted, f"/v1/tax/transactions/{id}/line_items")
