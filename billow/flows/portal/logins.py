"""Let customers into the billing portal by a link that is mailed to them and works once."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from billow.api import rows
from billow.api.fields import instant
from billow.core.errors import Refused
from billow.core.mail_addresses import is_address
from billow.flows.mails import outbox
from billow.flows.mails.outbox import Mail
from billow.flows.papers import links
from billow.flows.portal.sessions import LASTS
from billow.resources.customer import Customer
from billow.resources.portal_configuration import PortalConfiguration
from billow.resources.portal_session import PortalSession
from billow.store import clocks
from billow.store.ids import new_id
from billow.store.tx import Tx

PREFIX = "plg_"
WORKS = timedelta(minutes=15)
"""How long a link that was mailed works."""
MOST, WITHIN = 3, timedelta(hours=1)
"""How many links an address is sent within a time."""
ORIGIN_MOST, ORIGIN_WITHIN = 20, timedelta(minutes=5)
"""How many requests one computer makes within a time."""
ACCOUNTS = 20
"""From how many customers with one mail address somebody can choose."""


@dataclass(frozen=True, slots=True)
class Login:
    """A link that was asked for: whom it lets in, and to which session it returns."""

    id: str
    configuration: str
    customers: tuple[str, ...]
    session: str | None


def page_of(tx: Tx, configuration: str) -> PortalConfiguration | None:
    """Return the configuration whose login page is on; None where there is no such page."""
    found = rows.find_many(tx, PortalConfiguration, [configuration]).get(configuration)
    return found if found and found.active and found.login_page["enabled"] else None


def is_crowded(tx: Tx, origin: str) -> bool:
    """Check whether a computer has asked too often lately."""
    row = tx.one(
        "select count(*) as many from portal_logins where origin = %(origin)s and created > %(since)s",
        origin=origin,
        since=tx.wall - ORIGIN_WITHIN,
    )
    return bool(row and row["many"] >= ORIGIN_MOST)


def request(tx: Tx, configuration: str, email: str, origin: str) -> None:
    """Mail a link to an address if customers have it. What happens to a request is never told.

    The address of nobody is noted too, so that all are counted alike.
    """
    email = email.strip()
    found = rows.select(
        tx,
        Customer,
        "email in (%(email)s, lower(%(email)s)) and not deleted",
        "order by created desc, id desc limit %(most)s",
        email=email,
        most=ACCOUNTS,
    )
    write(tx, configuration, email, origin, [one.id for one in found])


def request_again(tx: Tx, session: PortalSession, origin: str) -> None:
    """Mail the customer of a session that is over a link to another, with the same flow.

    Where the session does not offer that, or the customer has no address, nothing happens.
    """
    [customer] = rows.find_all(tx, Customer, [session.customer]).values()
    if is_recoverable(session, tx.wall) and customer.email and not customer.deleted:
        write(tx, session.configuration, customer.email, origin, [customer.id], session.id)


def is_recoverable(session: PortalSession, now: datetime) -> bool:
    """Check whether a session that is over lets its customer in again."""
    after = session.after_expiration
    until = instant(((after or {}).get("customer_login") or {}).get("expires_at"))
    return after is not None and (until is None or until > now)


def write(
    tx: Tx, configuration: str, email: str, origin: str, customers: list[str], session: str | None = None
) -> None:
    """Note a request, and order its mail unless the address was sent enough of them."""
    tx.run("select pg_advisory_xact_lock(hashtext('portal login'), hashtext(%(tenant)s))", tenant=tx.tenant)
    row = tx.one(
        "select count(*) as many from portal_logins where email = lower(%(email)s) and created > %(since)s",
        email=email,
        since=tx.wall - WITHIN,
    )
    many, id = row["many"] if row else 0, new_id(PREFIX)
    tx.run(
        "insert into portal_logins"
        " (id, created, configuration, customers, email, origin, session, expires_at) values"
        " (%(id)s, %(wall)s, %(configuration)s, %(customers)s::text::jsonb, lower(%(email)s), %(origin)s,"
        " %(session)s, %(until)s)",
        id=id,
        wall=tx.wall,
        configuration=configuration,
        customers=json.dumps(customers),
        email=email,
        origin=origin,
        session=session,
        until=tx.wall + WORKS,
    )
    if customers and many < MOST and is_address(email):
        only = customers[0] if len(customers) == 1 else None
        outbox.order(tx, [Mail("portal_login", id, only, explicit=True)])


def find(tx: Tx, id: str) -> Login | None:
    """Return a link that still works; none does once the page that mailed it was closed. Locks it."""
    row: dict[str, Any] | None = tx.one(
        "select id, configuration, customers, session from portal_logins"
        " where id = %(id)s and used_at is null and expires_at > %(wall)s for update",
        id=id,
        wall=tx.wall,
    )
    if row is None or (row["session"] is None and page_of(tx, row["configuration"]) is None):
        return None
    return Login(row["id"], row["configuration"], tuple(row["customers"]), row["session"])


def enter(tx: Tx, id: str, customer: str) -> PortalSession | None:
    """Use a link up, and begin a session of the portal with an address of its own.

    None where the link does not work any more; a customer that it is not for is refused.
    """
    found = find(tx, id)
    if found is None:
        return None
    customer = customer or found.customers[0]
    if customer not in found.customers:
        raise Refused("The link is for somebody else.")
    held = rows.lock(tx, Customer, customer)
    tx.run("update portal_logins set used_at = %(wall)s where id = %(id)s", id=id, wall=tx.wall)
    before = rows.find_many(tx, PortalSession, [found.session or ""]).get(found.session or "")
    [configuration] = rows.find_all(tx, PortalConfiguration, [found.configuration]).values()
    tx = clocks.enter(tx, held.test_clock)
    fresh = new_id(PortalSession.prefix)
    return rows.insert(
        tx,
        PortalSession(
            id=fresh,
            after_expiration=before.after_expiration if before else None,
            configuration=found.configuration,
            customer=customer,
            expires_at=tx.wall + LASTS,
            flow=before.flow if before else None,
            locale=before.locale if before else None,
            on_behalf_of=before.on_behalf_of if before else None,
            return_url=before.return_url if before else configuration.default_return_url,
            url=links.portal(tx, fresh),
        ),
    )
