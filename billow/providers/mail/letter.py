"""Encode a message as RFC 5322 bytes, the same each time."""

import email.policy
import re
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses, parseaddr
from hashlib import sha256

from billow.core.errors import Undeliverable
from billow.core.mail_addresses import is_address, is_line
from billow.providers.mail import Message

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")


def written(message: Message) -> bytes:
    """Encode a message.

    Line breaks are removed from names and subjects, and an address with one is refused.
    """
    check(message)
    letter = EmailMessage(policy=email.policy.SMTPUTF8 if needs_utf8(message) else email.policy.SMTP)
    letter["From"] = header(message.sender)
    letter["To"] = header(message.to)
    if answered_at(message):
        letter["Reply-To"] = header(message.reply_to)
    letter["Subject"] = header(message.subject)
    letter["Message-ID"] = header(f"<{identifier(message)}>")
    if message.sent_at is not None:
        letter["Date"] = format_datetime(message.sent_at)
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(message.text)
    if message.html is not None:
        letter.add_alternative(message.html, subtype="html")
    for filename, mime, content in message.attachments:
        kind, _, subtype = mime.partition("/")
        letter.add_attachment(content, maintype=kind, subtype=subtype, filename=header(filename))
    for number, part in enumerate(multiparts(letter)):
        # Python would choose random boundaries; "_" after "=" occurs in no encoded text.
        part.set_boundary(f"=_{sha256(f'{number} {message}'.encode()).hexdigest()[:32]}")
    return letter.as_bytes()


def check(message: Message) -> None:
    """Refuse a message with an invalid address, before anything of it is written or sent."""
    if not is_line(message.to) or not is_line(message.sender):
        raise Undeliverable("An address of the letter has a line break or a control character.")
    found = recipients(message)
    if not found:
        raise Undeliverable("The letter has no recipient.")
    for address in (*found, sender(message), envelope(message)):
        if not is_address(address):
            raise Undeliverable(f"{address!a} is not a mail address.")


def header(text: str) -> str:
    return CONTROL.sub(" ", text).strip()


def multiparts(letter: EmailMessage) -> Iterator[EmailMessage]:
    return (part for part in letter.walk() if part.get_content_maintype() == "multipart")


def identifier(message: Message) -> str:
    """Return the message id; one without a domain gets the sender's domain."""
    plain = message.message_id.strip("<>")
    return plain if "@" in plain else f"{plain}@{sender(message).rpartition('@')[2] or 'localhost'}"


def recipients(message: Message) -> list[str]:
    return [address for _, address in getaddresses([message.to]) if address]


def sender(message: Message) -> str:
    return parseaddr(message.sender)[1]


def envelope(message: Message) -> str:
    """Return the address that servers send a mail back to that did not arrive."""
    return parseaddr(message.returned_to)[1] or sender(message)


def answered_at(message: Message) -> str:
    """Return the address that answers go to, if it is one and not the sender's."""
    plain = parseaddr(message.reply_to)[1]
    known = is_line(message.reply_to) and is_address(plain) and plain != sender(message)
    return plain if known else ""


def needs_utf8(message: Message) -> bool:
    """Return whether an address is not ASCII, so the server must support RFC 6531; names can be encoded."""
    return not all(
        address.isascii()
        for address in (*recipients(message), sender(message), envelope(message), answered_at(message))
    )
