"""Finalize drafts: count late usage, number, freeze, and post to the ledger."""

from collections.abc import Container, Sequence
from datetime import datetime
from typing import Any

from billow.api import rows
from billow.core import invoicing, lifecycle, numbering
from billow.core.bounds import LARGEST
from billow.core.errors import Inconsistent, Refused, needed, require
from billow.core.money import charge_limits
from billow.flows.billing import discounts, labels, totals
from billow.flows.billing import drafts as billing_drafts
from billow.flows.billing.exemption import exemptions
from billow.flows.credits import application, purchases
from billow.flows.customers import tax_ids
from billow.flows.invoices import (
    due_dates,
    held_back,
    invoice_intents,
    late_usage,
    numbers,
    paused_collection,
    payment_numbers,
    revenue_recognition,
    revisions,
)
from billow.flows.invoices import sheet as invoices_sheet
from billow.flows.invoices.sheet import Sheet, Wanted
from billow.flows.mails import outbox
from billow.flows.outside.seller import version_of
from billow.flows.papers import invoice_document, links, looks
from billow.flows.subscription_status import transitions
from billow.flows.taxes import national
from billow.ledger import entries, post
from billow.resources.customer import Customer
from billow.resources.customer_balance_transaction import CustomerBalanceTransaction
from billow.resources.discount import Discount
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.payment_intent import PaymentIntent
from billow.resources.subscription import Subscription
from billow.store import jobs
from billow.store.jobs import job
from billow.store.tx import Tx

CHARGED_AT_ONCE = ("subscription_create", "subscription_update")


@job("invoice.finalize", batch=jobs.BATCH)
def finalize_due(tx: Tx, refs: list[str]) -> None:
    """Finalize the drafts whose hour has come, in a fixed number of statements, and charge them."""
    due = by_itself(tx, refs, lambda one: one.auto_advance or one.automatically_finalizes_at is not None)
    charge_on(tx, due)


def by_itself(tx: Tx, refs: Sequence[str], wanted: Wanted = lambda invoice: True) -> list[Invoice]:
    """Finalize drafts without a request; where collection is paused, as the pause says."""
    outdated = leave_outdated(tx, refs)
    paused = paused_collection.behaviors(tx, refs)
    opened = finalize_many(
        tx,
        [id for id in refs if id not in outdated],
        lambda draft: wanted(draft) and paused.get(draft.id) != paused_collection.KEEP,
        lambda draft: goes_out(draft) and draft.id not in paused,
        lambda draft: paused.get(draft.id) == paused_collection.VOID,
        holds=True,
    )
    return paused_collection.close_paused(tx, opened, paused)


def leave_outdated(tx: Tx, refs: Sequence[str]) -> set[str]:
    """Leave revisions as drafts whose original was paid or voided meanwhile: only a person can decide then.

    Emits `invoice.updated`.
    """
    found = rows.select(
        tx,
        Invoice,
        "id = any(%(ids)s) and status = 'draft' and from_invoice is not null",
        ids=sorted(set(refs)),
    )
    outdated = [one for one in found if one.from_invoice and revisions.is_outdated(tx, one)]
    stays = {"auto_advance": False, "automatically_finalizes_at": None}
    rows.update_many(tx, [(one, stays) for one in outdated])
    return {one.id for one in outdated}


def charge_on(tx: Tx, opened: Sequence[Invoice]) -> None:
    """Put the jobs that charge these invoices now, as far as they advance automatically."""
    due = [
        i
        for i in opened
        if i.status == "open" and i.auto_advance and invoice_intents.is_charged_automatically(i)
    ]
    jobs.put_many(tx, "invoice.collect", [(invoice.id, tx.now) for invoice in due])


def goes_out(draft: Invoice) -> bool:
    """Check whether finalizing sends the customer an invoice: only if it advances automatically (§7.3).

    An invoice that a request about a subscription finalizes and charges advances after that attempt (§7.1).
    """
    return draft.auto_advance or (
        invoice_intents.is_charged_automatically(draft) and draft.billing_reason in CHARGED_AT_ONCE
    )


def send_out(tx: Tx, invoices: Sequence[Invoice]) -> None:
    """Mail invoices to their customers; emit `invoice.sent` for those that are not charged automatically."""
    waiting = [
        invoice
        for invoice in invoices
        if invoice.status == "open" and not invoice_intents.is_charged_automatically(invoice)
    ]
    rows.emit(tx, [(invoice, None) for invoice in waiting], "invoice.sent")
    mail(tx, invoices)


def mail(tx: Tx, invoices: Sequence[Invoice]) -> None:
    """Order the mails of finalized invoices; one that is about to be charged waits for the outcome.

    Otherwise its customer would read at the same moment that it is charged, and that the charge failed.
    """
    charged = invoice_intents.is_charged_automatically
    told = [one for one in invoices if one.status != "open" or one.amount_due == 0 or not charged(one)]
    outbox.order(tx, [letter_of(one) if one.total else zero_letter_of(one) for one in told])


def zero_letter_of(invoice: Invoice) -> outbox.Mail:
    """Return the mail of an invoice of nothing, as at the start of a trial; it is sent if switched on."""
    return outbox.Mail("zero_invoice", invoice.id, invoice.customer)


def letter_of(invoice: Invoice) -> outbox.Mail:
    """Return the mail that carries an invoice; there is one for each."""
    return outbox.Mail("invoice", invoice.id, invoice.customer)


def finalize_many(
    tx: Tx,
    refs: Sequence[str],
    wanted: Wanted = lambda invoice: True,
    goes: Wanted = goes_out,
    spares: Wanted = lambda invoice: False,
    *,
    holds: bool = False,
    paid_by: PaymentIntent | None = None,
) -> list[Invoice]:
    """Finalize the drafts among invoices, in a fixed number of statements; they are numbered last (§7.9).

    An invoice that `spares` the balance leaves it as it is, since it is not going to be paid. A draft whose
    automatic tax cannot be decided is refused; with `holds` it stays a draft that says so. What an intent
    `paid_by` has paid before is due, whatever it comes to now: the rest is the balance's. Locks the
    customers, then the invoices.
    """
    sheets = invoices_sheet.load(tx, refs, wanted)
    for sheet in sheets:
        sheet.spares, sheet.paid_by = spares(sheet.invoice), paid_by
    going = {sheet.invoice.id for sheet in sheets if goes(sheet.invoice)}
    late_usage.recount(tx, sheets)
    terms = totals.terms_of(tx, [s.invoice for s in sheets], [line for s in sheets for line in s.lines])
    spent, taken = recalculate(tx, sheets, terms)
    held = [sheet for sheet in sheets if held_back.is_held_back(sheet.invoice)]
    if held and not holds:
        raise held_back.refusal_of(held[0].invoice)
    held_back.keep_as_drafts(tx, held)
    sheets = [sheet for sheet in sheets if sheet not in held]
    returned = revisions.void_originals(tx, sheets)
    series = numbers.series_of(tx)
    settle(sheets, numbered=series.scheme == "customer")
    if series.scheme == "account":
        number_all(tx, sheets, series)
    open_all(tx, sheets)
    write_balances(tx, sheets)
    discounts.mark_spent(tx, spent)
    application.write(tx, taken, returned)
    invoice_intents.insert_intents(tx, [sheet.intent for sheet in sheets if sheet.intent])
    invoice_intents.link_paid(tx, sheets)
    lines = [line for sheet in sheets for line in sheet.lines]
    revised = {sheet.invoice.id for sheet in sheets if revisions.replaced_by(sheet.invoice)}
    moved = [*postings_of(tx, sheets, terms), *taken.postings]
    revenue_recognition.schedule(tx, lines, moved, revised)
    done = [sheet.invoice for sheet in sheets]
    revisions.name_revisions(tx, done)
    activate_late(tx, [invoice for invoice in done if invoice.status == "paid"])
    purchases.deliver(tx, [invoice for invoice in done if invoice.status == "paid"])
    due_dates.set_timers(tx, done)
    send_out(tx, [invoice for invoice in done if invoice.id in going])
    return done


def recalculate(
    tx: Tx, sheets: Sequence[Sheet], terms: totals.Terms
) -> tuple[dict[str, Discount], application.Applied]:
    """Calculate the totals again of drafts where something changed since they were made.

    Another invoice may have used up a coupon that is good for one, also one before it in this batch (T41);
    the customer may be exempt of tax since, or have other billing credits left. Returns the discounts that
    these invoices use up, each with its invoice, and the credits that they take.
    """
    gone = {one.id for one in terms.discounts.values() if one.spent_on}
    spent: dict[str, Discount] = {}
    written: list[tuple[InvoiceLine, dict[str, Any]]] = []
    exempt = exemptions(tx, [sheet.customer for sheet in sheets])
    drawn = {one.id for owned in terms.grants.values() for one in owned} | terms.returning.keys()
    taken = application.begin(tx, sorted(drawn))
    for sheet in sheets:
        invoice, lines = as_it_is_now(sheet, exempt[sheet.customer.id], gone)
        automatic = invoice.automatic_tax["enabled"]  # its taxes were decided anew
        credited = invoice.applied_credits or terms.credits_for(invoice)
        fixed = lines is sheet.lines and invoice == sheet.invoice
        if sheet.stale or automatic or credited or not fixed:
            invoice, lines = totals.calculate(invoice, lines, terms)
            if not held_back.is_held_back(invoice):
                terms.use_credits(invoice)
                invoice, lines = application.take(tx, taken, invoice, lines)
            written += totals.changed_lines(sheet.lines, lines)
            sheet.changes.update(totals.changed_fields(sheet.invoice, invoice))
            sheet.invoice, sheet.lines = invoice, lines
        language = labels.language_of(tx, sheet.customer)
        sheet.changes["labels"] = labels.labels_of(invoice, terms, language)
        if held_back.is_held_back(invoice):
            continue
        used = totals.once_discounts_used(invoice, lines, terms)
        spent.update({id: terms.discounts[id].but(spent_on=invoice.id) for id in used})
        gone.update(used)
    rows.update_many(tx, written)
    return spent, taken


def as_it_is_now(sheet: Sheet, exempt: str, gone: Container[str]) -> tuple[Invoice, list[InvoiceLine]]:
    """Return a draft with its customer's tax status of now, without discounts that ended, and its lines.

    The lines are the same list where they had no such discount.
    """
    invoice = sheet.invoice.but(
        customer_tax_exempt=exempt, discounts=[id for id in sheet.invoice.discounts if id not in gone]
    )
    if not any(id in gone for line in sheet.lines for id in line.discounts):
        return invoice, sheet.lines
    return invoice, [
        line.but(discounts=[id for id in line.discounts if id not in gone]) for line in sheet.lines
    ]


def number_all(tx: Tx, sheets: Sequence[Sheet], series: numbering.Series) -> None:
    """Number the invoices in the series of the account. Locks it, after all customers and invoices."""
    waiting = [sheet for sheet in sheets if sheet.invoice.number is None]
    for sheet, number in zip(waiting, numbers.take(tx, series, len(waiting)), strict=True):
        sheet.changes["number"] = number


def settle(sheets: Sequence[Sheet], *, numbered: bool) -> None:
    """Apply the balance of each customer to their invoices, and number these in the customer's series.

    Several invoices of a customer are settled one after the other: the second begins with the balance and the
    number that the first has left. The customer is locked, so that the numbers have no gap (§7.9).
    """
    running = {sheet.customer.id: sheet.customer for sheet in sheets}
    for sheet in sheets:
        invoice, customer = sheet.invoice, running[sheet.customer.id]
        spared = sheet.spares and invoice.total > 0  # a credit still goes to the customer's balance
        charged = invoice_intents.is_charged_automatically(invoice) and not spared
        limits = charge_limits(invoice.currency) if charged else (0, LARGEST, 1)
        balance = 0 if spared else customer.balance
        sheet.settled = (
            invoicing.settle_paid(invoice.total, customer.balance, paid_amount(sheet.paid_by))
            if sheet.paid_by
            else invoicing.settle_balance(invoice.total, balance, *limits)
        )
        sheet.changes.update(
            starting_balance=customer.balance,
            ending_balance=customer.balance if spared else sheet.settled.ending_balance,
            amount_due=sheet.settled.amount_due,
        )
        sequence = customer.next_invoice_sequence
        if invoice.number is None and numbered:
            sheet.changes["number"] = numbering.number(customer.invoice_prefix or "", sequence)
            sequence += 1
        running[customer.id] = customer.but(
            balance=sheet.changes["ending_balance"], next_invoice_sequence=sequence
        )
    for sheet in sheets:
        sheet.customer = running[sheet.customer.id]


def paid_amount(intent: PaymentIntent) -> int:
    """Return what an intent has paid of an invoice that is made after it, or pays once its money comes."""
    return intent.amount_received if intent.status == "succeeded" else intent.amount


def open_all(tx: Tx, sheets: Sequence[Sheet]) -> None:
    """Open the invoices, or mark them paid where nothing is due; emit their events in order (§10.3 F1, F8).

    An invoice that is to be charged gets the columns of its intent, which is inserted afterwards.
    """
    known = tax_ids.snapshots(tx, [sheet.customer.id for sheet in sheets])
    seller = version_of(tx) if sheets else None
    ours = tax_ids.of_sellers(tx, [sheet.invoice for sheet in sheets])
    rendered = looks.frozen(tx, [sheet.invoice for sheet in sheets])
    for sheet in sheets:
        sheet.changes.update(opening(tx, sheet), customer_tax_ids=known.get(sheet.customer.id, []))
        own = {id: ours[id] for id in sheet.invoice.account_tax_ids or [] if id in ours}
        own[invoice_document.LANGUAGE] = labels.language_of(tx, sheet.customer)
        sheet.changes.update(
            seller_version=seller,
            rendering=rendered.get(sheet.invoice.id, sheet.invoice.rendering),
            labels={**sheet.changes["labels"], **own},
            national_tax=national.of_invoice(tx, sheet.invoice),
        )
    invoice_intents.prepare_intents(tx, sheets)
    payment_numbers.prepare_numbers(tx, sheets)
    opened = rows.update_many(tx, [(sheet.invoice, sheet.changes) for sheet in sheets], event=None)
    for sheet, invoice in zip(sheets, opened, strict=True):
        sheet.invoice = invoice
    emit_opened(tx, [sheet for sheet in sheets if sheet.invoice.status == "open"], ["invoice.finalized"])
    emit_opened(
        tx,
        [sheet for sheet in sheets if sheet.invoice.status == "paid"],
        ["invoice.finalized", "invoice.paid", "invoice.payment_succeeded"],
    )


def emit_opened(tx: Tx, sheets: Sequence[Sheet], events: Sequence[str]) -> None:
    """Emit events of invoices with their lines, which are at hand."""
    lines = [line for sheet in sheets for line in sheet.lines]
    rows.emit(tx, [(sheet.invoice, None) for sheet in sheets], events, {"lines": lines})


def opening(tx: Tx, sheet: Sheet) -> dict[str, Any]:
    invoice, free = sheet.invoice, not sheet.changes["amount_due"]
    state = lifecycle.after(lifecycle.INVOICE, invoice.status, "finalize")
    url = links.url_of(tx, invoice.id)
    return {
        "status": lifecycle.after(lifecycle.INVOICE, state, "pay") if free else state,
        "finalized_at": tx.now,
        "paid_at": tx.now if free else None,
        "effective_at": invoice.effective_at or tx.now,
        "hosted_invoice_url": url,
        "invoice_pdf": f"{url}/pdf",
        "due_date": due_when_issued(invoice, tx.now),
        "automatically_finalizes_at": None,
        "last_finalization_error": None,
        "attempted": free or invoice.attempted,
        "auto_advance": invoice.auto_advance and not free,
    }


def due_when_issued(invoice: Invoice, now: datetime) -> datetime | None:
    """Return when an invoice is due. Days that are over when it is issued leave it due at once."""
    due = billing_drafts.due_date(invoice)
    return max(due, now) if due and invoice.days_until_due is not None else due


def activate_late(tx: Tx, paid: Sequence[Invoice]) -> None:
    """Make late subscriptions active again whose latest invoice the customer's balance has paid.

    Locks these subscriptions.
    """
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
    """Write the balances and next numbers of customers, and their balance transactions.

    Emits `customer.updated` only where the balance changed.
    """
    old = rows.find_many(tx, Customer, [sheet.customer.id for sheet in sheets])
    latest = {sheet.customer.id: sheet.customer for sheet in sheets}
    changes = [
        (old[id], {"balance": now.balance, "next_invoice_sequence": now.next_invoice_sequence})
        for id, now in latest.items()
    ]
    moved = [change for change in changes if change[0].balance != change[1]["balance"]]
    rows.update_many(tx, [change for change in changes if change not in moved], event=None)
    rows.update_many(tx, moved)
    used = [balance_transaction(sheet) for sheet in sheets if sheet.settled and sheet.settled.reason]
    rows.insert_many(tx, used)


def balance_transaction(sheet: Sheet) -> CustomerBalanceTransaction:
    """Build the transaction of what an invoice took from the balance, or added to it."""
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


def postings_of(tx: Tx, sheets: Sequence[Sheet], terms: totals.Terms) -> list[post.Posting]:
    """Build the postings of finalized invoices: the customer owes the net of each line, and the taxes.

    What the balance paid or received is posted from and to it.
    """
    postings = []
    for sheet in sheets:
        invoice, settled = sheet.invoice, needed(sheet.settled, "what the balance settles of an invoice")
        again = revisions.replaced_by(invoice)  # what was earned before is in the books, and reversed today
        lines = [
            entries.Line(
                line.id, line.sold, line.net, 0 if again else revenue_recognition.earned_before(tx, line)
            )
            for line in sheet.lines
        ]
        owed = totals.owed(invoice.total_taxes, terms.rates)
        moved = entries.invoice_finalized(invoice.customer, invoice.currency, lines, owed)
        used = entries.balance_applied(invoice.customer, invoice.currency, settled.balance_transaction)
        postings += [
            post.Posting(event, invoice.id, tx.now, transfers, invoice.customer, invoice.id)
            for event, transfers in (("invoice.finalized", moved), ("customer_balance.applied", used))
            if transfers
        ]
    return postings


def finalize_one(tx: Tx, invoice: Invoice, goes: Wanted = goes_out, *, holds: bool = False) -> Invoice | None:
    """Finalize a draft at a request; refused if the invoice is no draft.

    Returns None for a draft whose automatic tax cannot be decided, which is refused unless it `holds`.
    """
    require(
        invoice.status == "draft",
        "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
    )
    revisions.check_original(tx, invoice)
    jobs.cancel(tx, "invoice.finalize", invoice.id)
    made = finalize_many(tx, [invoice.id], goes=goes, holds=holds)
    if not made and not holds:
        raise Refused("This invoice can no longer be finalized.")
    return made[0] if made else None
