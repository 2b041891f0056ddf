"""How does a letter reach a mail server? SMTP, as RFC 5321 has it."""

import smtplib
import socket
import ssl
from urllib.parse import parse_qs, unquote, urlsplit

from billow.core.errors import Unavailable
from billow.providers.mail import Mailer, Message
from billow.providers.mail.letter import needs_utf8, recipients, sender, written

PORTS = {"smtp": 25, "smtps": 465}


class Smtp(Mailer):
    """`smtp://user:password@host:587?starttls=1`, or `smtps://…` for TLS from the first byte.

    Certificates are checked; with `starttls=1` a server that does not offer it gets no letter.
    """

    def __init__(self, url: str, timeout: float = 20.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("A mail server is written smtp://user:password@host:port, or smtps://…")
        self._host, self._port = parts.hostname, parts.port or PORTS[parts.scheme]
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._tls = parts.scheme == "smtps"
        self._starttls = parse_qs(parts.query).get("starttls", ["0"])[-1] not in ("0", "", "false", "no")
        self._timeout = timeout

    def send(self, message: Message) -> None:
        """One connection a letter. If one of several recipients is refused, it counts as not accepted."""
        letter = written(message)
        try:
            with self._connect() as server:
                self._introduce(server)
                options = ["SMTPUTF8"] if needs_utf8(message) else []
                refused = server.sendmail(sender(message), recipients(message), letter, mail_options=options)
        except (OSError, smtplib.SMTPException) as error:
            raise Unavailable(f"{self._host}:{self._port} took no letter: {error}") from error
        if refused:
            raise Unavailable(f"{self._host}:{self._port} refused {', '.join(refused)}")

    def _connect(self) -> smtplib.SMTP:
        # A full domain name would be looked up in the DNS, which can take longer than the letter.
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
