"""Sessions of the billing portal: one customer's entry, for a short time."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.resource import Resource

LOCALES = (
    "auto", "bg", "cs", "da", "de", "el", "en", "en-AU", "en-CA", "en-GB", "en-IE", "en-IN", "en-NZ",
    "en-SG", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA", "hr", "hu", "id", "it", "ja", "ko", "lt",
    "lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR", "ro", "ru", "sk", "sl", "sv", "th", "tr", "vi", "zh",
    "zh-HK", "zh-TW",
)  # fmt: skip


class PortalSession(
    Resource, object="billing_portal.session", prefix="bps_", table="portal_sessions", events=("created",)
):
    """One customer's entry to the billing portal, for a short time."""

    owner = "customer"

    after_expiration: dict[str, Any] | None = f.nested()
    configuration: str = f.ref("billing_portal.configuration", required=True)
    customer: str = f.text(required=True, refs="customer")
    customer_account: str | None = f.absent()
    flow: dict[str, Any] | None = f.nested()
    locale: str | None = f.text()
    on_behalf_of: str | None = f.text()
    return_url: str | None = f.text()
    url: str = f.text(required=True)

    expires_at: datetime = f.timestamp(required=True, hidden=True)
