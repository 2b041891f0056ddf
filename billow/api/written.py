"""Find the nouns that the params of a request write, besides the noun of its path."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from billow.api import params
from billow.api.fields import Field
from billow.api.resource import Verb
from billow.core.payments import names_test_method

Sent = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Writes:
    """The noun that a param writes, by its `object`."""

    noun: str
    unless: Callable[[Sent], bool] = lambda beside: False
    """Whether other params of the request make it name an existing object."""


WRITES: Mapping[str, Writes] = {
    "balance": Writes("customer_balance_transaction"),
    "credit_amount": Writes("customer_balance_transaction"),
    "default_payment_method": Writes("payment_method"),
    "default_price_data": Writes("price"),
    "file_link_data": Writes("file_link"),
    "mandate_data": Writes("mandate"),
    "payment_method": Writes("payment_method"),
    "payment_method_data": Writes("payment_method"),
    "price_data": Writes("price"),
    "product": Writes("product"),
    "product_data": Writes("product"),
    "refund_amount": Writes("refund"),
    # For a charge of a customer, the source is one of the customer's cards. Everywhere else it is a token.
    "shipping_rate_data": Writes("shipping_rate"),
    "source": Writes("payment_method", unless=lambda beside: bool(beside.get("customer"))),
    "tax_id_data": Writes("tax_id"),
}
"""By the name of the param, wherever it is nested. The id of an existing object writes nothing."""


def written(verb: Verb, sent: Sent) -> list[str]:
    """Return the objects of the nouns that a request writes through its params."""
    if verb.method == "GET":
        return []
    known = params.specs(verb.params) if verb.params else verb.resource.specs if verb.resource else {}
    return sorted(set(_within(known, sent)))


def _within(specs: Mapping[str, Field], sent: Sent) -> Iterator[str]:
    for name in sent.keys() & specs.keys():
        spec, value = specs[name], sent[name]
        rule = WRITES.get(name)
        if rule and not _names_existing(spec, value) and not rule.unless(sent):
            yield rule.noun
        shape = spec.shape or (spec.item.shape if spec.item else None)
        if shape:
            inner = params.specs(shape)
            for below in _hashes(spec, value):
                yield from _within(inner, below)


def _names_existing(spec: Field, value: Any) -> bool:
    """Return whether a value is the id of an existing object.

    A hash is a new object, and so is a test card, which is stored as a payment method.
    """
    test_card = spec.to == "payment_method" and names_test_method(str(value))
    return spec.kind == "ref" and not isinstance(value, dict) and not test_card


def _hashes(spec: Field, value: Any) -> list[Sent]:
    """Return the hashes that a param holds: itself, or the elements of its list or map."""
    if isinstance(value, dict):
        several = list(value.values()) if spec.kind == "map" else [value]
    else:
        several = value if isinstance(value, list) else []
    return [one for one in several if isinstance(one, dict)]
