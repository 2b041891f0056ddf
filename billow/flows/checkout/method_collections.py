"""Let customers enter a method on the gateway's own page, and go on with it once they have.

What was entered is asked of the gateway, and never believed from an address. It is taken once, by whoever
comes first: the customer who returns, the gateway's notice, or the job that looks a day later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from billow.api import rows
from billow.api.params import made
from billow.core import lifecycle
from billow.core.errors import Refused, require
from billow.core.payments import Collect, Declined
from billow.flows.checkout import completion, invoice_payments, purchase, sessions
from billow.flows.checkout.purchase import Payer
from billow.flows.outside.outside import gateway_for, gateway_named
from billow.flows.papers import links, method_links
from billow.providers.gateways import StoredMethod
from billow.resources.checkout_session import CheckoutSession
from billow.resources.customer import Customer, TaxNumber
from billow.resources.invoice import Invoice
from billow.resources.method_collection import MethodCollection
from billow.store import jobs
from billow.store.ids import new_id
from billow.store.jobs import job
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

LASTS = timedelta(hours=25)
"""How long a method is waited for: gateways keep their pages open for a day."""
MOST = 20
"""How many times a day a page of ours leads to the gateway's, so that nobody opens pages without end."""
KEPT = (
    "accepted", "address", "answers", "business_name", "consent", "email", "individual_name", "locale",
    "name", "phone", "shipping",
)  # fmt: skip
"""What is kept of a payer until the method is there."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which page asks for a method, about what, of which types, and what was entered on it besides."""

    page: str
    about: str
    types: tuple[str, ...]
    currency: str | None
    payer: Payer
    more: Mapping[str, Any]
    """What the page goes on with besides: whether to keep the method, or the invoices that it pays."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a collection: why its method was declined, or the intent that its bank asks about.

    `waits`: its method is there, and another payment of the session is under way.
    """

    collection: MethodCollection
    declined: str | None = None
    awaits: str | None = None
    waits: bool = False


def begin(tx: Tx, wanted: Wanted) -> Steps:
    """Open the gateway's page for a customer; returns the address of ours that leads there.

    What was entered is stored before the gateway is asked. Raises `Unavailable` if it does not answer.
    """
    provider = gateway_for(tx, currency=wanted.currency, type=wanted.types[0])
    since = tx.wall - timedelta(days=1)
    lately = rows.select(
        tx, MethodCollection, "about = %(about)s and created > %(since)s", about=wanted.about, since=since
    )
    require(len(lately) < MOST, "A payment method was asked for too often. Please try again tomorrow.")
    id = new_id(MethodCollection.prefix)
    made = MethodCollection(
        id=id,
        page=wanted.page,
        about=wanted.about,
        entered={**kept(wanted.payer), **wanted.more},
        gateway=provider.name,
    )
    rows.insert(tx, made, event=None)
    jobs.put(tx, "collection.follow", id, tx.wall + LASTS, clock="wall")
    back = f"{links.collection(tx, id)}/back"
    sent = Collect(id, wanted.types, wanted.currency, back, page_of(tx, made))
    tx, page = yield ask(provider.begin_collection, sent)
    found = rows.lock(tx, MethodCollection, id)
    rows.update(tx, found, event=None, reference=page.reference, url=page.url)
    return links.collection(tx, id)


def kept(payer: Payer) -> dict[str, Any]:
    """Return what a payer has entered, but for the method, as it is stored until that is there."""
    number = {"tax_id": {"type": payer.tax_id.type, "value": payer.tax_id.value}} if payer.tax_id else {}
    return {**{name: rows.plain_value(getattr(payer, name)) for name in KEPT}, **number}


def payer_of(found: MethodCollection, stored: StoredMethod) -> Payer:
    """Return the payer who has entered a method, with what was entered on our page before."""
    entered: dict[str, Any] = {name: found.entered.get(name) for name in KEPT}
    number = found.entered.get("tax_id")
    return Payer(**entered, stored=stored, tax_id=made(TaxNumber, **number) if number else None)


def page_of(tx: Tx, found: MethodCollection) -> str:
    """Return the address of the page that asked."""
    if found.page == "checkout":
        return links.checkout(tx, found.about)
    if found.page == "invoice":
        return links.url_of(tx, found.about)
    customer, _, invoice = found.about.partition(".")
    return method_links.update_method(tx, customer, invoice)


def take(tx: Tx, id: str) -> Steps:
    """Ask the gateway for the method of a collection, and go on with it: `tx, taken = yield from take(…)`.

    Nothing changes while none was entered, and nothing more once it was taken. Locks the collection.
    """
    found = rows.find(tx, MethodCollection, id)
    if found.state != "open" or found.reference is None:
        return tx, Taken(found)
    tx, answer = yield ask(gateway_named(tx, found.gateway).collected, id, found.reference)
    found = rows.lock(tx, MethodCollection, id)
    if found.state != "open" or answer is None:
        return tx, Taken(found)
    if is_busy(tx, found):
        return tx, Taken(found, waits=True)
    why = answer.message if isinstance(answer, Declined) else obstacle(tx, found, answer)
    if why is not None:
        return tx, Taken(end(tx, found, "failed", error=why), declined=why)
    payer = payer_of(found, StoredMethod(answer.reference, answer.method, found.gateway))
    more = found.entered
    found = end(tx, found, "taken", method=answer.reference)
    if found.page == "checkout":
        result = yield from completion.pay(tx, found.about, payer)
        return tx, Taken(found, result.declined)
    if found.page == "invoice":
        paid = yield from invoice_payments.pay(tx, found.about, payer, keep=bool(more.get("keep")))
    else:
        customer = found.about.partition(".")[0]
        paid = yield from invoice_payments.update_method(tx, customer, more.get("invoices") or [], payer)
    return tx, Taken(found, paid.declined, paid.awaits)


def end(tx: Tx, found: MethodCollection, state: str, **more: Any) -> MethodCollection:
    """Close a collection; of what was entered nothing is kept here."""
    jobs.cancel(tx, "collection.follow", found.id)
    return rows.update(tx, found, event=None, state=state, entered={}, **more)


def is_busy(tx: Tx, found: MethodCollection) -> bool:
    """Check whether another payment of the session is under way, which this one must wait for."""
    if found.page != "checkout":
        return False
    session = rows.lock(tx, CheckoutSession, found.about)
    return session.status == "open" and completion.is_busy(tx, session)


def obstacle(tx: Tx, found: MethodCollection, stored: StoredMethod) -> str | None:
    """Return why nothing can be paid or saved with a method any more; None where it can."""
    same = "gateway = %(gateway)s and method = %(method)s"
    if rows.select(tx, MethodCollection, same, gateway=found.gateway, method=stored.reference):
        return "This payment method was entered for something else."
    if found.page == "checkout":
        session = rows.find(tx, CheckoutSession, found.about)
        over = sessions.is_over(session, purchase.with_clock(tx, session).now)
        if session.status != "open" or over:
            return "This checkout session is no longer open."
        try:
            completion.check_open(tx, session)
        except Refused as refused:
            return refused.message
        return None
    if found.page == "invoice":
        invoice = rows.find(tx, Invoice, found.about)
        return None if invoice.status in lifecycle.PAYABLE else "This invoice is no longer open."
    gone = not rows.find_many(tx, Customer, [found.about.partition(".")[0]])
    return "This customer was deleted." if gone else None


@job("collection.follow", lane="outside")
def follow(tx: Tx, refs: list[str]) -> Steps:
    """Take a method whose customer has not come back; a day later nothing is waited for any more."""
    [id] = refs
    tx, taken = yield from take(tx, id)
    found = rows.lock(tx, MethodCollection, id)
    if found.state != "open":
        return None
    if taken.waits:
        jobs.put(tx, "collection.follow", id, tx.wall + completion.GUARD, clock="wall")
    elif found.created + LASTS <= tx.wall:
        end(tx, found, "expired")
    else:
        jobs.put(tx, "collection.follow", id, found.created + LASTS, clock="wall")
    return None
