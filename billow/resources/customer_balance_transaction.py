"""Customer balance transactions: changes of a customer's balance, and the balance after each."""

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.resource import Resource

TYPES = (
    "adjustment",
    "applied_to_invoice",
    "checkout_session_subscription_payment",
    "checkout_session_subscription_payment_canceled",
    "credit_note",
    "initial",
    "invoice_overpaid",
    "invoice_too_large",
    "invoice_too_small",
    "migration",
    "unapplied_from_invoice",
    "unspent_receiver_credit",
)


class CustomerBalanceTransaction(Resource, object="customer_balance_transaction", prefix="cbtxn_", events=()):
    """A change of a customer's balance. A negative amount is credit for the customer. It is never changed."""

    amount: int = f.amount(required=True)
    checkout_session: str | None = f.absent(refs="checkout.session")
    credit_note: str | None = f.ref("credit_note")
    currency: str = f.currency(required=True)
    customer: str = f.ref("customer", required=True, filter=True)
    customer_account: str | None = f.absent()
    description: str | None = f.text(unset=True)
    ending_balance: int = f.amount(required=True)
    invoice: str | None = f.ref("invoice", filter=True)
    metadata: dict[str, str] = f.metadata()
    type: str = f.choice(SHOWN, *TYPES, required=True)
