"""Write each kind of mail to a sample customer, so that a merchant reads it before it is sent."""

from datetime import timedelta

from billow.flows.papers.addressing import sender_of
from billow.providers.letters import Card, Letter, LetterLine, Money, Reason, Value
from billow.providers.letters.layout import LANGUAGES
from billow.store.tx import Tx

VARIANTS = tuple(LANGUAGES["en"].texts)
"""Every text there is: a kind and a variant of it, as payment_failed.first."""
FACTS = {
    "invoice": ("amount", "number", "due"),
    "zero_invoice": ("amount", "number"),
    "invoice_overdue": ("amount", "number", "due"),
    "payment_failed": ("amount", "number", "next"),
    "payment_action_required": ("amount", "number"),
    "payment_recovered": ("amount", "number", "date"),
    "credit_note": ("amount", "credit_note", "number"),
    "receipt": ("amount", "date", "number", "method"),
    "refund": ("amount", "date", "number", "method"),
    "card_expiring": ("method", "month"),
    "debit_notice": ("amount", "number", "date"),
    "dispute": ("amount", "due"),
    "statement": (),
    "portal_login": (),
    "cost_alert": ("amount", "date"),
}
"""The rows of facts of each kind; those about a subscription name the plan and a date."""
WITH_LINES = ("invoice", "invoice_overdue", "payment_failed", "payment_action_required", "payment_recovered")


def variants_of(kind: str) -> list[str]:
    """Return the variants of a kind, or that one variant if it is named: payment_failed.first."""
    return [one for one in VARIANTS if one == kind or one.startswith(f"{kind}.")]


def sample(tx: Tx, variant: str, locale: str) -> Letter:
    """Return a letter of a kind and variant about a sample invoice."""
    kind, _, which = variant.partition(".")
    lines, total = sample_lines()
    facts = FACTS.get(kind, ("plan", "date"))
    return Letter(
        kind,
        which,
        locale,
        sender_of(tx, locale),
        {**sample_values(tx), **({"amount": Money(0, "eur")} if kind == "zero_invoice" else {})},
        "https://billing.example/",
        tuple(fact for fact in facts if (fact, which) not in LEFT_OUT),
        lines if kind in WITH_LINES else (),
        total if kind in WITH_LINES else None,
        NOTES.get(variant, ()),
    )


LEFT_OUT = {("due", "charged"), ("due", "paid"), ("next", "waiting"), ("next", "given_up"),
            ("number", "transferred"), ("method", "transferred"),
            ("date", "account"), ("number", "account"), ("method", "account")}  # fmt: skip
"""Facts that a variant has not, since nothing is due or tried again."""
NOTES = {
    **dict.fromkeys([f"payment_failed.{which}" for which in ("first", "again", "last_try", "waiting")],
                    ("loss.cancel",)),
    "payment_failed.given_up": ("lost.cancel",),
    "payment_action_required.first": ("loss.cancel",),
    "payment_action_required.again": ("loss.cancel",),
}  # fmt: skip


def sample_lines() -> tuple[tuple[LetterLine, ...], Money]:
    lines = (LetterLine("2 × Pro", Money(9600, "eur")), LetterLine("VAT (25%)", Money(2400, "eur")))
    return lines, Money(12000, "eur")


def sample_values(tx: Tx) -> dict[str, Value]:
    return {
        "name": "Kim Andersson",
        "amount": Money(12000, "eur"),
        "number": "SAMPLE-0001",
        "credit_note": "SAMPLE-0001-CN-01",
        "left": Money(3000, "eur"),
        "limit": Money(10000, "eur"),
        "plan": "Pro",
        "reason": Reason("insufficient_funds"),
        "due": tx.now + timedelta(days=14),
        "next": tx.now + timedelta(days=2),
        "last": tx.now + timedelta(days=14),
        "date": tx.now,
        "month": tx.now + timedelta(days=30),
        "card": Card("visa", "4242"),
        "method": Card("visa", "4242"),
        "reason_code": "product not received",
        "last4": "6789",
        "mandate": "pm-SAMPLE",
        "creditor": "DE98ZZZ09999999999",
    }
