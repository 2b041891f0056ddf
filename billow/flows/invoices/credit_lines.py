"""Calculate the lines of a credit note that are asked for, with discounts and taxes in proportion."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from billow.api.params import merged
from billow.core import credit_notes, taxes
from billow.core.credit_notes import Parts
from billow.core.errors import Refused, require
from billow.core.money import EXACT, round_half_away, show
from billow.flows.billing import totals
from billow.flows.invoices.credit_amounts import Case, Credited, by_rate, check, in_order
from billow.flows.invoices.credit_by_amount import by_amount
from billow.flows.invoices.credit_params import Line, ShippingCost, Terms
from billow.resources.credit_note_line import CreditNoteLine
from billow.resources.invoice_line import InvoiceLine
from billow.resources.tax_rate import TaxRate


def calculate(case: Case, wanted: Terms) -> list[CreditNoteLine]:
    """Return the lines of a credit note with their amounts, not written yet.

    Refuses what is more than is left of a line, of a tax, or of the invoice as a whole.
    """
    if wanted.amount:
        return check(in_order(by_amount(case, wanted.amount)), case)
    made = by_lines(case, wanted.lines or [])
    made += [shipping(case, wanted.shipping_cost)] if wanted.shipping_cost else []
    return check(in_order(fit(case, made)), case)


def shipping(case: Case, wanted: ShippingCost) -> Credited:
    """Calculate what is credited of the shipping cost: all that is left of it."""
    found = next((line for line in case.lines if not line.listed), None)
    named = (case.invoice.shipping_cost or {}).get("shipping_rate")
    if found is None:
        raise Refused("The invoice has no shipping cost that could be credited.", param="shipping_cost")
    require(
        wanted.shipping_rate in (None, named),
        "The invoice was not shipped at this shipping rate.",
        param="shipping_cost[shipping_rate]",
    )
    left = left_of(found, [line for line in case.note_lines if line.invoice_line_item == found.id])
    require(left.amount > 0, "The shipping cost was credited before.", param="shipping_cost")
    row = whole_line(found).row
    return Credited(credit_notes.credited(parts_of(found), left, left.amount), row, found.taxes, found)


def by_lines(case: Case, wanted: Sequence[Line]) -> list[Credited]:
    """Calculate the lines that were asked for; the same line of the invoice may be credited in several."""
    made: list[Credited] = []
    for place, line in enumerate(wanted):
        at = f"lines[{place}]"
        if line.type == "custom_line_item":
            made.append(custom(case, line, at))
        else:
            made.append(of_invoice(case, made, line, at))
    return made


def of_invoice(case: Case, before: Sequence[Credited], wanted: Line, at: str) -> Credited:
    """Calculate what is credited of a line of the invoice, by quantity or by amount."""
    found = case.line(wanted.invoice_line_item or "")
    if found is None or not found.listed:
        raise Refused(
            f"No such invoice line item: '{wanted.invoice_line_item}'",
            param=f"{at}[invoice_line_item]",
            code="resource_missing",
        )
    earlier = [line for line in case.note_lines if line.invoice_line_item == found.id]
    earlier += [one.shown() for one in before if one.of is not None and one.of.id == found.id]
    left = left_of(found, earlier)
    if wanted.quantity is not None:
        amount = amount_of_quantity(found, earlier, wanted.quantity, at)
    else:
        amount = wanted.amount or 0
        require(
            all(line.quantity is None for line in earlier),
            "This invoice line item was credited by quantity, and can only be credited by quantity.",
            param=f"{at}[amount]",
        )
    require(
        0 <= amount <= left.amount if found.amount >= 0 else left.amount <= amount <= 0,
        f"The amount ({show(amount, found.currency)}) is more than what is left of the invoice line item"
        f" ({show(left.amount, found.currency)}).",
        param=f"{at}[{'amount' if wanted.quantity is None else 'quantity'}]",
    )
    row = CreditNoteLine(
        description=found.description,
        invoice_line_item=found.id,
        metadata=merged({}, wanted.metadata),
        quantity=wanted.quantity,
        type="invoice_line_item",
        unit_amount=whole(found.unit_amount_decimal) if wanted.quantity else None,
        unit_amount_decimal=found.unit_amount_decimal if wanted.quantity else None,
    )
    parts = credit_notes.credited(parts_of(found), left, amount)
    if wanted.tax_amounts:
        return with_taxes(case, parts, row, wanted, at, found)
    return Credited(parts, row, found.taxes, found)


def amount_of_quantity(line: InvoiceLine, earlier: Sequence[CreditNoteLine], quantity: int, at: str) -> int:
    """Return the amount of a quantity of a line: the last units take what is left of it."""
    whole_quantity = line.quantity_decimal
    require(
        all(one.quantity is not None for one in earlier),
        "This invoice line item was credited by amount, and can only be credited by amount.",
        param=f"{at}[quantity]",
    )
    if whole_quantity is None or whole_quantity <= 0:
        raise Refused(
            "This invoice line item has no quantity, and can only be credited by amount.",
            param=f"{at}[quantity]",
        )
    left = whole_quantity - sum(one.quantity or 0 for one in earlier)
    require(
        quantity <= left,
        f"The quantity ({quantity}) is more than what is left of the invoice line item ({left:f}).",
        param=f"{at}[quantity]",
    )
    rest = line.amount - sum(one.amount for one in earlier)
    if quantity == left:
        return rest
    share = Fraction(line.amount * quantity) / Fraction(whole_quantity)
    return credit_notes.clamped(round_half_away(share), 0, rest)


def parts_of(line: InvoiceLine) -> Parts:
    """Return what a line of an invoice consists of."""
    off = Counter[str]()
    for entry in line.discount_amounts:
        off[entry["discount"]] += entry["amount"]
    inside = by_rate(tax for tax in line.taxes if tax["tax_behavior"] == "inclusive")
    return Parts(
        line.amount,
        dict(off),
        inside,
        by_rate(tax for tax in line.taxes if tax["tax_behavior"] == "exclusive"),
        line.amount - sum(off.values()) - sum(inside.values()) - line.net,
    )


def left_of(line: InvoiceLine, earlier: Sequence[CreditNoteLine]) -> Parts:
    """Return what earlier credit note lines have left of a line of the invoice."""
    left = parts_of(line)
    for one in earlier:
        left = left.less(
            Parts(
                one.amount,
                {entry["discount"]: entry["amount"] for entry in one.discount_amounts},
                by_rate(tax for tax in one.taxes if tax["tax_behavior"] == "inclusive"),
                by_rate(tax for tax in one.taxes if tax["tax_behavior"] == "exclusive"),
                one.untaxed,
            )
        )
    return left


def whole(amount: Decimal | None) -> int | None:
    """Return a unit price in whole minor units, or None where it is not whole."""
    return int(amount) if amount is not None and amount == amount.to_integral_value() else None


def custom(case: Case, wanted: Line, at: str) -> Credited:
    """Calculate a line of its own: a price times a quantity, with its own taxes."""
    given = wanted.unit_amount_decimal
    unit = given if given is not None else Decimal(wanted.unit_amount or 0)
    quantity = 1 if wanted.quantity is None else wanted.quantity
    amount = round_half_away(EXACT.multiply(unit, Decimal(quantity)))
    row = CreditNoteLine(
        description=wanted.description,
        metadata=merged({}, wanted.metadata),
        quantity=quantity,
        type="custom_line_item",
        unit_amount=whole(unit),
        unit_amount_decimal=unit,
    )
    if wanted.tax_amounts:
        return with_taxes(case, Parts(amount), row, wanted, at)
    rates = [rate_of(case, id, f"{at}[tax_rates]") for id in wanted.tax_rates or []]
    core = [taxes.Rate(rate.id, rate.percentage, rate.inclusive) for rate in rates]
    [held] = taxes.taxed([taxes.Line(amount, core)], case.invoice.customer_tax_exempt or "none")
    inside = {tax.rate.id: tax.amount for tax in held.taxes if tax.rate.inclusive}
    on_top = {tax.rate.id: tax.amount for tax in held.taxes if not tax.rate.inclusive}
    parts = Parts(amount, {}, inside, on_top, amount - sum(inside.values()) - held.net)
    return Credited(parts, row, [totals.shown(tax) for tax in held.taxes])


def rate_of(case: Case, id: str, at: str) -> TaxRate:
    if id not in case.rates:
        raise Refused(f"No such tax rate: '{id}'", param=at, code="resource_missing")
    return case.rates[id]


def with_taxes(
    case: Case, parts: Parts, row: CreditNoteLine, wanted: Line, at: str, of: InvoiceLine | None = None
) -> Credited:
    """Return a line with the taxes that the caller has calculated, in place of any other."""
    said = [(one, rate_of(case, one.tax_rate, f"{at}[tax_amounts]")) for one in wanted.tax_amounts or []]
    require(
        len({rate.id for _, rate in said}) == len(said),
        "You cannot pass the same tax rate twice.",
        param=f"{at}[tax_amounts]",
    )
    shown = [
        totals.shown(
            taxes.Tax(
                taxes.Rate(rate.id, rate.percentage, rate.inclusive),
                one.amount,
                one.taxable_amount,
                taxes.BY_HAND,
            )
        )
        for one, rate in said
    ]
    inside = {rate.id: one.amount for one, rate in said if rate.inclusive}
    on_top = {rate.id: one.amount for one, rate in said if not rate.inclusive}
    changed = Parts(parts.amount, parts.discounts, inside, on_top, parts.untaxed)
    require(changed.net >= 0 or parts.amount < 0, "The taxes exceed the amount.", param=f"{at}[tax_amounts]")
    return Credited(changed, row, shown, of, exact=True)


def fit(case: Case, made: Sequence[Credited]) -> list[Credited]:
    """Take from the taxes what exceeds what is left of each, by rounding or since it was credited before.

    Refuses a line of its own whose tax the invoice does not have left.
    """
    left, fitted = case.taxes, list(made)
    wanted = Counter[str]()
    for one in made:
        wanted.update({**one.parts.inside, **one.parts.on_top})
    for rate, amount in wanted.items():
        excess = amount - left.get(rate, 0)
        rounded = 0
        for place in reversed(range(len(fitted))):
            if excess <= 0:
                break
            one = fitted[place]
            taken = takes_off(one, rate, excess)
            rounded += taken if one.of is None else 0
            fitted[place] = one if not taken else lowered(one, rate, taken)
            excess -= taken
        unrounded = excess > 0 or rounded > len(made)
        require(
            not unrounded,
            f"The tax of the rate {rate} ({show(amount, case.invoice.currency)}) is greater than what is left"
            f" of it on the invoice ({show(left.get(rate, 0), case.invoice.currency)}).",
            param="lines",
        )
    return fitted


def takes_off(one: Credited, rate: str, excess: int) -> int:
    """Return how much the tax of a line can be lowered."""
    held = {**one.parts.inside, **one.parts.on_top}.get(rate, 0)
    return 0 if one.exact or held <= 0 else min(held, excess)


def lowered(one: Credited, rate: str, by: int) -> Credited:
    """Return a line whose tax is lower; what an inclusive tax loses is part of the net."""
    parts = one.parts
    inside = {id: amount - (by if id == rate else 0) for id, amount in parts.inside.items()}
    on_top = {id: amount - (by if id == rate else 0) for id, amount in parts.on_top.items()}
    changed = Parts(parts.amount, parts.discounts, inside, on_top, parts.untaxed)
    return Credited(changed, one.row, one.taxes, one.of)


def whole_lines(case: Case) -> list[CreditNoteLine]:
    """Return the lines that credit a whole invoice, of which nothing was credited before."""
    return in_order([whole_line(line) for line in case.lines if line.amount])


def whole_line(line: InvoiceLine) -> Credited:
    """Return what credits a line of an invoice as it stands there."""
    row = CreditNoteLine(
        description=line.description,
        invoice_line_item=line.id,
        shipping=not line.listed,
        type="invoice_line_item",
    )
    return Credited(parts_of(line), row, line.taxes, line)
