"""Find the gateway of a payment: the one that is configured for it, or that holds its method or money.

Which gateways an account has is in the table `gateways`; without a row it is the one of its mode, which is
the simulated one in test mode and none in live mode.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from billow.core import routing
from billow.core.errors import Refused, Unavailable, require
from billow.core.money import CURRENCIES
from billow.core.routing import Route
from billow.providers.gateways import Gateway
from billow.resources.payment_method_types import BY_NAME
from billow.store.tx import Tx

KNOWN_FOR = timedelta(seconds=10)
"""How long a process remembers what is configured: a change takes effect within this time."""
SILENT_FOR = timedelta(minutes=1)
"""How long a gateway that did not answer is passed over, if another takes the payment as well."""


@dataclass(slots=True)
class Configured:
    """The gateways that accounts have configured, as this process knows them.

    `kinds` makes a gateway of a route, by the route's kind.
    """

    kinds: Mapping[str, Callable[[Route], Gateway]] = field(default_factory=dict)
    known: dict[str, tuple[datetime, tuple[Route, ...]]] = field(default_factory=dict)
    made: dict[tuple[str, Route], Gateway] = field(default_factory=dict)
    silent: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """Until when each gateway is passed over, by tenant and name."""

    def routes(self, tx: Tx) -> tuple[Route, ...]:
        """Return the gateways of the tenant, read at most every ten seconds."""
        found = self.known.get(tx.tenant)
        if found is None or not found[0] <= tx.wall < found[0] + KNOWN_FOR:
            found = (tx.wall, read(tx))
            self.known[tx.tenant] = found
        return found[1]

    def gateway(self, tx: Tx, route: Route) -> Gateway:
        """Return the gateway of a route, made once."""
        key = (tx.tenant, route)
        if key not in self.made:
            if route.kind not in self.kinds:
                raise Unavailable(f"The gateway {route.name} is of the unknown kind {route.kind}.")
            self.made[key] = watched(self.kinds[route.kind](route), self.silent, key, tx)
        return self.made[key]

    def choose(self, tx: Tx, currency: str | None, type: str | None) -> Gateway | None:
        """Return the gateway that takes a payment; None if none of those that are configured does."""
        silent = {
            name for (tenant, name), until in self.silent.items() if tenant == tx.tenant and until > tx.wall
        }
        route = routing.choose(self.routes(tx), currency, type, silent)
        return self.gateway(tx, route) if route else None


def read(tx: Tx) -> tuple[Route, ...]:
    """Read the gateways that are configured for the tenant."""
    found = tx.tuples(
        "select name, kind, position, currencies, types, active, address, secret, signing_secret"
        " from gateways order by position, name"
    )
    return tuple(
        Route(name, kind, position, tuple(currencies), tuple(types), active, address, secret, signing)
        for name, kind, position, currencies, types, active, address, secret, signing in found
    )


def write(tx: Tx, route: Route) -> None:
    """Configure a gateway, or change what is configured under its name."""
    tx.run(
        "insert into gateways (name, created, kind, position, currencies, types, active, address, secret,"
        " signing_secret) values (%(name)s, %(now)s, %(kind)s, %(position)s, %(currencies)s, %(types)s, true,"
        " %(address)s, %(secret)s, %(signing)s) on conflict (tenant, name) do update set"
        " kind = excluded.kind, position = excluded.position, currencies = excluded.currencies,"
        " types = excluded.types, active = true, address = excluded.address, secret = excluded.secret,"
        " signing_secret = excluded.signing_secret",
        name=route.name,
        now=tx.wall,
        kind=route.kind,
        position=route.position,
        currencies=list(route.currencies),
        types=list(route.types),
        address=route.address,
        secret=route.secret,
        signing=route.signing_secret,
    )
    tx.outside.configured.known.pop(tx.tenant, None)


def stop(tx: Tx, name: str) -> bool:
    """Let a gateway take no new payments; return whether there is one of this name."""
    tx.outside.configured.known.pop(tx.tenant, None)
    return bool(tx.run("update gateways set active = false where name = %(name)s", name=name))


WITHOUT_KEY = ("bank", "manual", "sepa_debit")
"""The kinds that reach nobody by a network, and so have no key."""


def is_key(secret: str, mode: str) -> bool:
    """Check whether a key is a secret or restricted one of a mode: test keys take no real money.

    >>> is_key("sk_test_1", "test"), is_key("rk_test_1", "live"), is_key("pk_live_1", "live")
    (True, False, False)
    """
    return secret.startswith((f"sk_{mode}_", f"rk_{mode}_"))


def check_kind(kind: str, kinds: list[str]) -> None:
    known = ", ".join(sorted(kinds))
    require(kind in kinds, f"There is no gateway of the kind {kind}; there are {known}.")


def check(route: Route) -> None:
    """Refuse what no gateway could ever take."""
    require(re.fullmatch("[a-z0-9_-]{1,40}", route.name), "A name has small letters, digits, - and _.")
    for one in route.currencies:
        require(one in CURRENCIES, f"{one} is no currency.")
    for one in route.types:
        require(one in BY_NAME, f"{one} is no type of payment method.")


USED_BY = ("attempts", "charges", "payment_methods")
"""The tables that name the gateway of a payment or of a method."""


def remove(tx: Tx, name: str) -> bool:
    """Remove a gateway that nothing names; return whether there was one."""
    for table in USED_BY:
        found = tx.one(f"select 1 from {table} where gateway = %(name)s limit 1", name=name)
        require(
            found is None, f"{name} has taken payments or keeps methods; stop it instead, with gateways stop."
        )
    tx.outside.configured.known.pop(tx.tenant, None)
    return bool(tx.run("delete from gateways where name = %(name)s", name=name))


class Watched:
    """A gateway that notes when it does not answer, so that another can take over."""

    def __init__(self, gateway: Gateway, note: Callable[[bool], None]) -> None:
        self._gateway, self._note = gateway, note

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._gateway, name)
        if not callable(found):
            return found

        def call(*given: Any, **named: Any) -> Any:
            try:
                answer = found(*given, **named)
            except Unavailable:
                self._note(False)
                raise
            self._note(True)
            return answer

        return call


def watched(
    gateway: Gateway, silent: dict[tuple[str, str], datetime], key: tuple[str, Route], tx: Tx
) -> Gateway:
    """Return a gateway that is passed over for a minute after it did not answer."""
    place, now = (key[0], key[1].name), tx.outside.now

    def note(answered: bool) -> None:
        if answered:
            silent.pop(place, None)
        else:
            silent[place] = now() + SILENT_FOR

    return cast(Gateway, Watched(gateway, note))


def missing(currency: str | None, type: str | None) -> Refused:
    """Return the refusal of a payment that none of the account's gateways takes."""
    what = " ".join(one for one in (type, "in", currency.upper() if currency else "any currency") if one)
    return Refused(
        f"None of your gateways takes {what}; `billow gateways` shows what each takes.",
        code="payment_method_unavailable",
    )
