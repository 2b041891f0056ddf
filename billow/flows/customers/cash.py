"""Keep the cash balance of a customer as the customer shows it: what is available, and how it is matched."""

from collections.abc import Mapping
from typing import Any

from billow.resources.customer import Customer

DEFAULT = "automatic"
"""How transfers are matched of a customer of whom nothing else is said."""


def mode_of(customer: Customer) -> str:
    """Return how the transfers of a customer are matched: `automatic` or `manual`."""
    return str(settings_of(customer)["reconciliation_mode"])


def settings_of(customer: Customer) -> dict[str, Any]:
    known = (customer.cash_balance or {}).get("settings")
    return dict(known or {"reconciliation_mode": DEFAULT, "using_merchant_default": True})


def shown(
    customer: Customer, livemode: bool, available: Mapping[str, int] | None, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the cash balance of a customer as the API shows it."""
    return {
        "object": "cash_balance",
        "available": dict(available) if available else None,
        "customer": customer.id,
        "customer_account": None,
        "livemode": livemode,
        "settings": dict(settings),
    }


def with_mode(customer: Customer, livemode: bool, sent: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the cash balance of a customer after a request that sets how transfers are matched."""
    mode = ((sent or {}).get("settings") or {}).get("reconciliation_mode")
    settings = settings_of(customer)
    if mode:
        default = mode == "merchant_default"
        settings = {"reconciliation_mode": DEFAULT if default else mode, "using_merchant_default": default}
    return shown(customer, livemode, (customer.cash_balance or {}).get("available"), settings)
