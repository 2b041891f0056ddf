"""Hold what the pages of the billing portal know of the customer who has entered it."""

from dataclasses import dataclass
from typing import Any

from billow.flows.outside.outside import Outside
from billow.pages.words import Words
from billow.resources.customer import Customer
from billow.resources.portal_configuration import PortalConfiguration
from billow.resources.portal_session import PortalSession

HOME = "?home=1"
"""Opens the portal itself at the address of a session that leads to a flow."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One customer's entry to the portal: the session, what it allows, and how it is shown."""

    outside: Outside
    session: PortalSession
    configuration: PortalConfiguration
    customer: Customer
    words: Words
    address: str

    @property
    def home(self) -> str:
        return f"{self.address}{HOME}" if self.session.flow else self.address

    @property
    def updates(self) -> dict[str, Any]:
        found: dict[str, Any] = self.configuration.features["subscription_update"]
        return found
