"""A server that speaks Stripe's API: billow in processes of its own, or Stripe itself in test mode.

BILLOW_STRIPE_KEY=sk_test_… runs the tests against a real account, and BILLOW_STRIPE_ADDRESS against another
server.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from billow.core.errors import Unavailable
from billow.core.payments import Capture, Charge, Outcome, Refund, SetUp
from billow.core.routing import Route
from billow.providers.gateways.stripe import ATTEMPT, Stripe
from billow.store.ids import secret
from tests.support.installation import new_database, running_installation


@dataclass(frozen=True)
class Account:
    """An account at a server: where it is, and its key."""

    address: str | None
    key: str

    def route(self, signing: str = "whsec_test") -> Route:
        return Route("stripe", "stripe", 1, address=self.address, secret=self.key, signing_secret=signing)


@contextmanager
def stripe_account(server_url: str, folder: Path) -> Iterator[Account]:
    """Provide an account at a server of Stripe's API, which runs until the end of this context."""
    key = os.environ.get("BILLOW_STRIPE_KEY", "")
    if key:
        yield Account(os.environ.get("BILLOW_STRIPE_ADDRESS") or None, key)
        return
    folder.mkdir(parents=True, exist_ok=True)
    with running_installation(new_database(server_url), folder) as (built, url):
        tenant = f"{built.account}/test"
        yield Account(url, built.keys.create(tenant, now=built.db.wall()))


class Trying(Stripe):
    """The gateway with attempts of its own names, since an account is shared, and whose replies get lost."""

    def __init__(self, account: Account, fault: Any = None, latency: float = 0.0) -> None:
        super().__init__(account.route())
        self.prefix, self.fault = f"par_{secret('', 12)}_", fault

    def own(self, request: Any) -> Any:
        return replace(request, attempt=self.prefix + request.attempt)

    def charge(self, charge: Charge) -> Outcome:
        outcome = super().charge(self.own(charge))
        if self.fault is not None and self.fault(charge.attempt) == "drop_reply":
            raise Unavailable("The reply is lost.")
        return outcome

    def capture(self, capture: Capture) -> Outcome:
        return super().capture(self.own(capture))

    def refund(self, refund: Refund) -> Outcome:
        return super().refund(self.own(refund))

    def set_up(self, set_up: SetUp) -> Outcome:
        return super().set_up(self.own(set_up))

    def look_up(self, attempt: str) -> Outcome | None:
        return super().look_up(self.prefix + attempt)

    def reports(self, attempt: str) -> Any:
        return super().reports(self.prefix + attempt)

    def charged(self) -> list[tuple[str, int]]:
        """What the server took for our attempts."""
        found = self._client.payment_intents.list({"limit": 100}).data
        named = [(getattr(one.metadata, ATTEMPT, ""), one) for one in found if one.status == "succeeded"]
        return [
            (name.removeprefix(self.prefix), one.amount_received)
            for name, one in named
            if name.startswith(self.prefix)
        ]
