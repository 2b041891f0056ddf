"""Send a mail to a mail server with SMTP (RFC 5321)."""

import contextlib
import smtplib
import socket
import ssl
from urllib.parse import parse_qs, unquote, urlsplit

from billow.core.errors import NoSuchRecipient, Unavailable, Undeliverable
from billow.providers.mail import Mailer, Message
from billow.providers.mail.letter import envelope, needs_utf8, recipients, written

PORTS = {"smtp": 25, "smtps": 465}
ACCEPTANCE = 600.0
"""Seconds to wait for the reply to a whole mail, as RFC 5321 (4.5.3.2.6) requires: a client that gives up
earlier sends an accepted mail again."""


class Smtp(Mailer):
    """`smtp://user:password@host:587?starttls=1`, or `smtps://…` for TLS from the first byte.

    Certificates are checked; with `starttls=1` a server that does not offer it gets no letter.
    """

    def __init__(self, url: str, timeout: float = 20.0, acceptance: float = ACCEPTANCE) -> None:
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("A mail server is written smtp://user:password@host:port, or smtps://…")
        self._host, self._port = parts.hostname, parts.port or PORTS[parts.scheme]
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._tls = parts.scheme == "smtps"
        self._starttls = parse_qs(parts.query).get("starttls", ["0"])[-1] not in ("0", "", "false", "no")
        self._timeout, self._acceptance = timeout, acceptance

    def send(self, message: Message) -> None:
        """Send a mail over a connection of its own.

        If a recipient is refused temporarily, nobody gets the mail yet; one that is refused for good is
        reported, and the others get it.
        """
        letter, to = written(message), recipients(message)
        try:
            server = self._connect()
            try:
                self._introduce(server)
                refused = self._address(server, message, to)
                if len(refused) < len(to):
                    self._hand_over(server, letter)
            finally:
                self._leave(server)
        except (OSError, smtplib.SMTPException) as error:
            raise Unavailable(f"{self._host}:{self._port} took no letter: {error}") from error
        if refused:
            said = "; ".join(f"{address}: {reply}" for address, reply in refused.items())
            raise NoSuchRecipient(f"{self._host}:{self._port} refused {said}")

    def _connect(self) -> smtplib.SMTP:
        # Looking up a full domain name in the DNS can take longer than sending the mail.
        name = socket.gethostname()
        if self._tls:
            return smtplib.SMTP_SSL(
                self._host,
                self._port,
                local_hostname=name,
                timeout=self._timeout,
                context=ssl.create_default_context(),
            )
        return smtplib.SMTP(self._host, self._port, local_hostname=name, timeout=self._timeout)

    def _introduce(self, server: smtplib.SMTP) -> None:
        if self._starttls:
            server.starttls(context=ssl.create_default_context())
        if self._user:
            server.login(self._user, self._password)
        server.ehlo_or_helo_if_needed()

    def _address(self, server: smtplib.SMTP, message: Message, to: list[str]) -> dict[str, str]:
        """Send the sender and recipients; return those refused for good, with the server's replies."""
        if not to:
            raise Undeliverable("The letter has no recipient.")
        options = ["SMTPUTF8"] if needs_utf8(message) else []
        code, reply = server.mail(envelope(message), options)
        if code != 250:
            raise smtplib.SMTPSenderRefused(code, reply, envelope(message))
        refused: dict[str, str] = {}
        for address in to:
            code, reply = server.rcpt(address)
            if 500 <= code < 600:
                refused[address] = shown(code, reply)
            elif code not in (250, 251):
                raise smtplib.SMTPRecipientsRefused({address: (code, reply)})
        return refused

    def _hand_over(self, server: smtplib.SMTP, letter: bytes) -> None:
        if server.sock:
            server.sock.settimeout(self._acceptance)
        try:
            code, reply = server.data(letter)
            if code != 250:
                raise smtplib.SMTPDataError(code, reply)
        except smtplib.SMTPDataError as error:
            if not 500 <= error.smtp_code < 600:
                raise
            said = shown(error.smtp_code, error.smtp_error)
            raise Undeliverable(f"{self._host}:{self._port} refused the letter: {said}") from error

    def _leave(self, server: smtplib.SMTP) -> None:
        """End the session. An accepted mail stays accepted, whatever the server replies."""
        with contextlib.suppress(OSError, smtplib.SMTPException):
            if server.sock:
                server.sock.settimeout(self._timeout)
                server.quit()
        server.close()


def shown(code: int, reply: bytes | str) -> str:
    """Return a reply of the server as one line."""
    text = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    return f"{code} {' '.join(text.split())}"
