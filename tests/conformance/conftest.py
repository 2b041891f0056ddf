"""Provide a shop that uses only the official library; every answer is checked against the contract."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from billow.app import App
from tests.flows.conftest import do_what_is_due, worlds

__all__ = ["worlds"]

#: What objects carry only where the caller expands it.
INCLUDABLE = {
    "customer": {"cash_balance", "invoice_credit_balance", "sources", "subscriptions", "tax", "tax_ids"},
    "price": {"currency_options", "tiers"},
    "invoice": {"confirmation_secret", "payments"},
    "charge": {"refunds"},
    "quote": {"line_items"},
    "item": {"discounts", "taxes"},
}
#: Shown once, or only where it says something.
OCCASIONAL = {
    "mandate": {"multi_use", "single_use"},
    "webhook_endpoint": {"secret"},
    "event": {"account", "context"},
}
#: A payment method has a field for each of sixty kinds, of which it carries its own.
OF_A_METHOD = {"allow_redisplay", "billing_details", "created", "customer", "customer_account"}
OF_A_METHOD |= {"livemode", "metadata", "type"}

Whole = Callable[[Any], Any]


@pytest.fixture
def whole(contract: ModuleType) -> Whole:
    """The object, which carries every field that the contract knows."""

    def check(made: Any) -> Any:
        shown = made.to_dict() if hasattr(made, "to_dict") else dict(made)
        kind = shown["object"]
        missing = set(contract.absent(shown)) - INCLUDABLE.get(kind, set()) - OCCASIONAL.get(kind, set())
        missing = missing & {*OF_A_METHOD, shown.get("type")} if kind == "payment_method" else missing
        assert not missing, f"{kind} lacks {sorted(missing)}"
        return made

    return check


class Shop:
    """What most stories begin with."""

    def __init__(self, app: App, sdk: Any) -> None:
        self.app, self.v1, self.v2 = app, sdk.v1, sdk.v2

    def work(self) -> None:
        do_what_is_due(self.app)

    def connected(self) -> str:
        """A connected account that can be paid."""
        agreed = {"date": 1735689600, "ip": "203.0.113.7"}
        sent = {"type": "express", "country": "US", "business_type": "company", "tos_acceptance": agreed}
        return str(self.v1.accounts.create(params=sent).id)

    def plan(self, amount: int = 2000) -> Any:
        return self.v1.prices.create(
            params={
                "currency": "usd",
                "unit_amount": amount,
                "product_data": {"name": "Pro"},
                "recurring": {"interval": "month"},
            }
        )

    def customer(self, **more: Any) -> Any:
        settings = {"default_payment_method": "pm_card_visa"}
        given = {
            "email": "anna@example.com",
            "payment_method": "pm_card_visa",
            "invoice_settings": settings,
            **more,
        }
        return self.v1.customers.create(params=given)

    def subscribed(self, **more: Any) -> Any:
        items = [{"price": self.plan().id}]
        return self.v1.subscriptions.create(params={"customer": self.customer().id, "items": items, **more})

    def billed(self, amount: int = 5000, **more: Any) -> Any:
        """A draft with one item on it."""
        customer = self.customer()
        self.v1.invoice_items.create(
            params={"customer": customer.id, "amount": amount, "currency": "usd", "description": "Work"}
        )
        given = {"customer": customer.id, "pending_invoice_items_behavior": "include", **more}
        return self.v1.invoices.create(params=given)


@pytest.fixture
def shop(app: App, sdk: Any) -> Shop:
    return Shop(app, sdk)
