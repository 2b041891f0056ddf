"""Write mails into a folder when no mail server is set up, each into a readable file."""

import os
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import quote

from billow.core.errors import Unavailable
from billow.providers.mail import Mailer, Message
from billow.providers.mail.letter import written

LONGEST_NAME = 120


class Outbox(Mailer):
    """Writes mails to a folder, for development and demonstrations; any mail program opens the files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: Message) -> None:
        """Write a mail to one file, however often it is sent; readers of the folder see whole files only."""
        letter = written(message)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with NamedTemporaryFile(dir=self._folder, prefix=".", suffix=".part", delete=False) as part:
                part.write(letter)
            os.replace(part.name, self._folder / filename(message.message_id))
        except OSError as error:
            raise Unavailable(f"The outbox {self._folder} took no letter: {error.strerror}") from error


def filename(message_id: str) -> str:
    """Make a file name from a message id; no id can point outside the folder or to a hidden file.

    >>> filename("<in_1.finalized@billow.test>"), filename("../x"), filename(".hidden")
    ('in_1.finalized@billow.test.eml', '%2E.%2Fx.eml', '%2Ehidden.eml')
    """
    safe = quote(message_id.strip("<>"), safe="@")
    if safe.startswith("."):
        safe = "%2E" + safe[1:]
    if len(safe) > LONGEST_NAME:
        safe = f"{safe[:LONGEST_NAME]}-{sha256(message_id.encode()).hexdigest()[:16]}"
    return f"{safe}.eml"
