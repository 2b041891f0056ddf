"""Split an amount with tax that is credited over what is left of an invoice."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from billow.core import credit_notes
from billow.core.credit_notes import Parts
from billow.core.errors import require
from billow.core.money import allocate, show
from billow.flows.invoices.credit_amounts import Case, Credited, taxes_named
from billow.resources.credit_note_line import CreditNoteLine
from billow.resources.invoice_line import InvoiceLine


def by_amount(case: Case, amount: int) -> list[Credited]:
    """Credit an amount with tax: a line for each combination of the taxes of the invoice.

    So each line has one treatment, as the paper and the books of a tax need it.
    """
    require(
        amount <= case.creditable,
        f"The credit note amount ({show(amount, case.invoice.currency)}) is greater than what can still be"
        f" credited of this invoice ({show(max(case.creditable, 0), case.invoice.currency)}).",
        param="amount",
    )
    return split(case, amount)


def split(case: Case, amount: int) -> list[Credited]:
    """Split an amount with tax over what is left of the invoice, as a credit note of it would."""
    groups = grouped(case)
    left, left_taxes = case.nets, case.taxes
    nets = [sum(left[line.id] for line in lines) for lines in groups.values()]
    # What refunds have taken back without a credit note is left of no line in particular.
    gone = credit_notes.spread(case.granted, nets)
    nets = [net - taken for net, taken in zip(nets, gone, strict=True)]
    rates = [rate for rate, tax in left_taxes.items() if tax]
    shares = credit_notes.spread(amount, [*nets, *(left_taxes[rate] for rate in rates)])
    held = dict(zip(groups, shares[: len(groups)], strict=True))
    taxes = [
        share_out(groups, held, rate, tax) for rate, tax in zip(rates, shares[len(groups) :], strict=True)
    ]
    made = []
    for key, lines in groups.items():
        own = {rate: shared[key] for rate, shared in zip(rates, taxes, strict=True) if key in shared}
        one = of_group(case, key, lines[0], held[key], own)
        made += [one] if one.parts.total else []
    return made


Group = tuple[str, ...]


def grouped(case: Case) -> dict[Group, list[InvoiceLine]]:
    """Group the lines of an invoice by the rates of their taxes, in the order of the lines."""
    groups: dict[Group, list[InvoiceLine]] = {}
    for line in case.lines:
        groups.setdefault(taxes_named(line.taxes), []).append(line)
    return groups


def share_out(
    groups: Mapping[Group, Sequence[InvoiceLine]], nets: Mapping[Group, int], rate: str, tax: int
) -> dict[Group, int]:
    """Split the tax of a rate over the groups that have it, in proportion to their nets."""
    having = [key for key in groups if rate in key]
    parts = allocate(tax, [abs(nets[key]) for key in having])
    return dict(zip(having, parts, strict=True))


def of_group(case: Case, key: Group, like: InvoiceLine, net: int, own: Mapping[str, int]) -> Credited:
    """Make the line that credits a group, with the taxes of one of its lines."""
    amounts = {rate: own.get(rate, 0) for rate in key}
    behavior = {tax["tax_rate_details"]["tax_rate"]: tax["tax_behavior"] for tax in like.taxes}
    inside = {rate: amount for rate, amount in amounts.items() if behavior[rate] == "inclusive"}
    on_top = {rate: amount for rate, amount in amounts.items() if behavior[rate] != "inclusive"}
    amount = net + sum(inside.values())
    row = CreditNoteLine(
        description=credit_notes.of_invoice(case.invoice.number),
        quantity=1,
        type="custom_line_item",
        unit_amount=amount,
        unit_amount_decimal=Decimal(amount),
    )
    shown = [{**tax, "taxable_amount": net} for tax in like.taxes]
    return Credited(Parts(amount, {}, inside, on_top), row, shown, exact=True)
