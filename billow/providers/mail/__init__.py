"""Define what sends a mail: it takes a message, and raises an exception if the mail was not accepted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """A mail to send. `message_id` identifies it: the same mail sent again has the same id.

    `to` and `sender` are addresses as people write them ("Ann <ann@example.com>"; several with commas).
    An attachment is a file name, a media type and the bytes.
    """

    to: str
    sender: str
    subject: str
    text: str
    html: str | None
    attachments: tuple[tuple[str, str, bytes], ...]
    message_id: str
    sent_at: datetime | None = None
    reply_to: str = ""
    """The address that answers go to, where it is not the sender's."""
    returned_to: str = ""
    """The address that hears of mails that did not arrive, where it is not the sender's."""


class Mailer(Protocol):
    def send(self, message: Message) -> None:
        """Send a mail, and return once it is accepted.

        Raises `core.errors.Unavailable` when it is not for now, `Undeliverable` when it never will be.
        """
        ...
