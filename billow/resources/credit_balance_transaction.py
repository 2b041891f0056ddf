"""Credit balance transactions: changes of what is left of a credit grant (§4.7)."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.resource import Resource

APPLIED = {"invoice": "invoice"}
"""Where a transaction names the invoice that its credits paid for, which callers may expand."""


class CreditBalanceTransaction(
    Resource,
    object="billing.credit_balance_transaction",
    path="/v1/billing/credit_balance_transactions",
    prefix="cbtxn_",
    table="credit_balance_transactions",
    events=("created",),
):
    """A credit or a debit of a grant. It is never changed."""

    credit: dict[str, Any] | None = f.nested(refs={"credits_application_invoice_voided": APPLIED})
    credit_grant: str = f.ref("billing.credit_grant", required=True, filter=True)
    debit: dict[str, Any] | None = f.nested(refs={"credits_applied": APPLIED})
    effective_at: datetime = f.timestamp(required=True)
    test_clock: str | None = f.ref("test_helpers.test_clock")
    type: str = f.choice(SHOWN, "credit", "debit", required=True)

    customer: str = f.ref("customer", required=True, filter=True, hidden=True)
    invoice: str | None = f.text(hidden=True)
    """The invoice that it paid for, or that was voided."""
    invoice_line: str | None = f.text(hidden=True)
    amount: int = f.amount(required=True, hidden=True)
    """What it adds to the grant; negative for a debit."""

    @classmethod
    def of(
        cls, grant: Any, kind: str, amount: int, at: datetime, *, invoice: str = "", line: str = ""
    ) -> "CreditBalanceTransaction":
        """Make the transaction of a grant. `amount` is what the grant gains, negative where it loses."""
        side = "credit" if amount > 0 else "debit"
        applied = {"invoice": invoice, "invoice_line_item": line} if invoice else None
        named = "credits_application_invoice_voided" if side == "credit" else "credits_applied"
        details = {
            "amount": {"monetary": {"currency": grant.currency, "value": abs(amount)}, "type": "monetary"},
            named: applied,
            "type": kind,
        }
        return cls(
            credit=details if side == "credit" else None,
            debit=details if side == "debit" else None,
            amount=amount,
            credit_grant=grant.id,
            customer=grant.customer,
            effective_at=at,
            invoice=invoice or None,
            invoice_line=line or None,
            test_clock=grant.test_clock,
            type=side,
        )
