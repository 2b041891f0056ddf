"""Which mail came back from whom, for good or for now, by a report of a mail server (RFC 3464)?"""

import pytest

from billow.core.bounces import Bounce, read

REPORT = """From: MAILER-DAEMON@mx.example
To: billing@nimbus.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain

Your message could not be delivered.

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; anna@example.com
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 <anna@example.com>: no such user

--B
Content-Type: {kind}

{inside}Message-ID: <mail_0abc@nimbus.example>
Subject: Invoice A-1

Hello
--B--
"""


def report(
    action: str = "failed", status: str = "5.1.1", kind: str = "message/rfc822", inside: str = ""
) -> bytes:
    text = REPORT.format(action=action, status=status, kind=kind, inside=inside)
    return text.replace("\n", "\r\n").encode()


@pytest.mark.parametrize("kind", ["message/rfc822", "text/rfc822-headers"])
def test_a_report_names_the_mail_the_recipient_and_the_reason(kind: str) -> None:
    assert read(report(kind=kind)) == [
        Bounce(
            "mail_0abc@nimbus.example",
            "anna@example.com",
            "5.1.1",
            "550 5.1.1 <anna@example.com>: no such user",
            True,
        )
    ]


@pytest.mark.parametrize(
    ("action", "status", "permanent"),
    [("failed", "5.2.2", True), ("delayed", "4.4.1", False), ("failed", "4.4.7", False)],
)
def test_only_a_failure_for_good_is_one(action: str, status: str, permanent: bool) -> None:
    [bounce] = read(report(action, status))
    assert bounce.permanent is permanent


def test_a_mail_that_was_delivered_has_not_come_back() -> None:
    assert read(report("delivered", "2.0.0")) == []


@pytest.mark.parametrize(
    "other", [b"", b"\xff\x00", b"Subject: hello\r\n\r\nHow are you?", report().replace(b"Message-ID", b"X")]
)
def test_what_is_no_report_or_is_about_no_mail_says_nothing(other: bytes) -> None:
    assert read(other) == []
