"""Name the kinds of mails, and which are sent where a merchant has set nothing."""

from billow.core.errors import require

SENT = {
    "invoice": True,
    "payment_failed": True,
    "payment_action_required": True,
    "payment_recovered": True,
    "card_expiring": True,
    "debit_notice": True,
    "zero_invoice": False,
    "invoice_overdue": False,
    "credit_note": True,
    "receipt": False,
    "refund": False,
    "subscription_canceled": False,
    "trial_ending": False,
    "dispute": False,
    "statement": False,
    "portal_login": True,
    "cost_alert": True,
}
"""Whether a kind is sent by default: what a customer must act on is. Reminders and confirmations are not,
since many merchants write these themselves."""


def check(kind: str) -> None:
    """Refuse a kind that is not there."""
    require(kind in SENT, f"There is no mail of the kind {kind}; there are {', '.join(SENT)}.")
