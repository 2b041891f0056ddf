"""Which payment method pays: the invoice's, the subscription's, or the customer's default (§5.4)."""

from billow.api import rows
from billow.providers.gateways import instruments
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.payment_method import PaymentMethod
from billow.resources.subscription import Subscription
from billow.store.tx import Tx


def method_id(
    customer: Customer, subscription: Subscription | None = None, invoice: Invoice | None = None
) -> str | None:
    """The id of the method that pays, or None when there is none."""
    return (
        (invoice and invoice.default_payment_method)
        or (subscription and (subscription.default_payment_method or subscription.default_source))
        or (customer.invoice_settings or {}).get("default_payment_method")
        or customer.default_source
    )


def method_of(
    tx: Tx, customer: Customer, subscription: Subscription | None, invoice: Invoice | None
) -> PaymentMethod | None:
    """The method that pays, if it is still attached to the customer. In live mode no test card pays."""
    id = method_id(customer, subscription, invoice)
    found = rows.find_many(tx, PaymentMethod, [id]) if id else {}
    method = found.get(id or "")
    pretends = method and tx.livemode and instruments.is_test_card(method.token)
    return method if method and method.customer == customer.id and not pretends else None
