"""Read the report that a mail server sends when it could not deliver a mail (RFC 3464)."""

import email
import email.policy
import re
from dataclasses import dataclass
from email.message import EmailMessage, Message

IDENTIFIER = re.compile(r"^message-id:\s*<([^<>\s]+)>", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Bounce:
    """A mail that did not arrive at a recipient: for good, or only for now."""

    message_id: str
    recipient: str
    status: str
    """The code of RFC 3463, as 5.1.1."""
    reason: str
    permanent: bool


def read(report: bytes) -> list[Bounce]:
    """Read the bounces that a report is about; none where it is no report of this kind.

    A report has a part with a block for each recipient, and the mail that was sent, or its headers.
    """
    letter = email.message_from_bytes(report, policy=email.policy.default)
    parts = list(letter.walk())
    statuses = [part for part in parts if part.get_content_type() == "message/delivery-status"]
    sent = returned_id(letter)
    if not statuses or sent is None:
        return []
    # The first block is about the mail as a whole, each one after it about a recipient.
    blocks = [
        block for part in statuses for block in blocks_of(part) if block.get("final-recipient") is not None
    ]
    return [
        bounce_of(sent, block) for block in blocks if block.get("action", "").strip().lower() != "delivered"
    ]


def blocks_of(part: Message) -> list[Message]:
    """Return the blocks of a delivery status, each as a message that has headers only."""
    inside = part.get_payload()
    return [block for block in inside if isinstance(block, Message)] if isinstance(inside, list) else []


def bounce_of(sent: str, block: Message) -> Bounce:
    status = str(block.get("status", "")).strip()
    action = str(block.get("action", "")).strip().lower()
    recipient = str(block.get("original-recipient") or block.get("final-recipient"))
    said = str(block.get("diagnostic-code") or status or action)
    return Bounce(
        sent,
        recipient.rpartition(";")[2].strip(),
        status,
        " ".join(said.rpartition("; ")[2].split()),
        action == "failed" and not status.startswith("4"),
    )


def returned_id(letter: EmailMessage | Message) -> str | None:
    """Return the Message-ID of the mail that came back: of its copy, or of the copy of its headers."""
    for part in letter.walk():
        kind = part.get_content_type()
        if kind == "message/rfc822":
            inside = part.get_payload()
            original = inside[0] if isinstance(inside, list) and inside else None
            if isinstance(original, Message) and original.get("message-id"):
                return str(original["message-id"]).strip().strip("<>")
        if kind in ("text/rfc822-headers", "message/rfc822-headers"):
            raw = part.get_payload(decode=True)
            found = IDENTIFIER.search(raw.decode("utf-8", "replace")) if isinstance(raw, bytes) else None
            if found:
                return found[1]
    return None
