"""Does a mail arrive unchanged and once, and is a failure reported?"""

import email.policy
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from billow.core.errors import Unavailable, Undeliverable
from billow.providers.mail import Message
from billow.providers.mail.letter import written
from billow.providers.mail.outbox import Outbox, filename
from billow.providers.mail.smtp import Smtp
from tests.support.mail_server import RudeServer

PDF = b"%PDF-1.7\n\x00\xff bytes \r\n.\r\n"
LETTER = Message(
    to="Anna Müller <anna@example.test>",
    sender="Nimbus Cloud <billing@nimbus.test>",
    subject="Your invoice NIMB-0042 – $53.73",
    text="Dear Anna,\n.\nthis line follows a dot; é, €.\n" + "x" * 2000 + "\n",
    html="<p>Dear <b>Anna</b></p>",
    attachments=(("Rechnung für Anna.pdf", "application/pdf", PDF),),
    message_id="in_1.finalized",
    sent_at=datetime(2025, 2, 1, 9, 30, tzinfo=UTC),
)


def parsed(content: bytes) -> EmailMessage:
    letter = message_from_bytes(content, policy=email.policy.default)
    assert isinstance(letter, EmailMessage)
    return letter


class Postman:
    """Keeps what it gets, and refuses whoever is called so."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("nobody"):
            return "550 no such user"
        if address.startswith("later"):
            return "450 mailbox busy"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.got.append(envelope)
        refusals = {b"Subject: full": "451 try later", b"Subject: spam": "554 no spam"}
        return next((told for mark, told in refusals.items() if mark in envelope.content), "250 OK")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def only_ann(server: Any, session: Any, envelope: Any, mechanism: str, credentials: Any) -> AuthResult:
    assert isinstance(credentials, LoginPassword)
    right = (credentials.login, credentials.password) == (b"ann@x", b"p:w/d")
    return AuthResult(success=right, handled=right)


@pytest.fixture
def serve(request: pytest.FixtureRequest) -> Iterator[Any]:
    running: list[Controller] = []

    def start(**options: Any) -> tuple[Postman, int]:
        postman, port = Postman(), free_port()
        running.append(Controller(postman, hostname="127.0.0.1", port=port, **options))
        running[-1].start()
        return postman, port

    yield start
    for server in running:
        server.stop()


def test_a_letter_arrives_whole(serve):
    postman, port = serve()
    Smtp(f"smtp://127.0.0.1:{port}").send(LETTER)
    [envelope] = postman.got
    letter = parsed(envelope.content)
    assert (envelope.mail_from, envelope.rcpt_tos) == ("billing@nimbus.test", ["anna@example.test"])
    assert (letter["Subject"], letter["To"]) == (LETTER.subject, LETTER.to)
    assert letter["Message-ID"] == "<in_1.finalized@nimbus.test>"
    assert letter["Date"].datetime == LETTER.sent_at
    assert letter.get_body(("plain",)).get_content().replace("\r\n", "\n") == LETTER.text
    assert letter.get_body(("html",)).get_content().strip() == LETTER.html
    [attached] = letter.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == (
        "Rechnung für Anna.pdf",
        "application/pdf",
    )
    assert attached.get_content() == PDF


def test_several_recipients_get_one_letter(serve):
    postman, port = serve()
    Smtp(f"smtp://127.0.0.1:{port}").send(replace(LETTER, to="a@example.test, Bo <b@example.test>"))
    assert postman.got[0].rcpt_tos == ["a@example.test", "b@example.test"]


def test_an_address_beyond_ascii_is_sent_as_it_is(serve):
    postman, port = serve(enable_SMTPUTF8=True)
    Smtp(f"smtp://127.0.0.1:{port}").send(replace(LETTER, to="żółw@example.test"))
    assert postman.got[0].rcpt_tos == ["żółw@example.test"]
    assert parsed(postman.got[0].content)["To"] == "żółw@example.test"


@pytest.mark.parametrize("changes", [{"subject": "full"}, {"to": "later@example.test"}])
def test_a_letter_that_is_not_accepted_is_unavailable(serve, changes):
    _, port = serve()
    with pytest.raises(Unavailable):
        Smtp(f"smtp://127.0.0.1:{port}").send(replace(LETTER, **changes))


@pytest.mark.parametrize("changes", [{"subject": "spam"}, {"to": "nobody@example.test"}, {"to": ""}])
def test_a_letter_that_is_refused_for_good_is_undeliverable(serve, changes):
    postman, port = serve()
    with pytest.raises(Undeliverable, match=r"550 no such user|554 no spam|no recipient"):
        Smtp(f"smtp://127.0.0.1:{port}").send(replace(LETTER, **changes))
    assert len(postman.got) == ("subject" in changes)


def test_an_address_that_does_not_exist_keeps_the_letter_from_nobody_else(serve):
    postman, port = serve()
    with pytest.raises(Undeliverable, match=r"nobody@example\.test: 550"):
        Smtp(f"smtp://127.0.0.1:{port}").send(replace(LETTER, to="nobody@example.test, a@example.test"))
    assert [envelope.rcpt_tos for envelope in postman.got] == [["a@example.test"]]


def test_while_one_address_has_to_wait_nobody_gets_the_letter_twice(serve):
    postman, port = serve()
    with pytest.raises(Unavailable):
        Smtp(f"smtp://127.0.0.1:{port}").send(replace(LETTER, to="a@example.test, later@example.test"))
    assert postman.got == []


@pytest.mark.parametrize("goodbye", ["421 go away", None])
def test_a_letter_that_was_accepted_is_not_sent_again_for_a_rude_goodbye(goodbye):
    with RudeServer(["250 taken", goodbye]) as server:
        Smtp(f"smtp://127.0.0.1:{server.port}", timeout=2).send(LETTER)
        assert len(server.letters) == 1


def test_a_slow_server_is_waited_for_once_it_has_the_letter():
    with RudeServer(["250 taken", "221 bye"], pause=0.6) as server:
        Smtp(f"smtp://127.0.0.1:{server.port}", timeout=0.3).send(LETTER)
        with pytest.raises(Unavailable):
            Smtp(f"smtp://127.0.0.1:{server.port}", timeout=0.3, acceptance=0.3).send(LETTER)


def test_a_server_that_hangs_up_on_a_letter_has_not_accepted_it():
    with RudeServer([None]) as server, pytest.raises(Unavailable):
        Smtp(f"smtp://127.0.0.1:{server.port}", timeout=2).send(LETTER)


@pytest.mark.parametrize(
    "to", ["", "a@x.test\r\nBcc: b@x.test", "a@x.test\0", "a b@x.test", "a@", "a@b@c.test"]
)
def test_a_letter_without_an_address_is_undeliverable_and_never_sent(serve, to):
    postman, port = serve()
    with pytest.raises(Undeliverable):
        Smtp(f"smtp://127.0.0.1:{port}").send(replace(LETTER, to=to))
    assert postman.got == []


def test_no_header_is_made_of_what_comes_from_outside():
    hostile = "x\r\nBcc: b@example.test\0\x1b[31m"
    content = written(
        replace(LETTER, subject=hostile, message_id=hostile, attachments=((hostile, "application/pdf", PDF),))
    )
    letter = parsed(content)
    names = {name for part in letter.walk() for name in part}
    assert "Bcc" not in names and b"\x1b" not in content and b"\0" not in content


def test_a_server_that_is_not_there_is_unavailable():
    with pytest.raises(Unavailable):
        Smtp(f"smtp://127.0.0.1:{free_port()}").send(LETTER)


def test_a_server_that_says_nothing_is_unavailable():
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Unavailable):
        Smtp(f"smtp://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2).send(LETTER)


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize(("password", "accepted"), [("p%3Aw%2Fd", True), ("wrong", False)])
def test_user_and_password_come_from_the_url(serve, password, accepted):
    postman, port = serve(authenticator=only_ann, auth_required=True, auth_require_tls=False)
    mailer = Smtp(f"smtp://ann%40x:{password}@127.0.0.1:{port}")
    if accepted:
        mailer.send(LETTER)
    else:
        with pytest.raises(Unavailable, match="535") as refused:
            mailer.send(LETTER)
        assert password not in str(refused.value)
    assert len(postman.got) == accepted


def test_who_asks_for_starttls_sends_nothing_in_the_clear(serve):
    postman, port = serve()
    with pytest.raises(Unavailable):
        Smtp(f"smtp://127.0.0.1:{port}?starttls=1").send(LETTER)
    assert postman.got == []


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Key and certificate in one file, trusted by nobody."""
    made = tmp_path / "localhost.pem"
    try:
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost",
                "-days",
                "2",
                "-keyout",
                made,
                "-out",
                tmp_path / "public.pem",
            ],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    made.write_text(made.read_text() + (tmp_path / "public.pem").read_text())
    return made


@pytest.mark.parametrize("trusted", [True, False])
def test_a_letter_goes_encrypted_to_a_trusted_server_only(serve, certificate, monkeypatch, trusted):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    postman, port = serve(tls_context=context, require_starttls=True)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("public.pem")))
        Smtp(f"smtp://localhost:{port}?starttls=1").send(LETTER)
    else:
        with pytest.raises(Unavailable, match="certificate"):
            Smtp(f"smtp://localhost:{port}?starttls=1").send(LETTER)
    assert len(postman.got) == trusted


@pytest.mark.parametrize("url", ["http://x", "smtp://", "localhost:25", ""])
def test_a_url_that_names_no_mail_server_is_refused_at_once(url):
    with pytest.raises(ValueError, match="smtp://"):
        Smtp(url)


# The letter.


def test_the_same_letter_has_the_same_bytes():
    assert written(LETTER) == written(replace(LETTER))
    assert written(LETTER) != written(replace(LETTER, message_id="in_2.finalized"))


def test_no_boundary_occurs_in_its_own_letter():
    boundaries = [part.get_boundary() for part in parsed(written(LETTER)).walk() if part.is_multipart()]
    assert len(boundaries) == len(set(boundaries)) == 2


def test_a_subject_cannot_start_another_header():
    letter = parsed(written(replace(LETTER, subject="Hi\r\nBcc: eve@example.test\x00")))
    assert letter["Subject"] == "Hi Bcc: eve@example.test" and letter["Bcc"] is None


@pytest.mark.parametrize("field", ["to", "sender"])
def test_an_address_with_a_line_break_is_refused(field):
    with pytest.raises(Undeliverable, match="line break"):
        written(replace(LETTER, **{field: "anna@example.test\r\nBcc: eve@example.test"}))


def test_a_plain_letter_has_one_part_and_no_date_that_nobody_gave():
    letter = parsed(
        written(replace(LETTER, html=None, attachments=(), sent_at=None, message_id="<a@b.test>"))
    )
    assert not letter.is_multipart() and letter["Date"] is None
    assert letter["Message-ID"] == "<a@b.test>"


# The outbox.


def test_sending_twice_leaves_one_file(tmp_path: Path):
    outbox = Outbox(tmp_path / "new" / "outbox")
    outbox.send(LETTER)
    outbox.send(LETTER)
    outbox.send(replace(LETTER, message_id="in_2.finalized"))
    files = sorted(path.name for path in (tmp_path / "new" / "outbox").iterdir())
    assert files == ["in_1.finalized.eml", "in_2.finalized.eml"]
    letter = parsed((tmp_path / "new" / "outbox" / files[0]).read_bytes())
    assert (letter["Subject"], letter["Message-ID"]) == (LETTER.subject, "<in_1.finalized@nimbus.test>")


@pytest.mark.parametrize(
    "message_id", ["../../evil", "/etc/passwd", ".hidden", "..", "a\x00b", "é" * 300, "a" * 300]
)
def test_no_message_id_leaves_the_folder_or_hides_in_it(tmp_path: Path, message_id):
    name = filename(message_id)
    assert (tmp_path / name).resolve().parent == tmp_path.resolve()
    assert not name.startswith(".") and len(name) < 200 and name.endswith(".eml")


def test_long_message_ids_stay_apart():
    assert filename("a" * 300) != filename("a" * 301)


def test_an_outbox_that_takes_nothing_is_unavailable(tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(Unavailable):
        Outbox(tmp_path / "file").send(LETTER)
