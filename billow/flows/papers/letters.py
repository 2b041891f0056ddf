"""Put together what each kind of mail says, from the rows as they are when it is sent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parseaddr
from typing import Any

from billow.api import rows
from billow.core import lifecycle
from billow.flows.customers import payment_methods
from billow.flows.mails.outbox import Ordered
from billow.flows.outside.outside import outside_of
from billow.flows.papers import (
    credit_note_document,
    credit_note_einvoice,
    einvoice,
    invoice_document,
    letter_lines,
    links,
    receipt,
    replaced,
    statement,
)
from billow.flows.papers.addressing import (
    NO_ADDRESS,
    Addressed,
    address_of,
    customer_of,
    locale_of,
    moment,
    sender_of,
)
from billow.flows.papers.method_links import update_method
from billow.flows.papers.portal_letters import alert_letter, login_letter
from billow.providers.letters import Card, Letter, Money, Reason, Value
from billow.providers.letters.layout import spoken
from billow.resources.charge import Charge
from billow.resources.credit_note import CreditNote
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.payment_method import PaymentMethod
from billow.resources.refund import Refund
from billow.resources.subscription import Subscription
from billow.store.tx import Tx


def address(tx: Tx, mail: Ordered) -> Addressed | str:
    """Return the letter of a mail, or why there is nothing to send any more."""
    return LETTERS[mail.kind](tx, mail)


# ------------------------------------------------------------------------------------- about an invoice


@dataclass(frozen=True, slots=True)
class Billed:
    """An invoice with its customer, lines and what they pay for."""

    invoice: Invoice
    customer: Customer
    lines: Sequence[InvoiceLine]
    plan: str


def billed(tx: Tx, id: str) -> Billed:
    [invoice] = rows.find_all(tx, Invoice, [id]).values()
    lines = rows.select(tx, InvoiceLine, "invoice = %(id)s", id=id)
    plan = plan_of(tx, invoice.subscription) if invoice.subscription else ""
    return Billed(invoice, customer_of(tx, invoice.customer), lines, plan or invoice.number or "")


def plan_of(tx: Tx, subscription: str) -> str:
    """Name what a subscription is for: its products."""
    found = tx.tuples(
        "select p.name from subscription_items i join prices r on r.id = i.price"
        " join products p on p.id = r.product where i.subscription = %(id)s order by i.created, i.id limit 3",
        id=subscription,
    )
    return ", ".join(dict.fromkeys(name for (name,) in found))


def about_invoice(tx: Tx, mail: Ordered, found: Billed, variant: str, **more: Any) -> Addressed | str:
    """Write a letter about an invoice, with its lines and amounts."""
    invoice, customer = found.invoice, found.customer
    to = address_of(customer, invoice.customer_email)
    if not to:
        return NO_ADDRESS
    owed = Money(invoice.amount_due - invoice.amount_paid, invoice.currency)
    values: dict[str, Value] = {
        "name": invoice.customer_name or customer.name or "",
        "amount": Money(invoice.amount_due, invoice.currency) if invoice.status == "paid" else owed,
        "number": invoice.number or "",
        "plan": found.plan,
        **more.pop("values", {}),
    }
    locale = locale_of(tx, customer)
    letter = Letter(
        mail.kind,
        variant,
        locale,
        sender_of(tx, locale),
        values,
        lines=letter_lines.lines_of(tx, invoice, found.lines, spoken(locale)),
        total=Money(invoice.total, invoice.currency),
        said=replaced.said_of(tx, invoice, spoken(locale)),
        **{"link": links.url_of(tx, invoice.id), **more},
    )
    return Addressed(to, letter)


def invoice_letter(tx: Tx, mail: Ordered) -> Addressed | str:
    """Write the mail of a finalized invoice, as it is now: due, charged automatically, or paid."""
    found = billed(tx, mail.about)
    invoice = found.invoice
    if invoice.status in ("draft", "void"):
        return f"The invoice is {invoice.status}."
    if invoice.status == "paid" and is_thanked_for(tx, invoice.id):
        return "The mail that thanks for its payment carries it."
    values: dict[str, Value] = {"due": invoice.due_date or invoice.created}
    automatic = invoice.collection_method == "charge_automatically"
    variant = "paid" if invoice.status == "paid" else "charged" if automatic else "due"
    facts = ("amount", "number", *(("due",) if variant == "due" else ()))
    return with_paper(tx, invoice, about_invoice(tx, mail, found, variant, values=values, facts=facts))


def with_paper(tx: Tx, invoice: Invoice, letter: Addressed | str) -> Addressed | str:
    """Put the invoice into its letter, with the machine format that the customer wants."""
    if isinstance(letter, str):
        return letter
    paper = invoice_document.document_of(tx, invoice), invoice_document.issued_at(invoice)
    return Addressed(letter.to, letter.letter, (paper,), *einvoice.attached(tx, invoice, einvoice.written))


def overdue_letter(tx: Tx, mail: Ordered) -> Addressed | str:
    found = billed(tx, mail.about)
    invoice = found.invoice
    if invoice.status != "open":
        return f"The invoice is {invoice.status}."
    variant = "first" if mail.facts["number"] == 1 else "again"
    values: dict[str, Value] = {"due": invoice.due_date or invoice.created}
    return about_invoice(tx, mail, found, variant, values=values, facts=("amount", "number", "due"))


def recovered_letter(tx: Tx, mail: Ordered) -> Addressed | str:
    """Write that a payment has succeeded after all, with the invoice, which gets no mail of its own then."""
    if not failure_was_mailed(tx, mail.about):
        return "No mail said that the payment failed."
    found = billed(tx, mail.about)
    paid_at = found.invoice.paid_at or found.invoice.created
    values: dict[str, Value] = {"date": paid_at}
    facts = ("amount", "number", "date")
    return with_paper(tx, found.invoice, about_invoice(tx, mail, found, "paid", values=values, facts=facts))


def is_thanked_for(tx: Tx, invoice: str) -> bool:
    """Check whether a mail says that the invoice is paid after its customer was told that this had failed."""
    found = tx.one(
        "select 1 from mails where about = %(id)s and kind = 'payment_recovered'"
        " and state in ('waiting', 'sent') limit 1",
        id=invoice,
    )
    return found is not None and failure_was_mailed(tx, invoice)


def debit_letter(tx: Tx, mail: Ordered) -> Addressed | str:
    """Write when an account is debited, and by which mandate; nothing if the invoice is paid by now."""
    found, facts = billed(tx, mail.facts["invoice"]), mail.facts
    if found.invoice.status not in lifecycle.PAYABLE:
        return f"The invoice is {found.invoice.status}."
    values: dict[str, Value] = {
        "amount": Money(facts["amount"], found.invoice.currency),
        "date": date.fromisoformat(facts["day"]),
        **{name: facts[name] for name in ("last4", "mandate", "creditor")},
    }
    return about_invoice(tx, mail, found, "planned", values=values, facts=("amount", "number", "date"))


def failure_was_mailed(tx: Tx, invoice: str) -> bool:
    found = tx.one(
        "select 1 from mails where about = %(id)s and state = 'sent'"
        " and kind in ('payment_failed', 'payment_action_required') limit 1",
        id=invoice,
    )
    return found is not None


def failed_letter(tx: Tx, mail: Ordered) -> Addressed | str:
    """Write that a payment failed: why, when it is tried again, and what is lost when."""
    found, facts = billed(tx, mail.about), mail.facts
    invoice = found.invoice
    if invoice.status not in lifecycle.PAYABLE:
        return f"The invoice is {invoice.status}."
    values: dict[str, Value] = {"reason": Reason(facts["reason"] or "generic")}
    loses = invoice.subscription is not None
    if facts["next"] is None and mail.kind == "payment_failed":
        notes = (f"lost.{facts['outcome']}" if loses else "lost.past_due",)
        return about_invoice(
            tx, mail, found, "given_up", values=values, facts=("amount", "number"), notes=notes
        )
    if facts["next"]:
        values |= {"next": moment(facts["next"]), "last": moment(facts["last"])}
    waiting = mail.kind == "payment_action_required" or facts["hard"]
    variant = failed_variant(mail.kind, facts)
    return about_invoice(
        tx,
        mail,
        found,
        variant,
        values=values,
        facts=("amount", "number", *(() if waiting else ("next",))),
        notes=(f"loss.{facts['outcome']}",) if loses and facts["next"] else (),
        link=links.url_of(tx, invoice.id)
        if mail.kind == "payment_action_required"
        else update_method(tx, invoice.customer, invoice.id),
    )


def failed_variant(kind: str, facts: dict[str, Any]) -> str:
    """Choose the words of a failure by its number, and by whether the method is tried again."""
    if kind == "payment_failed" and facts["hard"]:
        return "waiting"
    if facts["failures"] == 1:
        return "first"
    return "last_try" if facts["left"] == 1 and kind == "payment_failed" else "again"


# ------------------------------------------------------------------------------------- about a payment


def receipt_letter(tx: Tx, mail: Ordered) -> Addressed | str:
    """Write the receipt of a charge, to the address that it names or to the customer's."""
    [charge] = rows.find_all(tx, Charge, [mail.about]).values()
    if charge.status != "succeeded":
        return f"The charge is {charge.status}."
    values: dict[str, Value] = {
        "amount": Money(charge.amount_captured, charge.currency),
        "date": charge.created,
    }
    return about_charge(tx, mail, charge, "paid", values, ("amount", "date"))


def refund_letter(tx: Tx, mail: Ordered) -> Addressed | str:
    [refund] = rows.find_all(tx, Refund, [mail.about]).values()
    if refund.charge is None:
        return returned_letter(tx, mail, refund)
    if refund.status != "succeeded":
        return f"The refund is {refund.status}."
    [charge] = rows.find_all(tx, Charge, [refund.charge]).values()
    values: dict[str, Value] = {"amount": Money(refund.amount, refund.currency), "date": mail.created}
    return about_charge(tx, mail, charge, "sent", values, ("amount", "date"))


def returned_letter(tx: Tx, mail: Ordered, refund: Refund) -> Addressed | str:
    """Write that a cash balance was sent back, or ask for the account that it is to be sent to."""
    variant = {"requires_action": "account", "succeeded": "transferred"}.get(refund.status)
    if variant is None or ("to" in mail.facts) != (variant == "account"):
        return f"The refund is {refund.status}."
    customer = customer_of(tx, refund.customer or "")
    to = address_of(customer, mail.facts.get("to"), refund.instructions_email)
    if not to:
        return NO_ADDRESS
    amount, sent = Money(refund.amount, refund.currency), variant == "transferred"
    values: dict[str, Value] = {"name": customer.name or "", "amount": amount, "date": mail.created}
    facts = ("amount", "date") if sent else ("amount",)
    locale = locale_of(tx, customer)
    letter = Letter(mail.kind, variant, locale, sender_of(tx, locale), values, None, facts)
    return Addressed(to, letter)


def about_charge(
    tx: Tx, mail: Ordered, charge: Charge, variant: str, values: dict[str, Value], facts: tuple[str, ...]
) -> Addressed | str:
    """Write a letter about a charge, with the method that paid and a link to the receipt."""
    customer = customer_of(tx, charge.customer) if charge.customer else None
    invoice = receipt.invoice_of(tx, charge)
    wished = charge.receipt_email or mail.facts.get("to")
    to = wished or (invoice.customer_email if invoice else None)
    if customer:
        to = address_of(customer, wished, invoice.customer_email if invoice else None)
    if not to:
        return NO_ADDRESS
    card = card_of(charge.payment_method_details)
    name = (invoice.customer_name if invoice else None) or (customer.name if customer else None) or ""
    locale = locale_of(tx, customer)
    letter = Letter(
        mail.kind,
        variant,
        locale,
        sender_of(tx, locale),
        {"name": name, "number": (invoice.number if invoice else "") or "", **values}
        | ({"method": card} if card else {}),
        receipt.url_of(tx, charge.id),
        (*facts, *(("number",) if invoice and invoice.number else ()), *(("method",) if card else ())),
    )
    return Addressed(to, letter)


def card_of(details: dict[str, Any] | None) -> Card | None:
    """Return what is shown of the method that paid: its brand and last digits."""
    kind = (details or {}).get("type") or "card"
    own = (details or {}).get(kind) or {}
    return Card(own.get("brand") or kind, own["last4"]) if own.get("last4") else None


def expiring_letter(tx: Tx, mail: Ordered) -> Addressed | str:
    """Write that a card expires, unless it was replaced or detached since."""
    [method] = rows.find_all(tx, PaymentMethod, [mail.about]).values()
    card = method.card or {}
    if method.customer is None or (card.get("exp_month"), card.get("exp_year")) != tuple(
        mail.facts["expiry"]
    ):
        return "The card was replaced or detached."
    customer = customer_of(tx, method.customer)
    to = address_of(customer)
    if not to or customer.deleted:
        return NO_ADDRESS
    month = datetime(card["exp_year"], card["exp_month"], 1, tzinfo=UTC)
    values: dict[str, Value] = {
        "name": customer.name or "",
        "card": Card(card["brand"], card["last4"]),
        "method": Card(card["brand"], card["last4"]),
        "month": month,
    }
    link = update_method(tx, customer.id)
    locale = locale_of(tx, customer)
    letter = Letter(mail.kind, "soon", locale, sender_of(tx, locale), values, link, ("method", "month"))
    return Addressed(to, letter)


def credit_letter(tx: Tx, mail: Ordered) -> Addressed | str:
    """Write that a credit note was issued, and what becomes of its amount; it is attached."""
    [note] = rows.find_all(tx, CreditNote, [mail.about]).values()
    if note.status != "issued":
        return f"The credit note is {note.status}."
    [invoice] = rows.find_all(tx, Invoice, [note.invoice]).values()
    customer = customer_of(tx, note.customer)
    to = address_of(customer, invoice.customer_email)
    if not to:
        return NO_ADDRESS
    values: dict[str, Value] = {
        "name": invoice.customer_name or customer.name or "",
        "amount": Money(note.total, note.currency),
        "credit_note": note.number,
        "number": invoice.number or "",
        "left": Money(invoice.amount_due - invoice.amount_paid, note.currency),
    }
    locale = locale_of(tx, customer)
    letter = Letter(
        mail.kind,
        credit_variant(note, invoice),
        locale,
        sender_of(tx, locale),
        values,
        credit_note_document.url_of(tx, note.id),
        ("amount", "credit_note", "number"),
        said=replaced.said_of(tx, invoice, spoken(locale)),
    )
    paper = credit_note_document.document_of(tx, note), credit_note_document.issued_at(note)
    return Addressed(to, letter, (paper,), *einvoice.attached(tx, note, credit_note_einvoice.written))


def credit_variant(note: CreditNote, invoice: Invoice) -> str:
    """Choose the words by what becomes of the amount of a credit note."""
    if note.type == "pre_payment":
        return "lowered" if invoice.status in lifecycle.PAYABLE else "closed"
    refunded = sum(part["amount_refunded"] for part in note.refunds)
    if refunded == note.total:
        return "refunded"
    balance = note.post_payment_amount - refunded - (note.out_of_band_amount or 0)
    return "balance" if balance == note.total else "issued"


# ------------------------------------------------------------------------------------- about a subscription


def canceled_letter(tx: Tx, mail: Ordered) -> Addressed | str:
    [subscription] = rows.find_all(tx, Subscription, [mail.about]).values()
    reason = subscription.cancellation_details.get("reason")
    variant = "unpaid" if reason == "payment_failed" else "requested"
    return about_subscription(tx, mail, subscription, variant, subscription.ended_at or mail.created, None)


def trial_letter(tx: Tx, mail: Ordered) -> Addressed | str:
    [subscription] = rows.find_all(tx, Subscription, [mail.about]).values()
    if subscription.status != "trialing" or subscription.trial_end is None:
        return f"The subscription is {subscription.status}."
    if payment_methods.method_id(customer_of(tx, subscription.customer), subscription):
        return about_subscription(tx, mail, subscription, "charged", subscription.trial_end, None)
    link = update_method(tx, subscription.customer)
    return about_subscription(tx, mail, subscription, "no_method", subscription.trial_end, link)


def about_subscription(
    tx: Tx, mail: Ordered, subscription: Subscription, variant: str, date: datetime, link: str | None
) -> Addressed | str:
    customer = customer_of(tx, subscription.customer)
    to = address_of(customer)
    if not to:
        return NO_ADDRESS
    plan = plan_of(tx, subscription.id) or mail.facts.get("plan") or subscription.id
    values: dict[str, Value] = {"name": customer.name or "", "plan": plan, "date": date}
    locale = locale_of(tx, customer)
    letter = Letter(mail.kind, variant, locale, sender_of(tx, locale), values, link, ("plan", "date"))
    return Addressed(to, letter)


# ------------------------------------------------------------------------------------- about an account


def statement_letter(tx: Tx, mail: Ordered) -> Addressed | str:
    """Write that a month is over, with the statement of the customer's account."""
    customer = customer_of(tx, mail.about)
    to = address_of(customer)
    if not to or customer.deleted:
        return NO_ADDRESS
    start, end = (datetime.fromisoformat(mail.facts[name]) for name in ("start", "end"))
    found = statement.account_of(tx, customer.id, start, end)
    values: dict[str, Value] = {"name": customer.name or "", "month": start}
    locale = locale_of(tx, customer)
    letter = Letter(mail.kind, "monthly", locale, sender_of(tx, locale), values)
    return Addressed(to, letter, ((statement.document_of(tx, found), end),))


# ------------------------------------------------------------------------------------- to the merchant


def dispute_letter(tx: Tx, mail: Ordered) -> Addressed | str:
    """Write to the merchant that a payment is disputed: what it is about was noted when it was opened."""
    facts, outside = mail.facts, outside_of(tx)
    values: dict[str, Value] = {
        "amount": Money(facts["amount"], facts["currency"]),
        "number": facts["charge"],
        "due": moment(facts["due"]),
        "reason_code": facts["reason"].replace("_", " "),
    }
    letter = Letter(mail.kind, "opened", "en", sender_of(tx, "en"), values, None, ("amount", "due"))
    return Addressed(parseaddr(outside.mail_from)[1], letter)


LETTERS: dict[str, Callable[[Tx, Ordered], Addressed | str]] = {
    "invoice": invoice_letter,
    "zero_invoice": invoice_letter,
    "invoice_overdue": overdue_letter,
    "payment_failed": failed_letter,
    "payment_action_required": failed_letter,
    "payment_recovered": recovered_letter,
    "credit_note": credit_letter,
    "receipt": receipt_letter,
    "refund": refund_letter,
    "card_expiring": expiring_letter,
    "debit_notice": debit_letter,
    "subscription_canceled": canceled_letter,
    "trial_ending": trial_letter,
    "dispute": dispute_letter,
    "statement": statement_letter,
    "portal_login": login_letter,
    "cost_alert": alert_letter,
}
