"""A gateway for live mode in tests: it accepts any token as a card, and simulates the payments."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from billow.app import App
from billow.core.payments import CardDetails
from billow.providers.gateways import StoredMethod


class Standin:
    """A gateway whose cards are no test cards."""

    name = "standin"

    def __init__(self, simulated: Any) -> None:
        self.capture, self.refund, self.look_up = simulated.capture, simulated.refund, simulated.look_up
        self._charge = simulated.charge

    def store_method(self, token: str, type: str = "card", check: bool = True) -> StoredMethod:
        return StoredMethod("pm_standin", CardDetails("visa", "4242", 1, 2050, "credit", "US", "x").details())

    def charge(self, charge: Any) -> Any:
        return self._charge(replace(charge, method="pm_card_visa"))


@contextmanager
def live_gateway(app: App, gateway: Any = None) -> Iterator[None]:
    """Give live mode a gateway for the length of this context."""
    usual = app.db.outside
    gateways = {**usual.gateways, "live": gateway or Standin(usual.gateways["test"])}
    app.db.outside = replace(usual, gateways=gateways)
    try:
        yield
    finally:
        app.db.outside = usual
