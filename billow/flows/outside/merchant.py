"""Load and store what a merchant has set for an account and mode: name, colour, mails, retries."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.utils import parseaddr
from typing import Any

from billow.core.errors import require
from billow.flows.outside.outside import outside_of
from billow.flows.outside.seller import profile_of, seller_of
from billow.store.tx import Tx

REMINDER_DAYS = (3, 7, 14)
"""The days after its due date on which an unpaid invoice is reminded of, where a merchant has set none."""
MOST_DAYS = 365
NOTE = "merchant"


@dataclass(frozen=True, slots=True)
class Merchant:
    """What a merchant has set; what they have not is None or empty."""

    display_name: str | None = None
    primary_color: str | None = None
    mails: Mapping[str, bool] = field(default_factory=dict)
    reminder_days: tuple[int, ...] = REMINDER_DAYS
    retries: Mapping[str, Any] = field(default_factory=dict)
    void_credit_notes: bool | None = None
    """Whether voiding an invoice issues a credit note; None where the seller is in the European Union."""


def merchant_of(tx: Tx) -> Merchant:
    """Load the settings of the tenant, once per transaction."""
    if NOTE not in tx.notes:
        row = tx.one(
            "select display_name, primary_color, mails, reminder_days, retries, void_credit_notes"
            " from merchant_settings"
        )
        tx.notes[NOTE] = (
            Merchant(**{**row, "reminder_days": tuple(row["reminder_days"])}) if row else Merchant()
        )
    found: Merchant = tx.notes[NOTE]
    return found


def name_of(tx: Tx) -> str:
    """Return the name that mails are written in: the merchant's own, the seller's, or the account's."""
    return merchant_of(tx).display_name or seller_of(tx).name


def contact_of(tx: Tx) -> str:
    """Return the address that customers ask at: the account's own, or else the installation's."""
    known = profile_of(tx)
    own = known.business_profile.get("support_email") or known.seller.get("email")
    return parseaddr(own or sender_address_of(tx) or outside_of(tx).mail_from)[1]


def sender_address_of(tx: Tx) -> str:
    """Return the account's own address to send from, while the installation lets it; empty: that of all."""
    own = profile_of(tx).seller.get("mail_from") or ""
    return own if own and may_send_from(tx, own) else ""


def may_send_from(tx: Tx, address: str) -> bool:
    """Check whether the installation lets accounts send from the domain of an address."""
    allowed = outside_of(tx).mail_senders
    return "*" in allowed or address.rpartition("@")[2].lower() in allowed


def is_sent_as_set(tx: Tx) -> bool:
    """Check whether the settings name the account: its mails have the name that is set beside the address."""
    named = profile_of(tx).by_settings and not merchant_of(tx).display_name
    return named and not sender_address_of(tx)


def store(tx: Tx, wanted: Merchant) -> None:
    """Store what a merchant has set, after checking it."""
    check(wanted)
    tx.run(
        "insert into merchant_settings (display_name, primary_color, mails, reminder_days, retries,"
        " void_credit_notes) values (%(name)s, %(color)s, %(mails)s::text::jsonb, %(days)s::text::jsonb,"
        " %(retries)s::text::jsonb, %(void_credit_notes)s)"
        " on conflict (tenant) do update set display_name = excluded.display_name,"
        " primary_color = excluded.primary_color, mails = excluded.mails,"
        " reminder_days = excluded.reminder_days, retries = excluded.retries,"
        " void_credit_notes = excluded.void_credit_notes",
        name=wanted.display_name,
        color=wanted.primary_color,
        mails=json.dumps(dict(wanted.mails)),
        days=json.dumps(list(wanted.reminder_days)),
        retries=json.dumps(dict(wanted.retries)),
        void_credit_notes=wanted.void_credit_notes,
    )
    tx.notes.pop(NOTE, None)


def changed(now: Merchant, **changes: Any) -> Merchant:
    """Return the settings with some of them changed."""
    return replace(now, **changes)


def check(wanted: Merchant) -> None:
    color = wanted.primary_color
    require(
        color is None or re.fullmatch("#[0-9A-Fa-f]{6}", color), f"A colour is written #1D4FB8, not {color}."
    )
    require(wanted.display_name is None or wanted.display_name.isprintable(), "A name is one line of text.")
    days = list(wanted.reminder_days)
    require(
        days == sorted(set(days)) and all(1 <= day <= MOST_DAYS for day in days),
        f"The days of reminders rise, from 1 to {MOST_DAYS}.",
    )
