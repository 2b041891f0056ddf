"""Use a method from now on that has paid, where its customer wants that."""

from billow.api import rows
from billow.core import lifecycle
from billow.resources.customer import Customer
from billow.resources.payment_method import PaymentMethod
from billow.resources.subscription import Subscription
from billow.store.tx import Tx


def use_from_now_on(tx: Tx, method: PaymentMethod) -> None:
    """Make a method the customer's default, also of the subscriptions that named another."""
    customer = rows.lock(tx, Customer, method.customer or "")
    settings = {**customer.invoice_settings, "default_payment_method": method.id}
    rows.update(tx, customer, invoice_settings=settings)
    named = rows.select(
        tx,
        Subscription,
        "customer = %(id)s and default_payment_method is not null and status <> all(%(ended)s)",
        "order by id for update",
        id=customer.id,
        ended=list(lifecycle.ENDED),
    )
    rows.update_many(tx, [(one, {"default_payment_method": method.id}) for one in named])
