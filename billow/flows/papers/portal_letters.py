"""Write the mails that customers ask for in the billing portal: a link into it, and an alert on costs."""

from billow.flows.mails.outbox import Ordered
from billow.flows.papers import links
from billow.flows.papers.addressing import (
    NO_ADDRESS,
    Addressed,
    address_of,
    customer_of,
    locale_of,
    moment,
    sender_of,
)
from billow.providers.letters import Letter, Money, Value
from billow.store.tx import Tx


def login_letter(tx: Tx, mail: Ordered) -> Addressed | str:
    """Write the link into the billing portal that was asked for, unless it is used or over by now."""
    row = tx.one(
        "select email, customers, expires_at, used_at from portal_logins where id = %(id)s", id=mail.about
    )
    if row is None or row["used_at"] is not None or row["expires_at"] <= tx.wall:
        return "The link has expired."
    customer = customer_of(tx, row["customers"][0])
    several = len(row["customers"]) > 1
    values: dict[str, Value] = {"name": "" if several else customer.name or ""}
    link = links.login(tx, mail.about)
    locale = locale_of(tx, customer)
    return Addressed(row["email"], Letter(mail.kind, "link", locale, sender_of(tx, locale), values, link))


def alert_letter(tx: Tx, mail: Ordered) -> Addressed | str:
    """Write that the costs of a period have reached what the customer wanted to hear of."""
    customer, facts = customer_of(tx, mail.customer or ""), mail.facts
    to = address_of(customer)
    if not to or customer.deleted:
        return NO_ADDRESS
    values: dict[str, Value] = {
        "name": customer.name or "",
        "amount": Money(facts["amount"], facts["currency"]),
        "limit": Money(facts["limit"], facts["currency"]),
        "date": moment(facts["until"]),
    }
    locale = locale_of(tx, customer)
    letter = Letter(mail.kind, "reached", locale, sender_of(tx, locale), values, None, ("amount", "date"))
    return Addressed(to, letter)
