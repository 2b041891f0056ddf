"""Send the mails of the outbox, each until the mail server has accepted it."""

import logging
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr

from billow.api import rows
from billow.core.errors import NoSuchRecipient, Undeliverable
from billow.core.mail_addresses import is_address
from billow.flows.mails import bounces, outbox
from billow.flows.mails.outbox import Ordered
from billow.flows.outside.outside import MAIL_PATIENCE, MAIL_SENDING, Outside, outside_of
from billow.flows.papers import letters
from billow.flows.papers.addressing import Addressed
from billow.providers.documents import pdf
from billow.providers.letters import Sender
from billow.providers.letters.layout import Written, written
from billow.providers.mail import Message
from billow.resources.invoice import Invoice
from billow.store import jobs
from billow.store.jobs import job
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

log = logging.getLogger("billow.mail")


@dataclass(frozen=True, slots=True)
class Sent:
    """What the mail server said: `fault` is why the mail can never be sent, or None if it was accepted."""

    subject: str
    fault: str | None
    bounced: bool = False
    """Whether the address was refused, so that nothing more is sent to it."""


@job(outbox.JOB, lane="mail", patience=MAIL_PATIENCE)
def send(tx: Tx, refs: list[str]) -> Steps:
    """Send a mail, once its text says what is true now.

    After a crash it is sent again, with the same message id: a mail that comes twice is better than none.
    Once noted as accepted, it is never sent again. Locks the invoice to note why it could not be mailed.
    """
    [id] = refs
    mail = outbox.find(tx, id)
    if mail is None:
        raise jobs.RowMissing(f"There is no mail {id}.")
    if mail.state != "waiting":
        return None
    found = letters.address(tx, mail)
    if isinstance(found, str):
        outbox.close(tx, id, "not_sent", error=found)
        return None
    if fault := unreachable(tx, found.to):
        close(tx, mail, found.to, Sent("", fault))
        return None
    jobs.put(tx, outbox.JOB, id, tx.wall + MAIL_SENDING, clock="wall")
    tx, sent = yield ask(post, outside_of(tx), mail, found)
    jobs.cancel(tx, outbox.JOB, id)
    close(tx, mail, found.to, sent, None if sent.fault else found.left_out)
    return None


def unreachable(tx: Tx, to: str) -> str | None:
    """Return why nothing is sent to an address: it is none, or its server sent a mail back."""
    if not is_address(to):
        return f"{to!a} is not a mail address."
    at = bounces.bounced_at(tx, to)
    return f"{to}: a mail was sent back on {at:%Y-%m-%d}." if at else None


def close(tx: Tx, mail: Ordered, to: str, sent: Sent, left_out: str | None = None) -> None:
    """Note that a mail was sent, and what it went without, or why not.

    The fault is also noted at its invoice, if it carries one.
    """
    if sent.fault:
        log.error("%s mail %s about %s cannot be sent: %s", tx.tenant, mail.id, mail.about, sent.fault)
    outbox.close(
        tx,
        mail.id,
        "bounced" if sent.bounced else "not_sent" if sent.fault else "sent",
        recipient=to,
        subject=sent.subject,
        error=sent.fault,
        left_out=left_out,
    )
    if mail.kind in ("invoice", "zero_invoice"):
        invoice = rows.lock(tx, Invoice, mail.about)
        if invoice.mail_error != sent.fault:
            rows.update(tx, invoice, event=None, mail_error=sent.fault)


def post(outside: Outside, mail: Ordered, found: Addressed) -> Sent:
    """Write the mail, draw its PDF and send it, while no transaction is open: this may take seconds."""
    text = written(found.letter)
    try:
        outside.mailer.send(message(outside, mail, found, text))
    except Undeliverable as fault:
        return Sent(text.subject, str(fault), isinstance(fault, NoSuchRecipient))
    return Sent(text.subject, None)


def message(outside: Outside, mail: Ordered, found: Addressed, text: Written) -> Message:
    return Message(
        to=found.to,
        sender=named(found.letter.sender.address or outside.mail_from, found.letter.sender),
        returned_to=outside.mail_from,
        reply_to=found.letter.sender.email,
        subject=text.subject,
        text=text.text,
        html=text.html,
        message_id=f"<{mail.id}>",
        sent_at=whole_seconds(mail.created),
        attachments=attachments(found),
    )


def attachments(found: Addressed) -> tuple[tuple[str, str, bytes], ...]:
    """Draw the papers of a mail; the machine format is inside the first as Factur-X, or a file beside it."""
    profile, xml = found.machine or ("", None)
    inside = xml if profile == "factur-x" else None
    files = [
        (
            f"{document.number}.pdf",
            "application/pdf",
            pdf.render(document, issued, inside if not at else None),
        )
        for at, (document, issued) in enumerate(found.papers)
    ]
    if xml and not inside and found.papers:
        files.append((f"{found.papers[0][0].number}.xml", "application/xml", xml))
    return tuple(files)


def named(address: str, account: Sender) -> str:
    """Return the address of the installation, or the account's own, with the name of the account.

    A name in the setting is that of the account which the settings describe.
    """
    own, plain = parseaddr(address)
    simple = "".join(letter for letter in account.name if letter.isprintable() and letter not in '"\\')
    return address if (own and account.named_by_settings) or not simple else f'"{simple}" <{plain}>'


def whole_seconds(at: datetime) -> datetime:
    return at.replace(microsecond=0)
