"""Bank accounts to which connected accounts are paid out."""

from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.resource import Resource

HOLDERS = ("company", "individual")
TYPES = ("checking", "futsu", "savings", "toza")
NOTHING_DUE: dict[str, Any] = {"currently_due": [], "errors": [], "past_due": [], "pending_verification": []}


class BankAccount(
    Resource, object="bank_account", prefix="ba_", table="external_accounts", event="account.external_account"
):
    """A bank account to which a connected account is paid out, by the gateway. Its number is not kept."""

    lacks = ("created", "livemode")

    account: str | None = f.ref("account", required=True)
    account_holder_name: str | None = f.line()
    account_holder_type: str | None = f.choice(SHOWN, *HOLDERS)
    account_type: str | None = f.choice(SHOWN, *TYPES)
    available_payout_methods: list[str] | None = f.absent(["standard"])
    bank_name: str | None = f.text()
    country: str = f.text(required=True)
    currency: str = f.currency(required=True)
    customer: str | None = f.absent(refs="customer")
    default_for_currency: bool | None = f.boolean(default=False)
    fingerprint: str | None = f.text()
    future_requirements: dict[str, Any] | None = f.absent(NOTHING_DUE)
    last4: str = f.text(required=True)
    metadata: dict[str, str] | None = f.metadata()
    requirements: dict[str, Any] | None = f.absent(NOTHING_DUE)
    routing_number: str | None = f.text()
    status: str = f.absent("new")
