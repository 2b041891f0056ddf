"""Calculate the totals of an invoice: discounts, then taxes, then what is due."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from billow.api import rows
from billow.core import billing_credits, bounds, invoicing, shares, taxes
from billow.core import discounts as discounting
from billow.core.books import treatments
from billow.core.money import charge_limits
from billow.flows.billing.exemption import exemptions
from billow.flows.taxes import automatic
from billow.flows.taxes.automatic import Automatic
from billow.flows.taxes.settings import settings_of
from billow.ledger import entries
from billow.resources import credit_grant
from billow.resources.coupon import Coupon
from billow.resources.credit_grant import CreditGrant
from billow.resources.customer import Customer
from billow.resources.discount import Discount, in_core
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.tax_rate import TaxRate
from billow.store.tx import Tx


@dataclass(slots=True)
class Terms:
    """The discounts, coupons and tax rates that some invoices name."""

    discounts: dict[str, Discount] = field(default_factory=dict)
    coupons: dict[str, Coupon] = field(default_factory=dict)
    rates: dict[str, TaxRate] = field(default_factory=dict)
    automatic: dict[str, Automatic] = field(default_factory=dict)
    """The automatic taxes of the invoices that have them, by customer (flows/taxes/automatic.py)."""
    per_line: bool = True
    """Whether taxes set by hand are rounded on each line, or once for the invoice."""
    grants: dict[str, list[billing_credits.Grant]] = field(default_factory=dict)
    """The billing credits that are left, by customer; loaded where there is usage that they could pay."""

    returned: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """The credits that the original of a revision has taken and gives back to it, by the revision's id."""
    returning: dict[str, billing_credits.Grant] = field(default_factory=dict)
    """The grants of those, by id."""

    def credits_for(self, invoice: Invoice) -> list[billing_credits.Grant]:
        """Return the billing credits that an invoice can take; a revision has those of its original too."""
        held, back = self.grants.get(invoice.customer, []), self.returned.get(invoice.id)
        return billing_credits.given_back(held, back, self.returning) if back else held

    def use_credits(self, invoice: Invoice) -> None:
        """Take the credits of an invoice out of what is left for those after it."""
        left = billing_credits.without(self.credits_for(invoice), invoice.applied_credits)
        self.returned.pop(invoice.id, None)
        if left:
            self.grants[invoice.customer] = left

    def rate(self, id: str) -> taxes.Rate:
        found = self.rates[id]
        return taxes.Rate(id, found.percentage, found.inclusive)

    def discount(self, id: str, currency: str) -> discounting.Discount:
        found = self.discounts[id]
        return in_core(found, self.coupons[found.coupon], currency)


def terms_of(
    tx: Tx,
    invoices: Sequence[Invoice],
    lines: Sequence[InvoiceLine],
    more: Sequence[Sequence[str]] = (),
    *,
    decide: bool = True,
    buyer: Customer | None = None,
) -> Terms:
    """Load the discounts, coupons and tax rates of any number of invoices, in three statements.

    `more` are discounts that may come to apply. Automatic taxes are decided anew, with some more statements;
    without `decide` only the rates that were decided before are loaded. `buyer` is a customer who is not
    stored, or not as they are.
    """
    held = [*[invoice.discounts for invoice in invoices], *[line.discounts for line in lines], *more]
    held += [[entry["discount"] for entry in line.discount_amounts] for line in lines if line.proration]
    named = {id for ids in held for id in ids}
    rates = {id for invoice in invoices for id in invoice.default_tax_rates}
    rates |= {id for line in lines for id in line.tax_rates}
    rates |= {one["tax_rate"] for line in lines for one in line.tax_amounts}
    taxed = [invoice for invoice in invoices if invoice.automatic_tax["enabled"]]
    rates |= {tax["tax_rate_details"]["tax_rate"] for invoice in taxed for tax in invoice.total_taxes}
    discounts = rows.find_many(tx, Discount, named)
    coupons = rows.find_many(tx, Coupon, [discount.coupon for discount in discounts.values()])
    terms = Terms(discounts, coupons, rows.find_many(tx, TaxRate, rates))
    if any(line.kind == "metered" for line in lines):
        terms.grants = grants_of(tx, {invoice.customer for invoice in invoices})
        return_credits(tx, terms, [invoice for invoice in invoices if invoice.from_invoice])
    if rates:
        terms.per_line = settings_of(tx).per_line
    if taxed and decide:
        decide_taxes(tx, terms, taxed, lines, buyer)
    return terms


def decide_taxes(
    tx: Tx,
    terms: Terms,
    invoices: Sequence[Invoice],
    lines: Sequence[InvoiceLine],
    buyer: Customer | None = None,
) -> None:
    """Add the automatic taxes of invoices to the terms. A draft without a customer is nowhere yet."""
    buyers = rows.find_many(tx, Customer, [one.customer for one in invoices if one.customer])
    if buyer is not None:
        buyers[buyer.id] = buyer
    mine = {one.id: one.customer for one in invoices}
    by_customer: dict[str, list[InvoiceLine]] = {customer: [] for customer in mine.values()}
    for line in lines:
        if line.invoice in mine:
            by_customer[mine[line.invoice]].append(line)
    terms.automatic = automatic.decide(tx, by_customer, buyers, exemptions(tx, list(buyers.values())))
    for one in terms.automatic.values():
        terms.rates.update({rate.id: rate for decided in one.decided.values() for rate in decided.rates})


def grants_of(tx: Tx, customers: Collection[str]) -> dict[str, list[billing_credits.Grant]]:
    """Load the grants of customers with credits left."""
    found: dict[str, list[billing_credits.Grant]] = {}
    if customers:
        live = "customer = any(%(ids)s) and balance > 0"
        for one in rows.select(tx, CreditGrant, live, ids=sorted(filter(None, customers))):
            found.setdefault(one.customer, []).append(credit_grant.in_core(one))
    return found


def return_credits(tx: Tx, terms: Terms, revisions: Sequence[Invoice]) -> None:
    """Add the credits that originals give back to their revisions, as they do when these are finalized."""
    named = {one.id: (one.from_invoice or {}).get("invoice") or "" for one in revisions}
    originals = rows.find_many(tx, Invoice, sorted(set(named.values()))) if named else {}
    for id, original in named.items():
        found = originals.get(original)
        if found and found.status == "open" and found.applied_credits:
            terms.returned[id] = found.applied_credits
    ids = {entry["grant"] for taken in terms.returned.values() for entry in taken}
    known = rows.find_many(tx, CreditGrant, sorted(ids)) if ids else {}
    terms.returning = {id: credit_grant.in_core(one) for id, one in known.items()}


def calculate(
    invoice: Invoice, lines: Sequence[InvoiceLine], terms: Terms
) -> tuple[Invoice, list[InvoiceLine]]:
    """Return an invoice and its lines with discounts, taxes and totals filled in (§7.5).

    Raises `TooLarge` where one of the amounts is more than an invoice can hold.
    """
    whole = [terms.discount(id, invoice.currency) for id in invoice.discounts]
    off = discounting.taken([core_line(line, terms) for line in lines], whole)
    # The discounts that a proration shows were calculated when it was made.
    off = [discounts_on(line) if line.proration else own for line, own in zip(lines, off, strict=True)]
    left = [line.amount - sum(own.values()) for line, own in zip(lines, off, strict=True)]
    paid = credits_taken(invoice, lines, left, terms)
    left = [amount - sum(own.values()) for amount, own in zip(left, paid, strict=True)]
    held = taxes_on(invoice, lines, left, terms)
    made = [
        line.but(
            discount_amounts=[{"amount": amount, "discount": id} for id, amount in own.items()],
            applied_credits=[{"amount": amount, "grant": id} for id, amount in used.items()],
            taxes=[shown(tax) for tax in taxed.taxes],
            net=taxed.net,
        )
        for line, own, used, taxed in zip(lines, off, paid, held, strict=True)
    ]
    amounts = [amounts_of(line, own, taxed) for line, own, taxed in zip(made, off, held, strict=True)]
    totals = {
        **totals_of(invoice, amounts),
        "total_discount_amounts": discount_totals(invoice, made),
        "total_taxes": [shown(tax) for tax in taxes.summed([taxed.taxes for taxed in held])],
        "applied_credits": [entry for line in made for entry in line.applied_credits],
        "shipping_cost": shipping_cost(invoice, made),
    }
    summed = invoice.but(**totals, **said_of_taxes(invoice, lines, terms))
    bounds.check(amount for line in made for amount in amounts_on_line(line))
    bounds.check(amounts_on_invoice(summed))
    return shared(summed), made


def shared(invoice: Invoice) -> Invoice:
    """Return an invoice with what others have of its total, where that is agreed in percent."""
    agreed = invoice.shared_percents
    if agreed is None:
        return invoice
    return invoice.but(**shares.of_total(agreed, invoice.total, agreed["destination"]))


def shipping_cost(invoice: Invoice, lines: Sequence[InvoiceLine]) -> dict[str, Any] | None:
    """Return what shipping costs without tax, its taxes and their sum, as an invoice shows it."""
    for line in lines:
        if not line.listed:
            tax = sum(one["amount"] for one in line.taxes)
            sums = {"amount_subtotal": line.net, "amount_tax": tax, "amount_total": line.net + tax}
            return {**sums, "shipping_rate": (invoice.shipping_cost or {}).get("shipping_rate")}
    return None


def credits_taken(
    invoice: Invoice, lines: Sequence[InvoiceLine], left: Sequence[int], terms: Terms
) -> list[dict[str, int]]:
    """Return what each line takes of the customer's billing credits: of usage, after discounts (§4.7)."""
    usage = [
        billing_credits.Line(line.price if line.kind == "metered" else None, amount)
        for line, amount in zip(lines, left, strict=True)
    ]
    return billing_credits.draw(
        terms.credits_for(invoice), usage, invoice.currency, invoice.period_end or invoice.created
    )


def taxes_on(
    invoice: Invoice, lines: Sequence[InvoiceLine], left: Sequence[int], terms: Terms
) -> list[taxes.Taxed]:
    """Calculate the taxes on what is left of each line after discounts.

    Automatic taxes are rounded once for the invoice, and their rates say who is exempt of them.
    """
    if invoice.automatic_tax["enabled"]:
        decided = terms.automatic[invoice.customer]
        parts = [taxes.Line(amount, decided.rates(line)) for amount, line in zip(left, lines, strict=True)]
        return taxes.taxed(parts, per_line=False)
    rates = [
        [] if line.tax_amounts else [terms.rate(id) for id in line.tax_rates or invoice.default_tax_rates]
        for line in lines
    ]
    held = taxes.taxed(
        [taxes.Line(*parts) for parts in zip(left, rates, strict=True)],
        invoice.customer_tax_exempt or "none",
        per_line=terms.per_line,
    )
    return [
        given_taxes(line, amount, terms) if line.tax_amounts else one
        for line, amount, one in zip(lines, left, held, strict=True)
    ]


def given_taxes(line: InvoiceLine, left: int, terms: Terms) -> taxes.Taxed:
    """Return the taxes of a line as its caller has calculated them, whatever the customer's status."""
    held = []
    for one in line.tax_amounts:
        rate = replace(terms.rate(one["tax_rate"]), reason=one["taxability_reason"])
        held.append(taxes.Tax(rate, one["amount"], one["taxable_amount"], rate.reason))
    return taxes.Taxed(left - sum(tax.amount for tax in held if tax.rate.inclusive), tuple(held))


def said_of_taxes(invoice: Invoice, lines: Sequence[InvoiceLine], terms: Terms) -> dict[str, Any]:
    """Return whether the automatic taxes of an invoice could be decided, and how."""
    if not invoice.automatic_tax["enabled"]:
        return {}
    decided = terms.automatic[invoice.customer]
    status = {"provider": "stripe", "status": decided.status}
    return {"automatic_tax": {**invoice.automatic_tax, **status}, "tax_decision": decided.said(lines)}


def amounts_on_line(line: InvoiceLine) -> list[int]:
    """Return every amount that a line shows."""
    return [line.amount, line.net, *nested(line.discount_amounts), *nested(line.taxes)]


def amounts_on_invoice(invoice: Invoice) -> list[int]:
    """Return every total that an invoice shows."""
    return [
        invoice.subtotal,
        invoice.subtotal_excluding_tax or 0,
        invoice.total,
        invoice.total_excluding_tax or 0,
        *nested(invoice.total_discount_amounts),
        *nested(invoice.total_taxes),
    ]


def nested(entries: Sequence[dict[str, Any]]) -> list[int]:
    """Return the amounts in entries of discounts or of taxes."""
    return [entry.get(name) or 0 for entry in entries for name in ("amount", "taxable_amount")]


def discounts_on(line: InvoiceLine) -> dict[str, int]:
    """Return the amounts that discounts take off a line, by discount."""
    return {entry["discount"]: entry["amount"] for entry in line.discount_amounts}


def core_line(line: InvoiceLine, terms: Terms) -> discounting.Line:
    """Return a line as core/discounts.py calculates with it."""
    return discounting.Line(
        line.amount,
        line.product,
        line.discountable,
        [terms.discount(id, line.currency) for id in line.discounts],
        # An invoice item has no period in which a repeating coupon could end.
        line.period_start if line.kind in ("licensed", "metered") else None,
        earlier=line.kind == "metered" and line.amount < 0,
    )


def amounts_of(line: InvoiceLine, off: dict[str, int], taxed: taxes.Taxed) -> invoicing.LineAmounts:
    """Return the amounts of a line as core/invoicing.py adds them up."""
    inclusive = sum(tax.amount for tax in taxed.taxes if tax.rate.inclusive)
    credit = sum(entry["amount"] for entry in line.applied_credits)
    return invoicing.LineAmounts(
        line.amount,
        discount=sum(amount for id, amount in off.items() if id not in line.discounts),
        own_discount=sum(amount for id, amount in off.items() if id in line.discounts),
        tax_exclusive=sum(tax.amount for tax in taxed.taxes if not tax.rate.inclusive),
        tax_inclusive=inclusive,
        untaxed=line.amount - sum(off.values()) - credit - inclusive - taxed.net,
        credit=credit,
        shipping=not line.listed,
    )


def totals_of(invoice: Invoice, lines: Sequence[invoicing.LineAmounts]) -> dict[str, Any]:
    """Return the totals of an invoice, and the amount due after the customer's balance."""
    sums = invoicing.totals(lines)
    return {
        "amount_shipping": sums.shipping,
        "subtotal": sums.subtotal,
        "subtotal_excluding_tax": sums.subtotal_excluding_tax,
        "total": sums.total,
        "total_excluding_tax": sums.total - sums.tax_exclusive - sums.tax_inclusive,
        "amount_due": due(invoice, sums.total).amount_due,
    }


def due(invoice: Invoice, total: int) -> invoicing.Settlement:
    """Calculate the amount due of a total after the customer's balance is applied."""
    if invoice.collection_method != "charge_automatically":
        return invoicing.settle_balance(total, invoice.starting_balance, 0)
    return invoicing.settle_balance(total, invoice.starting_balance, *charge_limits(invoice.currency))


def discount_totals(invoice: Invoice, lines: Sequence[InvoiceLine]) -> list[dict[str, Any]]:
    """Return the total of each discount: those of single lines first, then the others, also those of 0."""
    sums = Counter[str]()
    for line in lines:
        for entry in line.discount_amounts:
            sums[entry["discount"]] += entry["amount"]
    named = [*[id for line in lines for id in line.discounts], *invoice.discounts, *sums]
    return [{"amount": sums[id], "discount": id} for id in dict.fromkeys(named)]


def shown(tax: taxes.Tax) -> dict[str, Any]:
    """Return a tax as invoices and lines show it."""
    return {
        "amount": tax.amount,
        "tax_behavior": "inclusive" if tax.rate.inclusive else "exclusive",
        "tax_rate_details": {"tax_rate": tax.rate.id},
        "taxability_reason": tax.reason,
        "taxable_amount": tax.taxable,
        "type": "tax_rate_details",
    }


def stands_alone(invoice: Invoice, line: InvoiceLine, terms: Terms) -> bool:
    """Return whether adding a line leaves the amounts of all other lines as they are.

    Taxes and percentages are rounded on each line by itself. A fixed amount off the whole invoice is spread
    over all lines, so each addition changes the shares of the others. A line with discounts of its own may
    share them with others, and they have a position of their own among those of the invoice.
    """
    # Tax that is rounded once for the invoice is shared anew among its lines.
    shared = invoice.automatic_tax["enabled"] or (
        not terms.per_line and bool(line.tax_rates or invoice.default_tax_rates)
    )
    spread = shared or any(
        terms.coupons[terms.discounts[id].coupon].percent_off is None for id in invoice.discounts
    )
    return not (spread or line.discounts or line.discount_amounts or line.kind == "metered")


def with_line(invoice: Invoice, line: InvoiceLine, terms: Terms) -> tuple[dict[str, Any], InvoiceLine]:
    """Return the changed totals of an invoice with one more line that stands alone, and that line calculated.

    They are the totals before plus those of an invoice of this line only; a property test holds them equal to
    the totals of all lines (tests/flows/invoices/test_long_drafts.py).
    """
    alone, [made] = calculate(invoice, [line], terms)
    sums = {name: (getattr(invoice, name) or 0) + (getattr(alone, name) or 0) for name in SUMS}
    totals: dict[str, Any] = {
        **sums,
        "amount_due": due(invoice, sums["total"]).amount_due,
        "total_discount_amounts": merged(
            invoice.total_discount_amounts, alone.total_discount_amounts, ("discount",)
        ),
        "total_taxes": merged(invoice.total_taxes, alone.total_taxes, ("tax_rate_details",)),
    }
    bounds.check(amounts_on_invoice(invoice.but(**totals)))
    return {name: value for name, value in totals.items() if getattr(invoice, name) != value}, made


#: The totals of an invoice that are sums over its lines.
SUMS = ("subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax")


def merged(
    before: Sequence[dict[str, Any]], more: Sequence[dict[str, Any]], key: Sequence[str]
) -> list[dict[str, Any]]:
    """Add up two lists of amounts by discount or by tax rate, in the order of their first appearance."""
    found: list[dict[str, Any]] = []
    places: dict[str, int] = {}
    for entry in (*before, *more):
        known = str([entry[name] for name in key])
        if known not in places:
            places[known] = len(found)
            found.append(dict(entry))
            continue
        both = found[places[known]]
        for name in ("amount", "taxable_amount"):
            if name in entry:
                both[name] += entry[name]
    return found


def changed_fields(before: Any, after: Any) -> dict[str, Any]:
    """Return the fields that differ between two versions of a row, with the new values."""
    return {
        name: getattr(after, name)
        for name in type(before).columns
        if getattr(before, name) != getattr(after, name)
    }


def changed_lines(
    before: Sequence[InvoiceLine], after: Sequence[InvoiceLine]
) -> list[tuple[InvoiceLine, dict[str, Any]]]:
    """Return the lines that differ after a calculation, each with its changed fields."""
    pairs = zip(before, after, strict=True)
    return [(old, changed) for old, new in pairs if (changed := changed_fields(old, new))]


def once_discounts_used(invoice: Invoice, lines: Sequence[InvoiceLine], terms: Terms) -> list[str]:
    """Return the discounts of duration `once` that an invoice spends.

    One that took off 0, as in a trial, is not spent. A proration was charged at the price after discounts, so
    it spends those of the invoice.
    """
    taken = [entry["discount"] for entry in invoice.total_discount_amounts if entry["amount"] > 0]
    if any(line.proration and line.amount > 0 for line in lines):
        taken += invoice.discounts
    return [id for id in dict.fromkeys(taken) if terms.coupons[terms.discounts[id].coupon].duration == "once"]


def jurisdiction(rate: TaxRate) -> str:
    """Return the account that the tax of a rate is owed to, without its kind."""
    return treatments.owed_to(
        treatments.Rate(rate.id, rate.percentage, rate.country, rate.state, rate.jurisdiction, rate.treatment)
    )


def owed(taxes: Sequence[dict[str, Any]], rates: Mapping[str, TaxRate]) -> list[entries.Tax]:
    """Return the taxes of an invoice, or what is credited of them, as the ledger posts them."""
    return [
        entries.Tax(jurisdiction(rates[tax["tax_rate_details"]["tax_rate"]]), tax["amount"]) for tax in taxes
    ]


def recalculate(
    tx: Tx,
    invoice: Invoice,
    before: Sequence[InvoiceLine],
    lines: Sequence[InvoiceLine] | None = None,
    **changed: Any,
) -> Invoice:
    """Write a draft that was changed: its totals, and `lines` where they differ from `before`."""
    edited = before if lines is None else lines
    wanted = invoice.but(**changed)
    made, after = calculate(wanted, edited, terms_of(tx, [wanted], edited))
    rows.update_many(tx, changed_lines(before, after))
    return rows.update(tx, invoice, **changed_fields(invoice, made))
