"""Finalize drafts: count late usage, number, freeze, and post to the ledger."""

from collections.abc import Container, Sequence
from datetime import timedelta
from typing import Any

from billow.api import rows
from billow.core import invoicing, lifecycle, numbering
from billow.core.errors import Inconsistent, Refused, needed, require
from billow.core.money import minimum_charge
from billow.flows.billing import discounts, totals
from billow.flows.customers import tax_ids
from billow.flows.invoices import (
    due_dates,
    invoice_intents,
    late_usage,
    paused_collection,
    revenue_recognition,
)
from billow.flows.invoices import sheet as invoices_sheet
from billow.flows.invoices.sheet import Sheet, Wanted
from billow.flows.papers import links
from billow.flows.subscription_status import transitions
from billow.ledger import entries, post
from billow.resources.customer import Customer
from billow.resources.customer_balance_transaction import CustomerBalanceTransaction
from billow.resources.discount import Discount
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.subscription import Subscription
from billow.store import jobs
from billow.store.jobs import job
from billow.store.tx import Tx

CHARGED_AT_ONCE = ("subscription_create", "subscription_update")


@job("invoice.finalize", batch=jobs.BATCH)
def finalize_due(tx: Tx, refs: list[str]) -> None:
    """Finalize the drafts whose hour has come, in a fixed number of statements, and charge them."""
    charge_on(tx, by_itself(tx, refs, lambda invoice: invoice.auto_advance))


def by_itself(tx: Tx, refs: Sequence[str], wanted: Wanted = lambda invoice: True) -> list[Invoice]:
    """Finalize what no person asked to be finalized: where its collection is paused, as the pause says."""
    paused = paused_collection.behaviors(tx, refs)
    opened = finalize_many(
        tx,
        refs,
        lambda draft: wanted(draft) and paused.get(draft.id) != paused_collection.KEEP,
        lambda draft: goes_out(draft) and draft.id not in paused,
        lambda draft: paused.get(draft.id) == paused_collection.VOID,
    )
    return paused_collection.close_paused(tx, opened, paused)


def charge_on(tx: Tx, opened: Sequence[Invoice]) -> None:
    """Automatic invoices are charged now, as far as they advance by themselves."""
    due = [i for i in opened if i.status == "open" and i.auto_advance and invoice_intents.automatic(i)]
    jobs.put_many(tx, "invoice.collect", [(invoice.id, tx.now) for invoice in due])


def goes_out(draft: Invoice) -> bool:
    """Whether its customer is sent it when it is finalized: what does not advance by itself is not (§7.3).

    An invoice that a request of a subscription finalizes and charges advances once it was tried (§7.1).
    """
    return draft.auto_advance or (
        invoice_intents.automatic(draft) and draft.billing_reason in CHARGED_AT_ONCE
    )


def send_out(tx: Tx, invoices: Sequence[Invoice]) -> None:
    """The letter with the paper; and where that is how it is to be paid, the word that it was sent."""
    waiting = [
        invoice for invoice in invoices if invoice.status == "open" and not invoice_intents.automatic(invoice)
    ]
    rows.emit(tx, [(invoice, None) for invoice in waiting], "invoice.sent")
    mail(tx, invoices)


def mail(tx: Tx, invoices: Sequence[Invoice]) -> None:
    jobs.put_many(tx, "invoice.mail", [(invoice.id, tx.wall) for invoice in invoices], clock="wall")


def finalize_many(
    tx: Tx,
    refs: Sequence[str],
    wanted: Wanted = lambda invoice: True,
    goes: Wanted = goes_out,
    spares: Wanted = lambda invoice: False,
) -> list[Invoice]:
    """Finalize drafts; what is no draft any more is passed over. The number comes last (§7.9).

    An invoice that `spares` the balance takes nothing of it, since it is not going to be paid.
    """
    sheets = invoices_sheet.load(tx, refs, wanted)
    for sheet in sheets:
        sheet.spares = spares(sheet.invoice)
    going = {sheet.invoice.id for sheet in sheets if goes(sheet.invoice)}
    late_usage.recount(tx, sheets)
    terms = totals.terms_of(tx, [s.invoice for s in sheets], [line for s in sheets for line in s.lines])
    spent = reckon_all(tx, sheets, terms)
    settle(sheets)
    opened = open_all(tx, sheets)
    write_balances(tx, sheets)
    post_all(tx, sheets, terms)
    discounts.spend(tx, spent)
    invoice_intents.expect_payments(tx, sheets)
    revenue_recognition.schedule(tx, opened)
    done = [sheet.invoice for sheet in sheets]
    put_right(tx, [invoice for invoice in done if invoice.status == "paid"])
    due_dates.set_timers(tx, done)
    send_out(tx, [invoice for invoice in done if invoice.id in going])
    return done


def reckon_all(tx: Tx, sheets: Sequence[Sheet], terms: totals.Terms) -> dict[str, Discount]:
    """What the invoices come to, once more where something changed since they were drafted.

    A coupon for one invoice may have been used up by another meanwhile, or by one before it in this batch
    (T41); the customer may be exempt of tax since. Returns the coupons that are used up by these, noted so.
    """
    gone = {one.id for one in terms.discounts.values() if one.spent_on}
    spent: dict[str, Discount] = {}
    written: list[tuple[InvoiceLine, dict[str, Any]]] = []
    for sheet in sheets:
        invoice, lines = fresh(sheet, gone)
        if sheet.stale or invoice != sheet.invoice or lines is not sheet.lines:
            invoice, lines = totals.reckoned(invoice, lines, terms)
            written += totals.differing(sheet.lines, lines)
            sheet.changes.update(totals.changes(sheet.invoice, invoice))
            sheet.invoice, sheet.lines = invoice, lines
        sheet.changes["labels"] = totals.labels(invoice, terms)
        used = totals.used_up(invoice, lines, terms)
        spent.update({id: terms.discounts[id].but(spent_on=invoice.id) for id in used})
        gone.update(used)
    rows.update_many(tx, written)
    return spent


def fresh(sheet: Sheet, gone: Container[str]) -> tuple[Invoice, list[InvoiceLine]]:
    """A draft as its customer is now, without the discounts that are over; the same lines where none is."""
    invoice = sheet.invoice.but(
        customer_tax_exempt=sheet.customer.tax_exempt,
        discounts=[id for id in sheet.invoice.discounts if id not in gone],
    )
    if not any(id in gone for line in sheet.lines for id in line.discounts):
        return invoice, sheet.lines
    return invoice, [
        line.but(discounts=[id for id in line.discounts if id not in gone]) for line in sheet.lines
    ]


def settle(sheets: Sequence[Sheet]) -> None:
    """Apply each customer's balance, which no draft has touched, and give the next number of their series.

    A customer's sheets follow each other: the second starts with the balance and the number the first left.
    The customer's row is locked, so the series has no gap (§7.9).
    """
    running = {sheet.customer.id: sheet.customer for sheet in sheets}
    for sheet in sheets:
        invoice, customer = sheet.invoice, running[sheet.customer.id]
        spared = sheet.spares and invoice.total > 0  # what is owed to the customer stays theirs
        minimum = minimum_charge(invoice.currency) if invoice_intents.automatic(invoice) and not spared else 0
        balance = 0 if spared else customer.balance
        sheet.settled = invoicing.settle_balance(invoice.total, balance, minimum)
        sheet.changes.update(
            starting_balance=customer.balance,
            ending_balance=customer.balance if spared else sheet.settled.ending_balance,
            amount_due=sheet.settled.amount_due,
        )
        sequence = customer.next_invoice_sequence
        if invoice.number is None:
            sheet.changes["number"] = numbering.number(customer.invoice_prefix or "", sequence)
            sequence += 1
        running[customer.id] = customer.but(
            balance=sheet.changes["ending_balance"], next_invoice_sequence=sequence
        )
    for sheet in sheets:
        sheet.customer = running[sheet.customer.id]


def open_all(tx: Tx, sheets: Sequence[Sheet]) -> list[Invoice]:
    """Open, or paid at once where nothing is due; and the words for it in order (§10.3 F1, F8)."""
    numbers = tax_ids.snapshots(tx, [sheet.customer.id for sheet in sheets])
    for sheet in sheets:
        sheet.changes.update(opening(tx, sheet), customer_tax_ids=numbers.get(sheet.customer.id, []))
    owed = [sheet for sheet in sheets if sheet.changes["amount_due"]]
    settled = [sheet for sheet in sheets if not sheet.changes["amount_due"]]
    for group, events in ((owed, ("finalized",)), (settled, ("finalized", "paid", "payment_succeeded"))):
        done = rows.update_many(
            tx,
            [(sheet.invoice, sheet.changes) for sheet in group],
            event=[f"invoice.{event}" for event in events],
        )
        for sheet, invoice in zip(group, done, strict=True):
            sheet.invoice = invoice
    return [sheet.invoice for sheet in sheets]


def opening(tx: Tx, sheet: Sheet) -> dict[str, Any]:
    invoice, free = sheet.invoice, not sheet.changes["amount_due"]
    state = lifecycle.after(lifecycle.INVOICE, invoice.status, "finalize")
    url = links.url_of(tx, invoice.id)
    due = invoice.due_date or (
        tx.now + timedelta(days=invoice.days_until_due) if invoice.days_until_due is not None else None
    )
    return {
        "status": lifecycle.after(lifecycle.INVOICE, state, "pay") if free else state,
        "finalized_at": tx.now,
        "paid_at": tx.now if free else None,
        "effective_at": tx.now,
        "hosted_invoice_url": url,
        "invoice_pdf": f"{url}/pdf",
        "due_date": due if invoice.collection_method == "send_invoice" else None,
        "automatically_finalizes_at": None,
        "attempted": free or invoice.attempted,
        "auto_advance": invoice.auto_advance and not free,
    }


def put_right(tx: Tx, paid: Sequence[Invoice]) -> None:
    """Make subscriptions active again that were late, where the balance has paid their latest invoice."""
    ids = [invoice.subscription for invoice in paid if invoice.subscription]
    if not ids:
        return
    was_late = "id = any(%(ids)s) and status in ('past_due', 'unpaid')"
    late = rows.select(tx, Subscription, was_late, "order by id for update", ids=ids)
    by_id = {subscription.id: subscription for subscription in late}
    found = [invoice for invoice in paid if invoice.subscription in by_id]
    transitions.record_payments(tx, [transitions.Paid(by_id[one.subscription or ""], one) for one in found])
    transitions.set_delinquents(tx, [invoice.customer for invoice in found], False)


def write_balances(tx: Tx, sheets: Sequence[Sheet]) -> None:
    """What the invoices took from the customers' balances and series. Only a changed balance is told."""
    old = rows.find_many(tx, Customer, [sheet.customer.id for sheet in sheets])
    latest = {sheet.customer.id: sheet.customer for sheet in sheets}
    changes = [
        (old[id], {"balance": now.balance, "next_invoice_sequence": now.next_invoice_sequence})
        for id, now in latest.items()
    ]
    moved = [change for change in changes if change[0].balance != change[1]["balance"]]
    rows.update_many(tx, [change for change in changes if change not in moved], event=None)
    rows.update_many(tx, moved)
    rows.insert_many(tx, [used(sheet) for sheet in sheets if sheet.settled and sheet.settled.reason])


def used(sheet: Sheet) -> CustomerBalanceTransaction:
    """What an invoice took from the balance, or left on it."""
    if not (sheet.settled and sheet.settled.reason):
        raise Inconsistent(f"The invoice {sheet.invoice.id} did not touch the balance.")
    return CustomerBalanceTransaction(
        amount=sheet.settled.balance_transaction,
        currency=sheet.invoice.currency,
        customer=sheet.customer.id,
        ending_balance=sheet.settled.ending_balance,
        invoice=sheet.invoice.id,
        type=sheet.settled.reason,
    )


def post_all(tx: Tx, sheets: Sequence[Sheet], terms: totals.Terms) -> None:
    """The customer owes us each line's net and the taxes; what the balance settled is moved from it."""
    postings = []
    for sheet in sheets:
        invoice, settled = sheet.invoice, needed(sheet.settled, "what the balance settles of an invoice")
        lines = [entries.Line(line.id, line.product or "none", line.net) for line in sheet.lines]
        owed = [
            entries.Tax(totals.jurisdiction(terms.rates[tax["tax_rate_details"]["tax_rate"]]), tax["amount"])
            for tax in invoice.total_taxes
        ]
        moved = entries.invoice_finalized(invoice.customer, invoice.currency, lines, owed)
        used = entries.balance_applied(invoice.customer, invoice.currency, settled.balance_transaction)
        postings += [
            post.Posting(event, invoice.id, tx.now, transfers, invoice.customer, invoice.id)
            for event, transfers in (("invoice.finalized", moved), ("customer_balance.applied", used))
            if transfers
        ]
    post.post(tx, postings)


def finalize_one(tx: Tx, invoice: Invoice, goes: Wanted = goes_out) -> Invoice:
    """Finalize a draft at a person's word; 400 where it is no draft."""
    require(
        invoice.status == "draft",
        "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
    )
    jobs.cancel(tx, "invoice.finalize", invoice.id)
    made = finalize_many(tx, [invoice.id], goes=goes)
    if not made:
        raise Refused("This invoice can no longer be finalized.")
    return made[0]
