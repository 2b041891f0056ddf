"""Decide which types of payment methods an intent offers."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Offered:
    """A type of payment methods, and what decides whether an intent offers it."""

    name: str
    pays: bool
    """Whether it pays in the currency of the intent, or can be kept, for a setup intent."""
    redirects: bool


def offered(
    configured: Sequence[Offered], allowed: Sequence[str] | None, excluded: Sequence[str], redirects: bool
) -> list[str]:
    """Return the types that an intent offers by itself: those configured that fit, cards first.

    `allowed` narrows them where it is given, and `excluded` takes some away; `redirects` says whether the
    customer may be sent to another page.
    """
    fitting = [
        one.name
        for one in configured
        if one.pays
        and (redirects or not one.redirects)
        and (allowed is None or one.name in allowed)
        and one.name not in excluded
    ]
    return sorted(fitting, key=lambda name: (name != "card", fitting.index(name)))
