"""Confine an ephemeral key to one customer and its payment methods: what is not listed here is refused."""

from collections.abc import Mapping, Sequence
from typing import Any

from billow.api import rows
from billow.api.render import Tree
from billow.api.resource import REGISTRY, Verb
from billow.core.errors import Refused
from billow.store.keys import Key
from billow.store.tx import Tx

ITS_CUSTOMER = frozenset({
    "GET /v1/customers/{id}",
    "POST /v1/customers/{id}",
    "GET /v1/customers/{id}/payment_methods",
    "GET /v1/customers/{id}/payment_methods/{payment_method}",
})  # fmt: skip
"""Operations whose path names the customer."""
SENT = frozenset({"GET /v1/payment_methods", "POST /v1/payment_methods/{id}/attach"})
"""Operations that must be sent the customer."""
ITS_METHODS = frozenset({
    "GET /v1/payment_methods/{id}",
    "POST /v1/payment_methods/{id}",
    "POST /v1/payment_methods/{id}/detach",
})  # fmt: skip
"""Operations whose path names a payment method, which must be the customer's."""
NEW = frozenset({"POST /v1/payment_methods"})
"""Operations that make a payment method of nobody's, which can be attached."""
OPEN = ITS_CUSTOMER | SENT | ITS_METHODS | NEW
CHANGED = frozenset({
    "address", "default_source", "email", "invoice_settings", "name", "phone", "preferred_locales",
    "shipping",
})  # fmt: skip
"""What a customer may change of itself: neither its balance, nor its taxes, nor its metadata."""


def refuse(key: Key) -> Refused:
    return Refused(
        f"The ephemeral key '{key.hint}' is for one customer and its payment methods only. Use a secret API"
        " key for this request.",
        status=403,
    )


def check_operation(key: Key, verb: Verb, sent: Mapping[str, Any], tree: Tree) -> None:
    """Refuse an operation that is not open to ephemeral keys, a change that is not, and every expansion."""
    operation = f"{verb.method} {verb.path}"
    if operation not in OPEN or tree or verb.raw or verb.grouped:
        raise refuse(key)
    if operation == "POST /v1/customers/{id}":
        settings = sent.get("invoice_settings")
        only = settings is None or (
            isinstance(settings, dict) and settings.keys() <= {"default_payment_method"}
        )
        if not only or not sent.keys() <= CHANGED | {"client_secret"}:
            raise refuse(key)
    if operation in NEW and sent.keys() & {"customer", "payment_method"}:
        raise refuse(key)


def check_objects(tx: Tx, key: Key, verb: Verb, ids: Sequence[str], sent: Mapping[str, Any]) -> None:
    """Refuse another customer, and payment methods that are not this customer's."""
    operation = f"{verb.method} {verb.path}"
    if operation in ITS_CUSTOMER and ids[0] != key.customer:
        raise refuse(key)
    if operation in SENT and sent.get("customer") != key.customer:
        raise refuse(key)
    if operation in ITS_METHODS:
        noun: Any = REGISTRY["payment_method"]
        found = rows.find_many(tx, noun, [ids[0]]).get(ids[0])
        if found is None or found.customer != key.customer:
            raise refuse(key)
