"""Create customer sessions: secrets that let a browser show one customer's payment methods and portal."""

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Any

from billow.api import fields as f
from billow.api import render, rows
from billow.api.fields import SHOWN, seconds
from billow.api.params import Params, missing
from billow.api.resource import route
from billow.core.errors import Inconsistent, Refused
from billow.flows.outside.outside import outside_of
from billow.resources.customer import Customer
from billow.store import clocks
from billow.store.tx import Tx

LASTS = timedelta(minutes=30)
REDISPLAY = ("always", "limited", "unspecified")
SWITCH = ("disabled", "enabled")


class Enabled(Params):
    enabled: bool = f.boolean(required=True)


class SheetFeatures(Params):
    payment_method_allow_redisplay_filters: list[str] | None = f.array(item=f.choice(SHOWN, *REDISPLAY))
    payment_method_remove: str | None = f.choice(SHOWN, *SWITCH)


class MobileFeatures(SheetFeatures):
    payment_method_redisplay: str | None = f.choice(SHOWN, *SWITCH)
    payment_method_save: str | None = f.choice(SHOWN, *SWITCH)
    payment_method_save_allow_redisplay_override: str | None = f.choice(SHOWN, *REDISPLAY)


class ElementFeatures(Params):
    payment_method_allow_redisplay_filters: list[str] = f.array(
        item=f.choice(SHOWN, *REDISPLAY), default=["always"]
    )
    payment_method_redisplay: str = f.choice(SHOWN, *SWITCH, default="disabled")
    payment_method_redisplay_limit: int | None = f.integer(min=1, max=10)
    payment_method_remove: str = f.choice(SHOWN, *SWITCH, default="disabled")
    payment_method_save: str = f.choice(SHOWN, *SWITCH, default="disabled")
    payment_method_save_usage: str | None = f.choice(SHOWN, "off_session", "on_session")


class Sheet(Enabled):
    features: SheetFeatures | None = f.nested(shape=SheetFeatures)


class Mobile(Enabled):
    features: MobileFeatures | None = f.nested(shape=MobileFeatures)


class Element(Enabled):
    features: ElementFeatures | None = f.nested(shape=ElementFeatures)


class Components(Params):
    active_entitlements: Enabled | None = f.nested(shape=Enabled)
    buy_button: Enabled | None = f.nested(shape=Enabled)
    customer_portal: Enabled | None = f.nested(shape=Enabled)
    customer_sheet: Sheet | None = f.nested(shape=Sheet)
    mobile_payment_element: Mobile | None = f.nested(shape=Mobile)
    payment_element: Element | None = f.nested(shape=Element)
    pricing_table: Enabled | None = f.nested(shape=Enabled)


class Create(Params):
    components: Components = f.nested(shape=Components, required=True)
    customer: str | None = f.ref("customer")
    customer_account: str | None = f.text()


@route("POST", "/v1/customer_sessions", Create)
def create(tx: Tx, wanted: Create) -> dict[str, Any]:
    """Create a customer session, whose secret opens the chosen components for half an hour."""
    if wanted.customer_account is not None:
        raise Refused(
            f"No such account: '{wanted.customer_account}'", param="customer_account", code="resource_missing"
        )
    if wanted.customer is None:
        raise missing("customer")
    customer = rows.find(tx, Customer, wanted.customer, param="customer")
    tx = clocks.enter(tx, customer.test_clock)
    expires_at = seconds(tx.wall + LASTS)
    expand = tx.notes.get("expand") or {}
    return {
        "object": "customer_session",
        "client_secret": secret_of(tx, customer.id, expires_at or 0),
        "components": shown(wanted.components),
        "created": seconds(tx.now),
        "customer": render.one(tx, customer, expand["customer"]) if "customer" in expand else customer.id,
        "customer_account": None,
        "expires_at": expires_at,
        "livemode": tx.livemode,
    }


def shown(wanted: Components) -> dict[str, Any]:
    """Return every component; those that were not chosen are disabled."""
    found: dict[str, Any] = {}
    for name, value in wanted.shown().items():
        found[name] = value or {"enabled": False}
        if name in ("customer_sheet", "mobile_payment_element", "payment_element"):
            found[name].setdefault("features", None)
    return found


def secret_of(tx: Tx, customer: str, expires_at: int) -> str:
    """Return a secret that says whose it is and until when, sealed with the installation's secret."""
    outside = outside_of(tx)
    if not outside.secret:
        raise Inconsistent("Sessions cannot be signed without the installation's secret.")
    said = f"customer session {tx.tenant} {customer} {expires_at}".encode()
    digest = hmac.new(outside.secret, said, hashlib.sha256).digest()
    seal = base64.urlsafe_b64encode(digest[:24]).decode()
    return f"cuss_secret_{customer}_{expires_at}_{seal}"
