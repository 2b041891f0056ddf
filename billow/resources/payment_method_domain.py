"""Payment method domains: the websites on which an account shows wallets."""

import re
from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import CREATE, UPDATE, WRITE
from billow.api.params import Params
from billow.api.resource import Resource
from billow.core.errors import require
from billow.store.tx import Tx

HOST = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
UNREGISTERED = "Domains are registered with Apple by the gateway that takes Apple Pay, and not by billow."


def state(row: "PaymentMethodDomain", now: datetime, shown: dict[str, Any]) -> dict[str, Any]:
    return {"status": "active" if row.enabled else "inactive"}


def state_of_apple_pay(row: "PaymentMethodDomain", now: datetime, shown: dict[str, Any]) -> dict[str, Any]:
    if not row.real:
        return state(row, now, shown)
    return {"status": "inactive", "status_details": {"error_message": UNREGISTERED}}


class PaymentMethodDomain(
    Resource, object="payment_method_domain", path="/v1/payment_method_domains", prefix="pmd_", events=()
):
    """A website on which an account shows wallets. Test mode takes every domain as verified."""

    amazon_pay: dict[str, Any] = f.computed(state)
    apple_pay: dict[str, Any] = f.computed(state_of_apple_pay)
    domain_name: str = f.text(max=253, filter=True)
    enabled: bool = f.boolean(default=True, filter=True)
    google_pay: dict[str, Any] = f.computed(state)
    klarna: dict[str, Any] = f.computed(state)
    link: dict[str, Any] = f.computed(state)
    paypal: dict[str, Any] = f.computed(state)

    real: bool = f.boolean(default=False, hidden=True)
    """Whether it is one of live mode."""


class Create(Params):
    domain_name: str = f.text(CREATE, max=253, required=True)
    enabled: bool = f.boolean(WRITE, default=True)


class Update(Params):
    enabled: bool | None = f.boolean(UPDATE)


@PaymentMethodDomain.create(Create)
def create(tx: Tx, wanted: Create) -> PaymentMethodDomain:
    """Register a domain; one that is registered already is returned as it is."""
    name = wanted.domain_name.lower()
    require(
        HOST.fullmatch(name),
        f"{wanted.domain_name} is not a valid domain name. Send it without a scheme, a port or a path.",
        param="domain_name",
    )
    tx.run("select pg_advisory_xact_lock(hashtextextended(%(key)s, 0))", key=f"{tx.tenant} domain {name}")
    known = rows.select(tx, PaymentMethodDomain, "domain_name = %(name)s", name=name)
    if known:
        return known[0]
    return rows.insert(tx, PaymentMethodDomain(domain_name=name, enabled=wanted.enabled, real=tx.livemode))


@PaymentMethodDomain.update(Update)
def update(tx: Tx, domain: PaymentMethodDomain, wanted: Update) -> PaymentMethodDomain:
    """Enable or disable a domain."""
    return rows.update(tx, domain, **wanted.sent())


@PaymentMethodDomain.action("validate")
def validate(tx: Tx, domain: PaymentMethodDomain) -> PaymentMethodDomain:
    """Check again for which wallets a domain is verified, and return it."""
    return domain
