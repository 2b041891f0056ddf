"""Wallets: prepaid credits of a customer, which are topped up by invoices of their own."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.fields import CREATE, SHOWN, WRITE
from billow.api.params import Params
from billow.api.resource import Resource
from billow.resources.credit_grant import Applicability

MOST_DAYS = 3650


class AutomaticTax(Params):
    enabled: bool = f.boolean(required=True)


class TopUp(Params):
    """When the wallet is topped up by itself, by how much, and how much of that in a month at most."""

    amount: int = f.amount(min=1, required=True)
    """What is bought each time, before tax."""
    monthly_limit: int | None = f.amount(min=1)
    """What is ordered by itself in a calendar month in UTC, at most; without it there is no limit."""
    threshold: int = f.amount(min=1, required=True)
    """The wallet is topped up when less than this is left, after the usage that is not invoiced yet."""


class Wallet(
    Resource,
    object="billing.wallet",
    path="/v1/billing/wallets",
    prefix="wlt_",
    table="wallets",
    events=("created", "updated", "closed"),
):
    """Prepaid credits of a customer in one currency, for certain prices. It is not part of Stripe's API."""

    owner = "customer"

    applicability_config: dict[str, Any] = f.nested(CREATE, Applicability, required=True)
    automatic_tax: dict[str, Any] = f.nested(WRITE, AutomaticTax, default={"enabled": False})
    """Whether the invoices of its top-ups have automatic taxes."""
    currency: str = f.currency(CREATE, required=True)
    customer: str = f.ref("customer", CREATE, required=True, filter=True)
    default_tax_rates: list[str] = f.array(WRITE, f.ref("tax_rate"), max=5, default=[], unset=True)
    """The tax rates of the invoices of its top-ups."""
    expires_after: int | None = f.integer(WRITE, min=1, max=MOST_DAYS, unset=True)
    """How many days after a top-up is paid its credits expire; without it they never do."""
    latest_invoice: str | None = f.ref("invoice")
    """The invoice of its latest top-up."""
    metadata: dict[str, str] = f.metadata()
    name: str | None = f.text(WRITE, max=100, unset=True)
    """What invoices and the portal call it."""
    status: str = f.choice(SHOWN, "active", "closed", default="active", filter=True)
    test_clock: str | None = f.ref("test_helpers.test_clock")
    top_up: dict[str, Any] | None = f.nested(WRITE, TopUp, unset=True)
    """How it is topped up by itself; without it that happens only on request."""
    updated: datetime = f.timestamp(required=True)

    watched: bool = f.boolean(default=False, hidden=True)
    """Whether usage may lead to a top-up: it is active and topped up by itself."""
