"""Note mails that were sent back, and send no more to their addresses."""

from datetime import datetime

from billow.flows.mails import outbox
from billow.store.tx import Tx


def bounced_at(tx: Tx, recipient: str) -> datetime | None:
    """Return when a mail to this address was last sent back for good; None if it was not."""
    row = tx.one(
        "select max(closed_at) as at from mails where state = 'bounced' and lower(recipient) = %(to)s",
        to=recipient.lower(),
    )
    at: datetime | None = row["at"] if row else None
    return at


def record(tx: Tx, id: str, recipient: str, reason: str) -> bool:
    """Note that a mail was sent back; False if no mail of this tenant has this id."""
    mail = outbox.find(tx, id)
    if mail is None:
        return False
    row = tx.one("select recipient, subject from mails where id = %(id)s", id=id)
    known = (row or {}).get("recipient") or recipient
    outbox.close(
        tx, id, "bounced", recipient=known, subject=(row or {}).get("subject") or "", error=reason[:500]
    )
    return True


def forget(tx: Tx, recipient: str) -> int:
    """Allow mails to an address again, as when its mailbox works again; return how many had come back."""
    return tx.run(
        "update mails set state = 'sent' where state = 'bounced' and lower(recipient) = %(to)s",
        to=recipient.lower(),
    )
