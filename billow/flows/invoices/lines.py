"""Add, change and remove the lines of a draft: several at once, or one by its id."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from billow.api import rows
from billow.api.params import Params, merged
from billow.core.errors import Refused, require
from billow.flows.billing import billing_periods, drafts
from billow.flows.billing.discounts import Owner, redeem, update_discounts
from billow.flows.billing.lines import item_line
from billow.flows.billing.totals import recalculate
from billow.flows.invoices import given_taxes
from billow.flows.invoices.invoice_items import (
    changes_of,
    check_period,
    discount_owner,
    lines_of,
    next_position,
    updated_line,
)
from billow.flows.invoices.item_amounts import PRICED, new_amount
from billow.flows.invoices.line_params import (
    AddLines,
    ChangedLine,
    LineTerms,
    NewLine,
    RemovedLine,
    RemoveLines,
    UpdateLines,
)
from billow.flows.taxes.params import check_alone, check_lines_alone
from billow.resources import tax_rate as tax_rates
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_item import InvoiceItem
from billow.resources.invoice_line import InvoiceLine
from billow.store.ids import new_id
from billow.store.tx import Tx

OF_SUBSCRIPTIONS = (*PRICED, "period")
"""What a line of a subscription keeps: its subscription says what it charges, and for which time."""


@Invoice.action("add_lines", AddLines)
def add_lines(tx: Tx, invoice: Invoice, wanted: AddLines) -> Invoice:
    """Add lines to a draft: new ones, or invoice items that are pending."""
    check_draft(invoice)
    customer = rows.find(tx, Customer, invoice.customer)
    first = next_position(tx, invoice)
    check_lines_alone(invoice.automatic_tax["enabled"], wanted.lines, "lines")
    made = [
        drafts.place_line(new_line(tx, invoice, customer, line, f"lines[{place}]"), invoice.id, first + place)
        for place, line in enumerate(wanted.lines)
    ]
    before = lines_of(tx, invoice)
    given_taxes.check_given_taxes(invoice, [*before, *made], "lines[0][tax_amounts]")
    return recalculate(
        tx,
        invoice,
        [*before, *rows.insert_many(tx, made)],
        **metadata_after(invoice, wanted.invoice_metadata),
    )


@Invoice.action("update_lines", UpdateLines)
def update_lines(tx: Tx, invoice: Invoice, wanted: UpdateLines) -> Invoice:
    """Change lines of a draft."""
    check_draft(invoice)
    check_lines_alone(invoice.automatic_tax["enabled"], wanted.lines, "lines")
    before = lines_of(tx, invoice)
    after = {line.id: line for line in before}
    for place, one in enumerate(wanted.lines):
        at = f"lines[{place}]"
        line = named_line(after, one.id, invoice, f"{at}[id]")
        after[line.id] = changed_line(tx, invoice, line, one, at)
    given_taxes.check_given_taxes(invoice, list(after.values()), "lines[0][tax_amounts]")
    changed = metadata_after(invoice, wanted.invoice_metadata)
    return recalculate(tx, invoice, before, list(after.values()), **changed)


@Invoice.action("remove_lines", RemoveLines)
def remove_lines(tx: Tx, invoice: Invoice, wanted: RemoveLines) -> Invoice:
    """Remove lines from a draft; what is unassigned is pending again, for another invoice to bill."""
    check_draft(invoice)
    left = {line.id: line for line in lines_of(tx, invoice)}
    for place, one in enumerate(wanted.lines):
        line = named_line(left, one.id, invoice, f"lines[{place}][id]")
        remove(tx, invoice, line, one, f"lines[{place}]")
        del left[line.id]
    changed = metadata_after(invoice, wanted.invoice_metadata)
    return recalculate(tx, invoice, list(left.values()), **changed)


@Invoice.below("POST", "lines/{line_item}", LineTerms, of=Invoice)
def update_line(tx: Tx, invoice: Invoice, line_item: str, wanted: LineTerms) -> InvoiceLine:
    """Change one line of a draft."""
    check_draft(invoice)
    before = lines_of(tx, invoice)
    check_alone(invoice.automatic_tax["enabled"], wanted.tax_rates, "tax_rates")
    old = named_line({one.id: one for one in before}, line_item, invoice, "line_item_id", status=404)
    made = changed_line(tx, invoice, old, wanted, "")
    after = [made if one.id == old.id else one for one in before]
    given_taxes.check_given_taxes(invoice, after, "tax_amounts")
    recalculate(tx, invoice, before, after)
    return rows.find(tx, InvoiceLine, old.id)


def check_draft(invoice: Invoice) -> None:
    require(
        invoice.status == "draft",
        "This invoice is no longer editable: its lines can only be changed while it is a draft.",
        code="invoice_not_editable",
    )


def metadata_after(invoice: Invoice, sent: Mapping[str, str]) -> dict[str, Any]:
    return {"metadata": merged(invoice.metadata, sent)} if sent else {}


def named_line(
    known: Mapping[str, InvoiceLine], id: str, invoice: Invoice, param: str, status: int = 400
) -> InvoiceLine:
    """Return the line of an invoice that a request names."""
    if id not in known or not known[id].listed:
        raise Refused(
            f"No such invoice line item: '{id}' on the invoice {invoice.id}",
            param=param,
            code="resource_missing",
            status=status,
        )
    return known[id]


# ------------------------------------------------------------------------------------- new lines


def new_line(tx: Tx, invoice: Invoice, customer: Customer, wanted: NewLine, at: str) -> InvoiceLine:
    """Return a line for a draft: of a pending invoice item, or of one that is created."""
    if wanted.invoice_item:
        item = pending_item(tx, invoice, wanted.invoice_item, f"{at}[invoice_item]")
        said = {name: value for name, value in wanted.sent().items() if name != "invoice_item"}
        changes = changes_of(tx, item, invoice, wanted, at) if said else {}
        item = rows.update(tx, item, event=None, **changes, invoice=invoice.id)
    else:
        item = create_item(tx, invoice, customer, wanted, at)
    return item_line(item).but(tax_amounts=taxes_of(tx, wanted, item.amount, at))


def pending_item(tx: Tx, invoice: Invoice, id: str, at: str) -> InvoiceItem:
    """Lock the pending invoice item of a request, which must be the customer's, in the invoice's currency."""
    rows.find(tx, InvoiceItem, id, param=at)
    item = rows.lock(tx, InvoiceItem, id)
    require(item.customer == invoice.customer, "The invoice item belongs to another customer.", param=at)
    require(
        item.invoice is None, f"The invoice item {id} is already on the invoice {item.invoice}.", param=at
    )
    require(item.currency == invoice.currency, "The item's currency must be the invoice's.", param=at)
    return item


def create_item(tx: Tx, invoice: Invoice, customer: Customer, wanted: NewLine, at: str) -> InvoiceItem:
    """Create the invoice item of a new line."""
    check_period(wanted.period, f"{at}[period]")
    id = new_id(InvoiceItem.prefix)
    owner = replace(
        discount_owner(customer, id, invoice.currency, invoice.discounts), param=f"{at}[discounts]"
    )
    made = InvoiceItem(
        id=id,
        **new_amount(tx, wanted, invoice.currency, at),
        customer=customer.id,
        discounts=redeem(tx, wanted.discounts or [], owner),
        invoice=invoice.id,
        metadata=merged({}, wanted.metadata),
        period_start=wanted.period.start if wanted.period else tx.now,
        period_end=wanted.period.end if wanted.period else tx.now,
        tax_rates=tax_rates.check_usable(tx, wanted.tax_rates or [], f"{at}[tax_rates]"),
        test_clock=customer.test_clock,
    )
    return rows.insert(tx, made)


def taxes_of(tx: Tx, wanted: LineTerms, amount: int, at: str) -> list[dict[str, Any]]:
    """Return the taxes that a request gives for a line, as the line keeps them."""
    return given_taxes.kept(
        tx, wanted.tax_amounts or [], amount, f"{at}[tax_amounts]" if at else "tax_amounts"
    )


# ------------------------------------------------------------------------------------- changed lines


def changed_line(
    tx: Tx, invoice: Invoice, line: InvoiceLine, wanted: LineTerms | ChangedLine, at: str
) -> InvoiceLine:
    """Return a line after a request; the invoice item behind it changes alike."""
    if line.invoice_item:
        item = rows.find(tx, InvoiceItem, line.invoice_item)
        changes = changes_of(tx, item, invoice, wanted, at)
        after = updated_line(line, rows.update(tx, item, event=None, **changes))
    else:
        after = line.but(**changes_of_subscription(tx, invoice, line, wanted, at))
    if not wanted.given("tax_amounts"):
        return after
    return after.but(tax_amounts=taxes_of(tx, wanted, after.amount, at))


def changes_of_subscription(
    tx: Tx, invoice: Invoice, line: InvoiceLine, wanted: LineTerms, at: str
) -> dict[str, Any]:
    """Return what a request changes of a line of a subscription, whose metadata it replaces."""
    refuse_of_subscription(line, wanted, at)
    changes: dict[str, Any] = {
        name: getattr(wanted, name) for name in ("description", "discountable") if wanted.given(name)
    }
    if wanted.given("metadata"):
        changes["metadata"] = merged({}, wanted.metadata)
    if wanted.given("tax_rates"):
        rates = wanted.tax_rates or []
        changes["tax_rates"] = tax_rates.check_usable(tx, rates, f"{at}[tax_rates]" if at else "tax_rates")
    if wanted.given("discounts"):
        customer = rows.find(tx, Customer, invoice.customer)
        present = [*line.discounts, *invoice.discounts, *([customer.discount] if customer.discount else [])]
        path = f"{at}[discounts]" if at else "discounts"
        owner = Owner(customer, line.currency, {"invoice": invoice.id}, present, param=path)
        changes["discounts"] = update_discounts(tx, wanted.discounts, owner, line.discounts, given=True)
    return changes


def refuse_of_subscription(line: InvoiceLine, wanted: Params, at: str) -> None:
    """Refuse what the subscription of a line decides; usage is counted until the invoice is finalized."""
    refused = [name for name in OF_SUBSCRIPTIONS if wanted.given(name)]
    if line.kind == "metered" and wanted.given("tax_amounts"):
        refused.append("tax_amounts")
    if refused:
        raise Refused(
            f"You cannot change `{refused[0]}` of a line that comes from a subscription.",
            param=f"{at}[{refused[0]}]" if at else refused[0],
            code="invoice_not_editable",
        )


# ------------------------------------------------------------------------------------- removed lines


def remove(tx: Tx, invoice: Invoice, line: InvoiceLine, wanted: RemovedLine, at: str) -> None:
    """Remove a line, which is deleted with its invoice item, or leaves it as pending."""
    if line.invoice_item is None:
        raise Refused(
            "You cannot remove a line that comes from a subscription.",
            param=f"{at}[id]",
            code="invoice_not_editable",
        )
    require(
        wanted.behavior != "unassign" or not invoice.from_invoice,
        "You cannot unassign a line of a revision: the invoice that it revises bills it until then.",
        param=f"{at}[behavior]",
    )
    rows.delete_where(tx, InvoiceLine, "id = %(id)s", id=line.id)
    item = rows.find(tx, InvoiceItem, line.invoice_item)
    if wanted.behavior == "unassign":
        rows.update(tx, item, event=None, invoice=None)
        return
    billing_periods.release_of_items(tx, [item.id])
    rows.delete(tx, item)
