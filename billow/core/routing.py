"""Decide which gateway takes a payment, by currency and payment method type, and which takes over."""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Route:
    """A gateway that an account has configured. Without currencies or types it takes all of them.

    Those of a lower position come first. One that is not active takes no new payments, and still refunds.
    """

    name: str
    kind: str
    position: int
    currencies: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    active: bool = True
    address: str | None = None
    """Where its API is, if it is not where the kind's provider has it."""
    secret: str = field(default="", repr=False)
    signing_secret: str = field(default="", repr=False)

    def takes(self, currency: str | None, type: str | None) -> bool:
        """Check whether it takes new payments of this currency and method type; None stands for any."""
        fits = currency is None or not self.currencies or currency in self.currencies
        return self.active and fits and (type is None or not self.types or type in self.types)


def choose(
    routes: Sequence[Route], currency: str | None, type: str | None, silent: Container[str]
) -> Route | None:
    """Return the first gateway that takes a payment and answers; if all are silent, the first of them."""
    fitting = sorted(
        (one for one in routes if one.takes(currency, type)), key=lambda one: (one.position, one.name)
    )
    answering = [one for one in fitting if one.name not in silent]
    return next(iter(answering or fitting), None)
