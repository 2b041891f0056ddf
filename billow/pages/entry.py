"""Say how a payment method is entered: in a form on our page, or on a page of the gateway's own."""

from collections.abc import Sequence
from dataclasses import dataclass

import flask

from billow.core.errors import Refused
from billow.flows.outside.outside import gateway_for
from billow.providers.gateways import ELSEWHERE, HERE
from billow.resources.payment_method_types import BY_NAME
from billow.store.tx import Tx

CARDS = ("card",)
FORMS = ("card", "sepa_debit")
"""The types that our pages have a form for."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The types of methods that a page takes: those with a form on it, and those of the gateway's page."""

    forms: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.choices())

    def choices(self) -> tuple[str, ...]:
        """Return what the field `method` may say of a new method: the type of a form, or `elsewhere`."""
        return (*self.forms, *(("elsewhere",) if self.elsewhere else ()))

    def chosen(self, given: str | None) -> str | None:
        """Return which of them was chosen; the first one where nothing was, None where there is none."""
        choices = self.choices()
        return given if given in choices else next(iter(choices), None)


def accepted() -> dict[str, str]:
    """Return from where the customer agrees to be debited, as a mandate shows it."""
    agent = (flask.request.user_agent.string or "unknown")[:500]
    return {"ip_address": flask.request.remote_addr or "unknown", "user_agent": agent}


def of(tx: Tx, currency: str | None = None, types: Sequence[str] = CARDS) -> Entry:
    """Return how a page takes methods of some types.

    A real gateway takes cards on a page of its own, so that no number passes billow: only in test mode has
    our page a form for cards. Where gateways differ, the page of the first leads.
    """
    forms: list[str] = []
    elsewhere: list[str] = []
    leads: str | None = None
    for type in types:
        if type not in BY_NAME or (currency and not BY_NAME[type].pays_in(currency)):
            continue
        try:
            provider = gateway_for(tx, currency=currency, type=type)
        except Refused:
            continue
        place = provider.collects_at.get(type)
        if place == HERE and type in FORMS and not (tx.livemode and type == "card"):
            forms.append(type)
        elif place == ELSEWHERE and leads in (None, provider.name):
            leads = provider.name
            elsewhere.append(type)
    return Entry(tuple(forms), tuple(elsewhere))
