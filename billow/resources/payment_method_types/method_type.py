"""Define what a type of payment methods is: what is sent of one, what is kept, and how it pays."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from billow.api.params import Params


class Nothing(Params):
    """A hash in which nothing is sent: the customer gives the details to the gateway."""


@dataclass(frozen=True, slots=True)
class MethodType:
    """A type of payment methods. Numbers go to the gateway, and no field of `shown` holds one."""

    name: str
    given: type[Params] = Nothing
    """What a request sends to create one."""
    number: str = ""
    """The field of `given` that identifies it at the gateway, and is not kept."""
    shown: Mapping[str, Any] = field(default_factory=dict)
    """Every field of the hash, with the value that it has until the gateway or the request names another."""
    currencies: tuple[str, ...] = ()
    """What it pays in; empty where it pays in every currency."""
    delayed: bool = False
    """Whether money takes days to arrive, so that a payment is pending first."""
    redirects: bool = False
    """Whether the customer confirms on a page of the gateway's or the bank's."""
    reusable: bool = False
    """Whether it can be kept for later payments, and charged off session."""
    mandate: Mapping[str, Any] | None = None
    """What its mandates show of themselves; None where it needs no mandate."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What `payment_method_options` of a payment intent shows where nothing was sent."""
    setup_options: Mapping[str, Any] = field(default_factory=dict)
    """What `payment_method_options` of a setup intent shows where nothing was sent."""

    def pays_in(self, currency: str) -> bool:
        """Return whether it pays in a currency."""
        return not self.currencies or currency in self.currencies

    def kept(self, sent: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
        """Return the hash that is stored and shown: what was sent but numbers, and what the gateway knows.

        The gateway is right where both say something.
        """
        said = {
            name: value
            for name, value in {**sent, **known}.items()
            if value is not None and name in self.shown
        }
        return {**self.shown, **said}
