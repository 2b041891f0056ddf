"""Say what a new account still needs before it bills: steps, what a legal invoice lacks, and collection."""

from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import make_msgid
from typing import Any

from billow.core.errors import require
from billow.core.tax_ids import MEMBERS
from billow.flows.outside.merchant import name_of
from billow.flows.outside.outside import outside_of
from billow.flows.outside.seller import profile_of, seller_of, store
from billow.flows.taxes import registered, sources
from billow.flows.taxes.settings import settings_of
from billow.providers.mail import Message
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

NOTED = "setup"
"""Where an account keeps which steps were left out, and when a test mail was sent, in its hash `seller`."""
STEPS = ("company", "tax", "numbers", "bank", "gateways", "mails", "key")
NEEDED = ("company",)
"""The steps that nobody leaves out."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the set-up: done, left out, or still to do."""

    key: str
    done: bool
    left_out: bool

    @property
    def is_over(self) -> bool:
        return self.done or self.left_out


def noted(tx: Tx) -> dict[str, Any]:
    found: dict[str, Any] = dict(profile_of(tx).seller.get(NOTED) or {})
    return found


def note(tx: Tx, **changes: Any) -> None:
    """Keep something about the set-up."""
    tx.one("select id from accounts where id = %(id)s for update", id=tx.account)
    own = profile_of(tx).seller
    store(tx, tx.account, seller={**own, NOTED: {**(own.get(NOTED) or {}), **changes}})


def steps(tx: Tx) -> list[Step]:
    """Return the steps in their order, with what is done of them by what is stored."""
    own, kept, left = profile_of(tx).seller, noted(tx), noted(tx).get("left_out") or []
    taxes, account = settings_of(tx), seller_of(tx).account
    [(keys, issued)] = tx.tuples(
        "select exists (select from api_keys), exists (select from invoices where status <> 'draft')"
    )
    done = {
        "company": not any(one in ("name", "address") for one in lacking(tx)),
        "tax": taxes.small_enterprise or (taxes.active and not sources.unregistered(tx)),
        "numbers": bool(own.get("numbers")) or issued,
        "bank": bool(account and account.takes_transfers),
        "gateways": any(one.active for one in outside_of(tx).configured.routes(tx)),
        "mails": bool(kept.get("mail_tested")),
        "key": keys,
    }
    return [Step(key, done[key], key in left) for key in STEPS]


def is_over(tx: Tx) -> bool:
    """Tell whether every step is done or left out, or nobody wants to see them any more."""
    return bool(noted(tx).get("dismissed")) or all(one.is_over for one in steps(tx))


def leave_out(tx: Tx, key: str, *, out: bool = True) -> None:
    """Leave a step out, or take it up again."""
    require(key in STEPS and key not in NEEDED, "This step cannot be left out.")
    before = [one for one in noted(tx).get("left_out") or [] if one != key]
    note(tx, left_out=[*before, *([key] if out else [])])


# ------------------------------------------------------------------------------------- what is missing


def lacking(tx: Tx) -> list[str]:
    """Return what a legal invoice still lacks of the seller (art. 226 of the VAT directive)."""
    seller, taxes = seller_of(tx), settings_of(tx)
    numbered = bool(seller.tax_ids or seller.tax_number)
    found = [] if seller.name else ["name"]
    found += [] if registered.has_address(tx) else ["address"]
    if not numbered and not (taxes.small_enterprise and seller.company_number):
        found.append("tax_id" if seller.country in MEMBERS else "number")
    number = sources.unregistered(tx)
    found += [f"registration:{number}"] if number else []
    return found


def uncollectible(tx: Tx) -> list[str]:
    """Return what is missing for money to come in: a gateway or an account, secrets of notices, mails."""
    outside = outside_of(tx)
    routes = [one for one in outside.configured.routes(tx) if one.active]
    account = seller_of(tx).account
    found = [] if routes or (account and account.takes_transfers) else ["way"]
    found += [f"notices:{one.name}" for one in routes if one.kind == "stripe" and not one.signing_secret]
    found += [] if noted(tx).get("mail_tested") else ["mail"]
    if tx.livemode and not outside.base_url.startswith("https:"):
        found.append("https")
    return found


# ------------------------------------------------------------------------------------- acts


def send_test_mail(tx: Tx, to: str) -> Steps:
    """Send a mail to somebody who works here, and note that it was accepted."""
    outside, name = outside_of(tx), name_of(tx)
    text = (
        f"This is a test mail of {name or 'billow'}. It has arrived, so mails to customers leave as well.\n"
    )
    made = Message(to, outside.mail_from, "Test mail", text, None, (), make_msgid(), tx.wall)
    tx, _ = yield ask(outside.mailer.send, made)
    note(tx, mail_tested=tx.wall.isoformat(timespec="seconds"))
    return None


def undone(found: Sequence[Step]) -> list[Step]:
    return [one for one in found if not one.is_over]
