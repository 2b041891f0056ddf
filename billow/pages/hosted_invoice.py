"""Serve an invoice on a page that takes its payment, as a document, and as a PDF."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import tzinfo
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import flask
from markupsafe import Markup

from billow.api import rows
from billow.core.einvoice.limits import PROFILES
from billow.core.errors import Refused, Unavailable
from billow.core.lifecycle import PAYABLE
from billow.flows.checkout import decline_limit, invoice_payments
from billow.flows.checkout.invoice_payments import Paid
from billow.flows.checkout.method_collections import Wanted
from billow.flows.checkout.purchase import Payer
from billow.flows.customers import payment_methods
from billow.flows.outside.merchant import contact_of
from billow.flows.outside.outside import Outside
from billow.flows.papers import einvoice, invoice_document, links, parties, replaced
from billow.pages import checkout_view, elsewhere, entry, frame, machine_formats, sealed
from billow.pages.forms import Form
from billow.pages.machine_formats import HEADERS
from billow.pages.words import Words, spoken, words_of
from billow.providers.documents import InvoiceDocument, html, pdf, wording
from billow.providers.documents.qr import svg
from billow.resources.charge import Charge
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_method import PaymentMethod
from billow.resources.subscription import Subscription
from billow.store import clocks
from billow.store.perform import perform
from billow.store.tx import Database, Tx

"""The headers of a document, which is one file with its styles in it and has no form."""
FORMATS = machine_formats.Formats(
    Invoice, invoice_document.document_of, invoice_document.issued_at, einvoice.written
)
in_format = partial(machine_formats.view, formats=FORMATS)
ADDRESS = "/i/<account>/<mode>/<invoice>/<seal>"


def add(app: flask.Flask, db: Database, outside: Outside) -> None:
    """Add the addresses of an invoice. A wrong seal is answered like an unknown address.

    A document is rendered after the transaction, since a long one takes seconds.
    """
    pages = Pages(db, outside)

    def shown(render: Callable[[Invoice, InvoiceDocument], flask.Response]) -> sealed.View:
        def view(tenant: str, id: str, address: str) -> flask.Response:
            with db.transaction(tenant) as tx:
                found = rows.find(tx, Invoice, id)
                document = invoice_document.document_of(tx, found)
            return render(found, document)

        return view

    for path, name, view, methods in (
        (ADDRESS, "hosted invoice", pages.invoice, ["GET", "POST"]),
        (f"{ADDRESS}/document", "invoice document", shown(page), ["GET"]),
        (f"{ADDRESS}/pdf", "invoice pdf", shown(file), ["GET"]),
        *((f"{ADDRESS}/{one}", f"invoice {one}", in_format(db, one), ["GET"]) for one in PROFILES),
    ):
        app.add_url_rule(
            path,
            name,
            sealed.page(outside, "invoice", view),
            methods=methods,
            provide_automatic_options=False,
        )


def page(invoice: Invoice, document: InvoiceDocument) -> flask.Response:
    return flask.Response(html.render(document), mimetype="text/html", headers=HEADERS)


def file(invoice: Invoice, document: InvoiceDocument) -> flask.Response:
    name = f"{invoice.number or invoice.id}.pdf"
    disposition = {"Content-Disposition": f'inline; filename="{name}"'}
    return flask.Response(
        pdf.render(document, invoice_document.issued_at(invoice)),
        mimetype="application/pdf",
        headers={**HEADERS, **disposition},
    )


class Pages:
    """Answers requests for the page of an invoice, in transactions of its tenant."""

    def __init__(self, db: Database, outside: Outside) -> None:
        self.db, self.outside = db, outside

    def invoice(self, tenant: str, id: str, address: str) -> flask.Response:
        """Show an invoice by its state, or take its payment."""
        request = flask.request
        with self.db.transaction(tenant) as tx:
            invoice = rows.find(tx, Invoice, id)
            words = words_of(language_of(rows.find(tx, Customer, invoice.customer, deleted=True)))
            if request.method == "GET":
                return self._shown(tx, invoice, address, Form(words))
            if not frame.is_ours(self.outside, address, request.form, request.headers):
                return frame.see(address)
            form = Form(words, request.form)
            own = is_saved(tx, invoice.customer, form.given.get("method", ""))
            takes = entry.of(tx, invoice.currency, types_of(invoice))
            chosen = None if own else takes.chosen(form.given.get("method"))
            card = form.card(tx.now) if chosen == "card" else None
            iban = form.iban() if chosen == "sepa_debit" else None
            if form.errors or (chosen is None and not own):
                return self._shown(tx, invoice, address, form)
        payer = Payer(
            accepted=entry.accepted(),
            card=card,
            iban=iban,
            method=form.given["method"] if own else None,
            name=form.holder(),
        )
        if chosen == "elsewhere":
            more = {"keep": form.given.get("keep") == "yes"}
            wanted = Wanted("invoice", id, takes.elsewhere, invoice.currency, payer, more)
            return elsewhere.lead(self.db, tenant, wanted, address)
        result = self.taken(tenant, id, payer, form)
        if result.awaits:
            with self.db.transaction(tenant) as tx:
                return frame.see(links.authentication(tx, result.awaits))
        if not result.declined:
            return frame.see(address)
        form.declined = form.words.decline(result.reason, result.declined)
        with self.db.transaction(tenant) as tx:
            return self._shown(tx, rows.find(tx, Invoice, id), address, form)

    def taken(self, tenant: str, id: str, payer: Payer, form: Form) -> Paid:
        """Take a payment; what the gateway does not answer is found out later, and the page says so."""
        keep = form.given.get("keep") == "yes"

        def pay(tx: Tx) -> Any:
            return invoice_payments.pay(tx, id, payer, keep=keep)

        try:
            result: Paid = perform(lambda: self.db.transaction(tenant), pay)
        except Unavailable:
            return Paid()
        except Refused as refused:
            return Paid(declined=refused.message)
        return result

    def _shown(self, tx: Tx, invoice: Invoice, address: str, form: Form) -> flask.Response:
        tx = clocks.enter(tx, invoice.test_clock)
        words, document = form.words, invoice_document.document_of(tx, invoice)
        if form.declined and decline_limit.is_reached(tx, rows.find(tx, Customer, invoice.customer)):
            form.declined = words("too_often", seller=document.seller.name)
        intent = invoice_payments.intent_of(tx, invoice)
        waits = intent is not None and intent.status == "processing"
        if intent is not None and intent.status == "requires_action" and not form.errors:
            return frame.see(links.authentication(tx, intent.id))
        takes = entry.of(tx, invoice.currency, types_of(invoice))
        kept = saved(tx, invoice.customer, usual_method(tx, invoice))
        form = preselected(tx, form, invoice, kept)
        payable = invoice.status in PAYABLE and not waits and bool(takes or kept)
        remaining = invoice.amount_due - invoice.amount_paid
        amount = remaining if invoice.status in PAYABLE else 0 if invoice.status == "void" else invoice.total
        revision = replaced.revision_of(tx, invoice)
        transfer = wording.transfer(document) if not waits else []
        return frame.page(
            "invoice_page.html",
            words.language,
            422 if form.errors or form.declined else 200,
            address=address,
            amount=frame.money(amount, invoice.currency, words),
            asks=asks_to_confirm(intent) and not form.errors and not form.declined,
            badge=badge(invoice, words, waits=waits, overdue=is_overdue(tx, invoice)),
            contact=contact_of(tx) or document.seller.name,
            entry=takes,
            facts=facts(invoice, document, words),
            form=form,
            heading=words("invoice", number=invoice.number or ""),
            lines=document.lines,
            payable=payable and remaining > 0,
            **frame.branded(tx),
            pdf=f"{address}/pdf",
            qr=Markup(svg(document.transfer.qr)) if document.transfer and document.transfer.qr else None,  # noqa: S704
            receipt=receipt_of(tx, intent),
            replaced=links.url_of(tx, revision.id) if revision else None,
            replaces=replaced.said_of(tx, invoice, words.country or words.language),
            saved=kept,
            seller=document.seller.name,
            state=state(tx, invoice, words, waits=waits),
            test=not tx.livemode,
            token=frame.token_of(self.outside, address),
            totals=document.totals,
            transfer=transfer,
            whole=f"{address}/document",
        )


def language_of(customer: Customer) -> str:
    """Return the first language of a customer that pages speak, or else that of the browser."""
    return spoken(customer.preferred_locales or []) or frame.language_of_browser()


def is_overdue(tx: Tx, invoice: Invoice) -> bool:
    return invoice.status in PAYABLE and invoice.due_date is not None and invoice.due_date < tx.now


def state(tx: Tx, invoice: Invoice, words: Words, *, waits: bool) -> str:
    """Say in words where an invoice stands."""
    zone = zone_for(tx, invoice)
    if waits:
        return words("invoice_processing")
    if invoice.status == "paid":
        return words("invoice_paid", date=checkout_view.day_in(invoice.paid_at or tx.now, words, zone))
    if invoice.status == "void":
        return words("invoice_void")
    if invoice.due_date is None and invoice.status != "open":
        return words("invoice_uncollectible")
    if invoice.due_date is None:
        since = invoice.effective_at or invoice.created
        return words("invoice_due_since", date=checkout_view.day_in(since, words, zone))
    key = "invoice_overdue" if is_overdue(tx, invoice) else "invoice_to_pay"
    return words(key, date=checkout_view.day_in(invoice.due_date, words, zone))


def zone_for(tx: Tx, invoice: Invoice) -> tzinfo:
    """Return the time zone of the days on an invoice's paper: the seller's when it was issued."""
    return ZoneInfo(parties.seller_of_invoice(tx, invoice).time_zone)


def badge(invoice: Invoice, words: Words, *, waits: bool, overdue: bool) -> tuple[str, str]:
    """Return the tone and the word of an invoice's state."""
    if waits:
        return "info", words("invoice_processing")
    if overdue:
        return "bad", words("overdue")
    tone = {"paid": "good", "open": "info", "uncollectible": "info"}.get(invoice.status, "")
    return tone, words(f"status_{invoice.status}")


def facts(invoice: Invoice, document: InvoiceDocument, words: Words) -> list[tuple[str, str]]:
    """Return who sends the invoice to whom, and when."""
    issued = checkout_view.written(document.issued_on, words)
    return [
        (words("from"), document.seller.name),
        (words("for"), document.buyer.name),
        (words("issued"), issued),
    ]


def types_of(invoice: Invoice) -> list[str]:
    """Return the types of methods that an invoice names, or cards."""
    return invoice.payment_settings.get("payment_method_types") or list(entry.CARDS)


def asks_to_confirm(intent: PaymentIntent | None) -> bool:
    """Check whether the bank has declined only because the customer was not there to confirm."""
    error = (intent.last_payment_error if intent else None) or {}
    return "authentication_required" in (error.get("code"), error.get("decline_code"))


def preselected(tx: Tx, form: Form, invoice: Invoice, kept: Sequence[dict[str, Any]]) -> Form:
    """Return the form with the saved card chosen that is charged by itself, or else the newest."""
    if not kept or "method" in form.given:
        return form
    usual = usual_method(tx, invoice)
    found = next((one["id"] for one in kept if one["id"] == usual), kept[0]["id"])
    return replace(form, given={"method": found, **form.given})


def usual_method(tx: Tx, invoice: Invoice) -> str | None:
    subscription = rows.find(tx, Subscription, invoice.subscription) if invoice.subscription else None
    customer = rows.find(tx, Customer, invoice.customer, deleted=True)
    return payment_methods.method_id(customer, subscription, invoice)


MOST_CARDS = 10


def saved(tx: Tx, customer: str, first: str | None = None) -> list[dict[str, Any]]:
    """Return the cards of a customer, the newest first, each once however often it was entered.

    Of the same card the one is shown that is named `first`.
    """
    where = "customer = %(id)s and type = 'card' and not detached"
    cards = sorted(rows.select(tx, PaymentMethod, where, id=customer), key=lambda one: one.id != first)
    once = {same_card(one): one for one in reversed(cards)}
    found = sorted(once.values(), key=lambda one: (one.created, one.id), reverse=True)
    return [checkout_view.card_shown(one) for one in found[:MOST_CARDS]]


def entries_of(tx: Tx, method: PaymentMethod) -> list[PaymentMethod]:
    """Return all entries of the same card of a customer, which is shown once."""
    where = "customer = %(id)s and type = %(type)s and not detached"
    found = rows.select(tx, PaymentMethod, where, "order by id", id=method.customer, type=method.type)
    return [one for one in found if same_card(one) == same_card(method)]


def is_saved(tx: Tx, customer: str, id: str) -> bool:
    where = "customer = %(customer)s and type = 'card' and not detached and id = %(id)s"
    return bool(rows.select(tx, PaymentMethod, where, customer=customer, id=id))


def same_card(method: PaymentMethod) -> tuple[Any, ...]:
    """Return what two entries of the same card have in common."""
    card = method.card or {}
    known = card.get("fingerprint")
    return (known, card.get("exp_month"), card.get("exp_year")) if known else (method.id,)


def receipt_of(tx: Tx, intent: PaymentIntent | None) -> str | None:
    """Return the address of the receipt of the charge that paid."""
    if intent is None or intent.status != "succeeded" or not intent.latest_charge:
        return None
    return rows.find(tx, Charge, intent.latest_charge).receipt_url
