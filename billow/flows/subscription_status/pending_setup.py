"""Wait for the payment method of a subscription that starts without one, and stop waiting when it ends."""

from collections.abc import Sequence

from billow.api import rows
from billow.core import lifecycle
from billow.flows.customers import payment_methods
from billow.resources import method_options
from billow.resources.customer import Customer
from billow.resources.setup_intent import SetupIntent
from billow.resources.subscription import Subscription
from billow.store.ids import new_id, secret
from billow.store.tx import Tx

WAITING = ("trialing", "active")


def await_method(tx: Tx, subscription: Subscription, customer: Customer, status: str) -> str | None:
    """Create the setup intent of a subscription that owes nothing yet and has no method; return its id.

    None where there is a method, or where invoices are sent. Emits `setup_intent.created`.
    """
    by_card = subscription.collection_method == "charge_automatically"
    known = payment_methods.method_id(customer, subscription)
    if known or not by_card or status not in WAITING:
        return None
    id = new_id(SetupIntent.prefix)
    settings = subscription.payment_settings
    types = settings.get("payment_method_types") or ["card"]
    agreed = method_options.of_set_up(settings.get("payment_method_options"))
    made = rows.insert(
        tx,
        SetupIntent(
            id=id,
            client_secret=secret(f"{id}_secret_", 25),
            customer=customer.id,
            payment_method_types=types,
            payment_method_options=method_options.shown(types, agreed, setup=True) or None,
            subscription=subscription.id,
        ),
    )
    return made.id


def stop_waiting(tx: Tx, subscriptions: Sequence[Subscription]) -> None:
    """Cancel the setup intents of subscriptions that end. Emits `setup_intent.canceled`."""
    ids = [one.pending_setup_intent for one in subscriptions if one.pending_setup_intent]
    waiting = rows.lock_many(tx, SetupIntent, ids) if ids else []
    rows.update_many(
        tx,
        [
            (
                one,
                {
                    "cancellation_reason": "abandoned",
                    "next_action": None,
                    "status": lifecycle.after(lifecycle.SETUP_INTENT, one.status, "cancel"),
                },
            )
            for one in waiting
            if (one.status, "cancel") in lifecycle.SETUP_INTENT
        ],
        event="setup_intent.canceled",
    )
