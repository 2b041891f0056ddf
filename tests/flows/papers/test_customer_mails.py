"""Is each kind of mail sent for its cause, once, with the words of the customer's language?"""

import re
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from billow import mailing
from billow.app import App
from billow.core.bounces import Bounce
from billow.core.errors import NoSuchRecipient, Refused
from billow.flows.mails import bounces, kinds, outbox
from billow.flows.outside import merchant
from billow.flows.papers.letters import LETTERS
from billow.providers.mail import Message
from billow.store import jobs
from tests.flows.papers.test_mail import letters, read
from tests.flows.payments.test_dunning import RETRIES, failed_renewal
from tests.support.statement_counts import counted
from tests.support.world import Customer, World
from tests.test_tidy import ROOT

__all__ = ["letters"]
Settings = Callable[..., None]


@pytest.fixture
def settings(app: App, world: World) -> Settings:
    """Set what the merchant wants: settings(mails={"receipt": True})."""

    def store(**wanted: Any) -> None:
        with app.db.transaction(world.api.tenant) as tx:
            merchant.store(tx, merchant.Merchant(**wanted))

    return store


def all_on() -> dict[str, bool]:
    return dict.fromkeys(kinds.SENT, True)


def subjects(folder: Path) -> list[str]:
    return [str(one["Subject"]) for one in by_time(folder)]


def by_time(folder: Path) -> list[EmailMessage]:
    """The mails in the order of their ids, which is that of the causes."""
    return sorted(read(folder), key=lambda one: str(one["Message-ID"]))


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_every_kind_has_a_letter() -> None:
    assert LETTERS.keys() == kinds.SENT.keys()


def test_the_guide_names_each_kind_with_its_default() -> None:
    page = (ROOT / "docs" / "guide" / "mail.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|.*\| (yes|no) \|$", page, re.MULTILINE)
    assert {kind: word == "yes" for kind, word in rows} == kinds.SENT


def test_a_failure_tells_why_when_it_is_tried_again_and_what_is_lost_when(
    world: World, letters: Path
) -> None:
    anna, _ = failed_renewal(world)
    world.at("2025-02-01 01:00")
    mail = by_time(letters)[-1]
    assert mail["Subject"] == "Your payment to Nimbus Ltd failed: US$20.00"
    text = " ".join(text_of(mail).split())
    number = anna.last_invoice.data["number"]
    assert f"We tried to charge US$20.00 for invoice {number}. The bank declined the payment" in text
    assert "We try again on 2 February 2025." in text
    assert "If the invoice is not paid by 15 February 2025, Pro will be canceled." in text
    [link] = re.findall(r"https?://\S+", text)
    assert f"/m/{world.api.tenant}/{anna.id}.{anna.last_invoice.data['id']}/" in link
    assert f'href="{link}"' in text_of(mail, "html")


def test_the_words_differ_from_failure_to_failure_until_the_last(world: World, letters: Path) -> None:
    failed_renewal(world)
    for day in [1, *RETRIES]:
        world.at(f"2025-02-{day:02} 01:00")
    sent = subjects(letters)[1:]  # after the invoice of January; that of February is not paid
    assert sent[0] == "Your payment to Nimbus Ltd failed: US$20.00"
    assert sent[1:7] == ["Still unpaid: US$20.00 to Nimbus Ltd"] * 6
    assert sent[7].startswith("Last attempt on 15 February 2025: US$20.00 to Nimb")
    assert sent[8:] == ["Not paid: US$20.00 to Nimbus Ltd"]
    assert "Pro was therefore canceled." in text_of(by_time(letters)[-1])


def test_a_payment_after_a_failure_is_thanked_for_and_ends_the_mails(world: World, letters: Path) -> None:
    anna, _ = failed_renewal(world)
    world.at("2025-02-01 12:00")
    anna.pays_with("visa")
    world.at("2025-02-03")
    assert subjects(letters)[-1] == "Paid, thank you: US$20.00 to Nimbus Ltd"
    [paper] = by_time(letters)[-1].iter_attachments()
    assert paper.get_filename() == f"{anna.last_invoice.data['number']}.pdf"
    assert sum(text.startswith("Invoice ") for text in subjects(letters)[1:]) == 0
    count = len(read(letters))
    world.at("2025-02-28")
    assert len(read(letters)) == count


def test_a_bank_that_wants_a_confirmation_is_told_with_a_reminder(world: World, letters: Path) -> None:
    anna, _ = failed_renewal(world, "always 3DS")
    world.at("2025-02-01 01:00")
    mail = by_time(letters)[-1]
    assert mail["Subject"] == "Please confirm your payment to Nimbus Ltd: US$20.00"
    assert f"/i/{world.api.tenant}/{anna.last_invoice.data['id']}/" in text_of(mail)
    world.at("2025-02-02 01:00")
    assert subjects(letters)[-1] == "Reminder: confirm your payment to Nimbus Ltd: US$20.00"


def test_without_a_method_the_mail_asks_for_one(world: World, letters: Path) -> None:
    failed_renewal(world, card=None)
    world.at("2025-02-01 01:00")
    mail = by_time(letters)[-1]
    assert str(mail["Subject"]).startswith("Your payment method is needed: US$20.00 to Nimbus")
    assert "There is no payment method on file." in " ".join(text_of(mail).split())


def test_an_overdue_invoice_is_reminded_of_on_the_days_that_are_set_until_it_is_paid(
    world: World, letters: Path, settings: Settings
) -> None:
    settings(reminder_days=(2, 5), mails={"invoice_overdue": True})
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    anna.subscribes_to(world.plan("Pro", usd=20), collection_method="send_invoice", days_until_due=3)
    world.at("2025-01-01 01:00")
    counts = {}
    for day in (4, 5, 6, 8, 9, 20):
        world.at(f"2025-01-{day:02} 02:00")
        counts[day] = len(read(letters))
    assert counts == {4: 1, 5: 1, 6: 2, 8: 2, 9: 3, 20: 3}
    number = anna.last_invoice.data["number"]
    first, again = by_time(letters)[1:]
    assert str(first["Subject"]).startswith(f"Overdue: invoice {number} from")
    assert str(again["Subject"]).startswith(f"Reminder: invoice {number} from")
    assert "due on 4 January 2025" in " ".join(text_of(first).split())


def test_a_paid_invoice_is_not_reminded_of(world: World, letters: Path, settings: Settings) -> None:
    settings(mails={"invoice_overdue": True})
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    anna.subscribes_to(world.plan("Pro", usd=20), collection_method="send_invoice", days_until_due=3)
    world.at("2025-01-05")
    anna.last_invoice.does("pay", paid_out_of_band=True)
    world.at("2025-01-30")
    assert len(read(letters)) == 1


def receive(world: World, anna: Customer) -> str:
    """A paid invoice, and the id of its charge."""
    anna.subscribes_to(world.plan("Pro", usd=20))
    [charge] = world.get("/v1/charges", customer=anna.id)["data"]
    return str(charge["id"])


def test_receipts_refunds_and_ends_are_mailed_where_they_are_switched_on(
    world: World, letters: Path, settings: Settings
) -> None:
    world.at("2025-01-01")
    receive(world, world.customer("bo"))
    world.work()
    assert len(read(letters)) == 1  # the invoice
    settings(mails=all_on())
    anna = world.customer("anna")
    charge = receive(world, anna)
    world.post("/v1/refunds", charge=charge, amount=500)
    [plan] = world.get("/v1/subscriptions", customer=anna.id)["data"]
    world.delete(f"/v1/subscriptions/{plan['id']}")
    world.work()
    mine = [one for one in by_time(letters) if one["To"] == "anna@example.com"]
    assert sorted(str(one["Subject"]).split(" from ")[0].split(" at ")[0] for one in mine) == [
        f"Invoice {anna.last_invoice.data['number']}",
        "Refund",
        "Your receipt",
        "Your subscription",
    ]
    [receipt] = [one for one in mine if str(one["Subject"]).startswith("Your receipt")]
    assert "Visa ending in 4242" in text_of(receipt) and f"/r/{world.api.tenant}/{charge}/" in text_of(
        receipt
    )
    [refund] = [one for one in mine if str(one["Subject"]).startswith("Refund")]
    assert "We refunded US$5.00 on 1 January 2025" in " ".join(text_of(refund).split())


def test_a_charge_with_an_address_gets_its_receipt_though_receipts_are_off(
    world: World, letters: Path
) -> None:
    world.post("/v1/charges", amount=700, currency="eur", source="tok_visa", receipt_email="kim@example.com")
    world.work()
    [mail] = read(letters)
    assert (mail["To"], mail["Subject"]) == ("kim@example.com", "Your receipt from Nimbus Ltd: €7.00")


def test_an_intent_with_an_address_gets_its_receipt_there(world: World, letters: Path) -> None:
    confirmed = {"payment_method": "pm_card_visa", "confirm": True, "return_url": "https://shop.example/"}
    world.post(
        "/v1/payment_intents", amount=900, currency="eur", receipt_email="kim@example.com", **confirmed
    )
    world.work()
    [mail] = read(letters)
    assert (mail["To"], mail["Subject"]) == ("kim@example.com", "Your receipt from Nimbus Ltd: €9.00")


def test_the_end_of_a_trial_is_announced_with_what_is_missing(
    world: World, letters: Path, settings: Settings
) -> None:
    settings(mails={"trial_ending": True, "invoice": False})
    world.at("2025-01-01")
    pro = world.plan("Pro", usd=20)
    world.customer("anna").subscribes_to(pro, trial_period_days=10)
    world.customer("bo", card=None).subscribes_to(pro, trial_period_days=10)
    world.at("2025-01-08")
    anna, bo = sorted(read(letters), key=lambda one: str(one["To"]))
    assert anna["Subject"] == "Your trial at Nimbus Ltd ends on 11 January 2025"
    assert "you don’t need to do anything" in text_of(anna)
    assert "please add a payment method" in " ".join(text_of(bo).split())


@pytest.mark.parametrize(
    ("locale", "subject", "amount", "day"),
    [
        ("sv", "Betalningen till Nimbus Ltd misslyckades: 20,00 US$", "20,00 US$", "2 februari 2025"),
        ("de-AT", "Zahlung an Nimbus Ltd fehlgeschlagen: US$ 20,00", "US$ 20,00", "2. Februar 2025"),
        ("fr-CA", "Échec du paiement à Nimbus Ltd : 20,00 $ US", "20,00 $ US", "2 février 2025"),
        ("fi", "Maksunne epäonnistui, Nimbus Ltd: 20,00 US$", "20,00 US$", "2. helmikuuta 2025"),
        ("pl", "Your payment to Nimbus Ltd failed: US$20.00", "US$20.00", "2 February 2025"),
    ],
)  # fmt: skip
def test_the_customers_language_decides_the_words_the_amounts_and_the_dates(
    world: World, letters: Path, locale: str, subject: str, amount: str, day: str
) -> None:
    anna, _ = failed_renewal(world)
    world.post(f"/v1/customers/{anna.id}", preferred_locales=[locale])
    world.at("2025-02-01 01:00")
    mail = by_time(letters)[-1]
    assert plain(str(mail["Subject"])) == subject
    for kind in ("plain", "html"):
        text = plain(text_of(mail, kind))
        assert amount in text and day in text
    assert f'lang="{locale.split("-")[0] if locale != "pl" else "en"}"' in text_of(mail, "html")


def plain(text: str) -> str:
    """With spaces as people type them."""
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ").split())


def test_the_sender_is_the_account_by_name_and_colour(
    world: World, letters: Path, settings: Settings
) -> None:
    settings(display_name="Stratus <Cloud>", primary_color="#0F766E")
    world.at("2025-01-01")
    world.customer("anna").subscribes_to(world.plan("Pro", usd=20))
    world.work()
    [mail] = read(letters)
    assert mail["From"].addresses[0].display_name == "Stratus <Cloud>"
    html = text_of(mail, "html")
    assert "Stratus &lt;Cloud&gt;" in html and "background:#0F766E; color:#FFFFFF" in html
    assert not re.search(r"<(img|script|link|iframe)\b|url\(|@import", html)
    assert html.count("<a ") == 1


def test_a_mail_is_sent_once_for_a_cause_however_often_its_job_runs(
    world: World, letters: Path, app: App
) -> None:
    world.at("2025-01-01")
    world.customer("anna").subscribes_to(world.plan("Pro", usd=20))
    world.work()
    [mail] = letters.iterdir()
    mail.unlink()
    with app.db.transaction(world.api.tenant) as tx:
        [(id,)] = tx.tuples("select id from mails")
        outbox.put(tx, [id])
        outbox.order(tx, [outbox.Mail("invoice", tx.tuples("select about from mails")[0][0], None)])
    world.work()
    assert list(letters.iterdir()) == []


def test_a_dispute_is_told_to_the_merchant_who_wants_it(
    world: World, letters: Path, settings: Settings
) -> None:
    settings(mails={"dispute": True, "invoice": False})
    world.post("/v1/charges", amount=700, currency="eur", source="tok_createDispute")
    world.work()
    world.work()
    [mail] = read(letters)
    assert mail["To"] == "billing@localhost"
    assert str(mail["Subject"]).startswith("Dispute of €7.00: respond by ")
    assert "Their bank’s reason: fraudulent." in " ".join(text_of(mail).split())


def test_a_payment_out_of_band_after_a_failure_is_thanked_for(world: World, letters: Path) -> None:
    anna, _ = failed_renewal(world)
    world.at("2025-02-03")
    anna.last_invoice.does("pay", paid_out_of_band=True)
    world.work()
    assert subjects(letters)[-1] == "Paid, thank you: US$20.00 to Nimbus Ltd"
    [paper] = by_time(letters)[-1].iter_attachments()
    assert paper.get_content_type() == "application/pdf"


def test_an_invoice_that_failed_without_a_mail_goes_alone_when_it_is_paid_out_of_band(
    world: World, letters: Path, settings: Callable[..., None]
) -> None:
    settings(mails={"payment_failed": False})
    anna, _ = failed_renewal(world)
    before = len(read(letters))
    world.at("2025-02-03")
    anna.last_invoice.does("pay", paid_out_of_band=True)
    world.work()
    [subject] = subjects(letters)[before:]
    assert subject.startswith(f"Invoice {anna.last_invoice.data['number']} from Nimbus Ltd")


def test_all_mails_of_a_transaction_are_written_with_one_statement(app: App, world: World) -> None:
    counts = []
    for number in (1, 40):
        with app.db.transaction(world.api.tenant) as tx, counted() as count:
            outbox.order(tx, [outbox.Mail("invoice", f"in_{number}_{one}", None) for one in range(number)])
            tx.end()
        counts.append(len(count))
    assert counts == [2, 2], "the mails, and their jobs"
    with app.db.transaction(world.api.tenant) as tx:
        jobs.cancel(tx, outbox.JOB, *[id for (id,) in tx.tuples("select id from mails")])


# ------------------------------------------------------------------------------------- what comes back


def message_id(folder: Path) -> str:
    [mail] = read(folder)
    return str(mail["Message-ID"]).strip("<>")


def test_an_address_from_which_a_mail_came_back_gets_none_until_it_changes(
    app: App, world: World, letters: Path
) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.subscribes_to(world.plan("Pro", usd=20))
    world.work()
    id = message_id(letters)
    assert id.startswith("mail_") and id.endswith("@localhost")
    came_back = Bounce(id, "anna@example.com", "5.1.1", "550 no such user", True)
    assert mailing.noted(app, came_back) == "anna@example.com: gets no more mails (550 no such user)."
    world.at("2025-02-01 01:00")
    assert len(read(letters)) == 1
    states = [(row[5], row[7]) for row in mailing.listed(app_of(app, world), "test", 10)]
    today = f"{app.db.wall():%Y-%m-%d}"
    assert states == [
        ("not sent", f"anna@example.com: a mail was sent back on {today}."),
        ("bounced", "550 no such user"),
    ]
    world.post(f"/v1/customers/{anna.id}", email="anna@work.example")
    world.at("2025-03-01 01:00")
    assert [str(one["To"]) for one in by_time(letters)] == ["anna@example.com", "anna@work.example"]


def test_an_address_that_works_again_gets_mails_again(app: App, world: World, letters: Path) -> None:
    world.at("2025-01-01")
    world.customer("anna").subscribes_to(world.plan("Pro", usd=20))
    world.work()
    mailing.noted(app, Bounce(message_id(letters), "anna@example.com", "5.2.2", "mailbox full", True))
    with app.db.transaction(world.api.tenant) as tx:
        assert bounces.forget(tx, "ANNA@example.com") == 1
    world.at("2025-02-01 01:00")
    assert len(read(letters)) == 2


class Refusing:
    """A mail server that knows none of the recipients."""

    def __init__(self) -> None:
        self.asked = 0

    def send(self, message: Message) -> None:
        self.asked += 1
        raise NoSuchRecipient(f"{message.to}: 550 no such user")


def test_an_address_that_the_server_refuses_gets_no_more_mails(
    app: App, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Refusing()
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, mailer=server))
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.subscribes_to(world.plan("Pro", usd=20))
    world.at("2025-02-01 01:00")
    assert server.asked == 1
    world.post(f"/v1/customers/{anna.id}", email="anna@work.example")
    world.at("2025-03-01 01:00")
    assert server.asked == 2


def test_a_failure_for_now_and_a_mail_of_others_note_nothing(app: App, world: World) -> None:
    delayed = Bounce("mail_x@localhost", "anna@example.com", "4.4.1", "busy", False)
    assert mailing.noted(app, delayed) == "anna@example.com: not for good (4.4.1), nothing is noted."
    other = Bounce("x@example.com", "anna@example.com", "5.1.1", "no such user", True)
    assert mailing.noted(app, other) == "anna@example.com: the mail x@example.com is none of ours."


def app_of(app: App, world: World) -> App:
    """The application, for commands about the account of this test."""
    return replace(app, account=world.api.account)


def test_a_kind_that_is_switched_off_is_not_sent_and_one_that_is_sent_by_hand_is(
    app: App, world: World, letters: Path
) -> None:
    mailing.change(app_of(app, world), "test", {"invoice": False}, "", "", ())
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    anna.subscribes_to(world.plan("Pro", usd=20), collection_method="send_invoice", days_until_due=3)
    world.at("2025-01-01 01:00")
    assert read(letters) == []
    anna.last_invoice.does("send")
    world.work()
    assert len(read(letters)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        ({"unheard_of": True}, "", "", ()), ({}, "", "red", ()), ({}, "two\nlines", "", ()),
        ({}, "", "", (3, 3)), ({}, "", "", (0,)),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(app: App, world: World, wrong: Any) -> None:
    with pytest.raises(Refused):
        mailing.change(app_of(app, world), "test", *wrong)


def test_a_failing_renewal_is_mailed_once_and_its_invoice_when_it_is_paid(
    world: World, letters: Path
) -> None:
    anna, _ = failed_renewal(world)
    world.at("2025-02-01 02:00")
    number = anna.last_invoice.data["number"]
    about = [one for one in by_time(letters) if number in text_of(one)]
    assert [str(one["Subject"]) for one in about] == ["Your payment to Nimbus Ltd failed: US$20.00"]
    anna.pays_with("visa")
    world.at("2025-02-03")
    about = [one for one in by_time(letters) if number in text_of(one)]
    assert str(about[-1]["Subject"]) == "Paid, thank you: US$20.00 to Nimbus Ltd" and len(about) == 2
    assert [paper.get_filename() for paper in about[-1].iter_attachments()] == [f"{number}.pdf"]


def test_an_invoice_of_nothing_is_mailed_only_where_the_account_asks(
    world: World, letters: Path, settings: Settings
) -> None:
    world.at("2025-01-01")
    price = world.plan("Pro", usd=20)
    world.customer("ann").subscribes_to(price, trial_period_days=7)
    world.work()
    assert subjects(letters) == []
    settings(mails={"zero_invoice": True})
    world.customer("ben").subscribes_to(price, trial_period_days=7)
    world.work()
    [mail] = by_time(letters)
    assert "there is nothing to pay" in " ".join(text_of(mail).split())
