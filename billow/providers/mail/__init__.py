"""How does a letter leave the house? A message in, and an exception if nobody took it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """`message_id` is the letter's own name: the same letter sent again carries the same one.

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


class Mailer(Protocol):
    def send(self, message: Message) -> None:
        """Returns once the letter is accepted.

        Raises `core.errors.Unavailable` when it is not for now, `Undeliverable` when it never will be.
        """
        ...
