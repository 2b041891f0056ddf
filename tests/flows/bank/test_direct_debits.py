"""Are accounts debited once, and does what the bank says of each debit reach its invoice?"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from lxml import etree

from billow.app import App
from billow.core.errors import Refused
from billow.core.routing import Route
from billow.flows.bank import direct_debits
from billow.flows.mails import outbox
from billow.flows.outside import gateways as configured
from billow.flows.outside import seller_changes
from billow.flows.papers import letters
from billow.providers.bank import pain002
from billow.providers.gateways.sepa_debit import SepaDebit
from billow.providers.letters import layout
from tests.flows.bank.conftest import Bank
from tests.support.bank_statements import Booking
from tests.support.page_visits import Visitor

IBANS = ("NL91ABNA0417164300", "FR1420041010050500013M02606", "DE02120300000000202051")
START = date(2026, 3, 2)


class Debits:
    """A merchant whose gateway is the own bank."""

    def __init__(self, bank: Bank) -> None:
        self.bank, self.world = bank, bank.world

    def payer(self, iban: str = IBANS[0], name: str = "Müller & Söhne") -> str:
        customer = self.bank.customer(name)
        given = {"type": "sepa_debit", "sepa_debit": {"iban": iban}}
        details = {"name": name, "email": "a@example.test"}
        method = self.world.post("/v1/payment_methods", **given, billing_details=details)["id"]
        self.world.post(f"/v1/payment_methods/{method}/attach", customer=customer)
        self.world.post(f"/v1/customers/{customer}", invoice_settings={"default_payment_method": method})
        return customer

    def invoice(self, customer: str, amount: int = 12500) -> str:
        """An invoice whose collection has begun."""
        draft = self.world.post("/v1/invoices", customer=customer, currency="eur", auto_advance=True)["id"]
        self.world.post("/v1/invoiceitems", customer=customer, amount=amount, currency="eur", invoice=draft)
        self.world.post(f"/v1/invoices/{draft}/finalize")
        return str(draft)

    def collected(self, *amounts: int) -> list[str]:
        """Invoices of payers of their own, all under way."""
        self.world.at("2026-03-02")
        made = [self.invoice(self.payer(IBANS[at % 3]), amount) for at, amount in enumerate(amounts)]
        self.world.at("2026-03-02 00:30")
        return made

    def export(self, on: date = START + timedelta(days=14), ahead: int = 0):
        with self.bank.app.db.transaction(self.bank.tenant) as tx:
            return direct_debits.export(tx, on, ahead)

    def reject(self, *ids: str, reason: str = "AC04") -> list[str]:
        with self.bank.app.db.transaction(self.bank.tenant) as tx:
            return direct_debits.reject(tx, [pain002.Rejected(id, reason) for id in ids])


@pytest.fixture
def debits(app: App, bank: Bank) -> Iterator[Debits]:
    account = replace(app.db.outside.account, creditor_id="DE98ZZZ09999999999")
    app.db.outside = replace(app.db.outside, gateways={"test": SepaDebit()}, account=account)
    return Debits(bank)


def all_texts(content: str, name: str) -> list[str]:
    return [one.text or "" for one in etree.fromstring(content.encode()).iter(f"{{*}}{name}")]


def test_a_debit_is_pending_until_a_statement_settles_it(debits, bank):
    [invoice] = debits.collected(12500)
    assert bank.paid(invoice) == ("open", 0, 12500)
    file = debits.export()
    assert all_texts(file.content, "ReqdColltnDt") == ["2026-03-17"] and file.amount == 12500
    [id] = all_texts(file.content, "EndToEndId")
    done = bank.statement(Booking(12500, "B1", end_to_end=id, mandate=all_texts(file.content, "MndtId")[0]))
    assert (done.applied, bank.paid(invoice)) == (1, ("paid", 12500, 0))
    assert bank.balances() == {"bank": 12500, "revenue": -12500}, "nothing is left in clearing"


def test_the_payer_hears_of_the_amount_the_day_and_the_mandate(debits, bank):
    debits.collected(12500)
    with bank.app.db.transaction(bank.tenant) as tx:
        [(id, facts)] = tx.tuples("select id, facts from mails where kind = 'debit_notice'")
        letter = letters.address(tx, outbox.find(tx, id))
    file = debits.export()
    assert facts["day"] == "2026-03-16" and facts["mandate"] == all_texts(file.content, "MndtId")[0]
    assert facts["creditor"] == "DE98ZZZ09999999999" and facts["amount"] == 12500
    assert isinstance(letter, letters.Addressed) and letter.to == "anna@example.test"
    assert "16" in layout.written(letter.letter).subject and "€125.00" in layout.written(letter.letter).text
    debits.reject(*all_texts(file.content, "EndToEndId"))


def test_days_of_debits_are_those_of_the_seller(debits, bank):
    """Half an hour before midnight in UTC it is the next day in Stockholm."""
    with bank.app.db.transaction(bank.tenant) as tx:
        seller_changes.change(tx, {"time_zone": "Europe/Stockholm"})
    bank.world.at("2026-03-02 23:30")
    debits.invoice(debits.payer())
    bank.world.at("2026-03-02 23:50")
    with bank.app.db.transaction(bank.tenant) as tx:
        [(facts,)] = tx.tuples("select facts from mails where kind = 'debit_notice'")
    assert facts["day"] == "2026-03-17"
    file = debits.export(date(2026, 3, 16))
    assert all_texts(file.content, "ReqdColltnDt") == ["2026-03-17"]
    debits.reject(*all_texts(file.content, "EndToEndId"))


def test_a_debit_is_in_one_file_only_and_the_file_can_be_fetched_again(debits, bank):
    debits.collected(100, 200)
    first = debits.export()
    assert first.count == 2 and debits.export() is None
    with bank.app.db.transaction(bank.tenant) as tx:
        assert direct_debits.file_of(tx, first.id) == first.content.encode()
        [(listed, below)] = direct_debits.listed(tx)
    assert listed.id == first.id and [one.state for one in below] == ["exported", "exported"]
    bank.statement(Booking(300, "B1", batch=all_texts(first.content, "PmtInfId")[0]))


def test_nothing_is_due_before_the_notice_has_passed(debits, bank):
    debits.collected(100)
    assert debits.export(date(2026, 3, 12)) is None
    file = debits.export(date(2026, 3, 13))
    assert all_texts(file.content, "ReqdColltnDt") == ["2026-03-16"]
    debits.reject(all_texts(file.content, "EndToEndId")[0])


def test_a_sum_settles_all_debits_of_its_day(debits, bank):
    invoices = debits.collected(12500, 700, 99)
    file = debits.export()
    assert all_texts(file.content, "SeqTp") == ["FRST"] and all_texts(file.content, "NbOfTxs") == ["3", "3"]
    [sum_of] = all_texts(file.content, "PmtInfId")
    done = bank.statement(Booking(13000, "B1", batch=sum_of, end_to_end=None))
    assert done.queued == 1 and "come to 13299" in (bank.entry("B1").reason or "")
    done = bank.statement(Booking(13299, "B2", batch=sum_of, end_to_end=None))
    assert done.applied == 1 and {bank.paid(one)[0] for one in invoices} == {"paid"}


def test_the_second_debit_under_a_mandate_recurs(debits, bank):
    [first] = debits.collected(100)
    file = debits.export()
    bank.statement(Booking(100, "B1", end_to_end=all_texts(file.content, "EndToEndId")[0]))
    customer = debits.world.get(f"/v1/invoices/{first}")["customer"]
    debits.invoice(customer, 50)
    debits.world.at("2026-03-02 01:30")
    again = debits.export()
    assert all_texts(again.content, "SeqTp") == ["RCUR"]
    assert all_texts(again.content, "MndtId") == all_texts(file.content, "MndtId")
    bank.statement(Booking(50, "B2", end_to_end=all_texts(again.content, "EndToEndId")[0]))


@pytest.mark.parametrize(
    ("reason", "code", "retried"), [("AM04", "insufficient_funds", True), ("AC04", "account_closed", True)]
)
def test_a_rejected_debit_fails_with_its_reason(debits, bank, reason, code, retried):
    [invoice] = debits.collected(12500)
    file = debits.export()
    debits.world.forget()
    ids = all_texts(file.content, "EndToEndId")
    assert debits.reject(*ids, "unknown", reason=reason) == ["unknown"]
    assert "invoice.payment_failed" in debits.world.emitted()
    found = debits.world.get(f"/v1/invoices/{invoice}", expand=["payments.data.payment.payment_intent"])
    error = found["payments"]["data"][0]["payment"]["payment_intent"]["last_payment_error"]
    assert (error["code"], found["status"], bool(found["next_payment_attempt"])) == (code, "open", retried)
    assert debits.reject(*ids, reason=reason) == [], "the same report again changes nothing"
    assert bank.balances() == {"receivable": 12500, "revenue": -12500}


@pytest.mark.parametrize(("reason", "code"), [("AM04", "insufficient_funds"), ("MD06", "refer_to_customer")])
def test_a_debit_that_comes_back_opens_its_invoice_again(debits, bank, reason, code):
    [invoice] = debits.collected(12500)
    id = all_texts(debits.export().content, "EndToEndId")[0]
    bank.statement(Booking(12500, "B1", end_to_end=id))
    assert bank.paid(invoice)[0] == "paid"
    debits.world.forget()
    done = bank.statement(Booking(-12500, "B2", end_to_end=id, reason=reason))
    assert done.applied == 1 and bank.paid(invoice) == ("open", 0, 12500)
    events = debits.world.emitted()
    assert events[0] == "charge.failed" and "invoice.payment_failed" in events
    assert bank.balances() == {"receivable": 12500, "revenue": -12500}
    found = debits.world.get(f"/v1/invoices/{invoice}", expand=["payments.data.payment.payment_intent"])
    [new, old] = sorted(found["payments"]["data"], key=lambda one: one["status"], reverse=True)
    assert (old["status"], new["status"], new["is_default"]) == ("canceled", "open", True)
    intent = new["payment"]["payment_intent"]
    assert (intent["status"], intent["last_payment_error"]["code"]) == ("requires_payment_method", code)
    assert found["next_payment_attempt"] is not None and found["attempt_count"] == 1
    again = bank.statement(Booking(-12500, "B3", end_to_end=id, reason=reason))
    assert (again.applied == 1 and bank.balances()["clearing"] == -12500) or bank.paid(invoice)[0] == "open"


def test_money_of_a_debit_that_was_rejected_or_paid_before_waits_in_the_queue(debits, bank):
    [invoice] = debits.collected(12500)
    [id] = all_texts(debits.export().content, "EndToEndId")
    debits.reject(id)
    done = bank.statement(Booking(12500, "B1", end_to_end=id))
    assert (done.queued, bank.paid(invoice)[0]) == (1, "open")
    assert bank.entry("B1").reason == f"the direct debit {id.replace('_', '-')}, which is rejected already"
    assert (bank.balances()["bank"], bank.balances()["unapplied_cash"]) == (12500, -12500)


def test_a_return_may_come_before_the_sum_that_holds_it(debits, bank):
    kept, lost = debits.collected(1000, 500)
    file = debits.export()
    ids = dict(zip(all_texts(file.content, "InstdAmt"), all_texts(file.content, "EndToEndId"), strict=True))
    bank.statement(Booking(-500, "B1", end_to_end=ids["5.00"], reason="AM04"))
    bank.statement(Booking(1500, "B2", batch=all_texts(file.content, "PmtInfId")[0], end_to_end=None))
    assert (bank.paid(kept)[0], bank.paid(lost)[0]) == ("paid", "open")
    assert bank.balances() == {"bank": 1000, "receivable": 500, "revenue": -1500}


@pytest.mark.parametrize("iban", ["NL91ABNA0417164301", "BR1800360305000010009795493C1", "4242424242424242"])
def test_an_account_that_cannot_be_debited_is_refused(debits, iban):
    error = debits.world.refused("/v1/payment_methods", type="sepa_debit", sepa_debit={"iban": iban})
    assert error["code"] == "invalid_bank_account_iban" and iban not in error["message"]


def test_other_currencies_are_not_debited(debits, bank):
    customer = debits.payer()
    draft = debits.world.post("/v1/invoices", customer=customer, currency="usd")["id"]
    debits.world.post("/v1/invoiceitems", customer=customer, amount=100, currency="usd", invoice=draft)
    error = debits.world.refused(f"/v1/invoices/{draft}/pay")
    assert "euros only" in error["message"]


def test_without_a_creditor_identifier_there_is_no_file(debits, bank):
    account = replace(bank.app.db.outside.account, creditor_id="")
    bank.app.db.outside = replace(bank.app.db.outside, account=account)
    with pytest.raises(Refused, match="BILLOW_SEPA_CREDITOR_ID"):
        debits.export()


def test_an_account_debits_by_a_gateway_of_its_own_name(debits, bank, world):
    """The account's gateways are configured: debits go to the own bank, and nothing else is charged."""
    with bank.app.db.transaction(bank.tenant) as tx:
        configured.write(tx, Route("own-bank", "sepa_debit", 1, ("eur",), ("sepa_debit",)))
        configured.write(tx, Route("transfers", "bank", 2, (), ("customer_balance",)))
    bank.app.db.outside = replace(bank.app.db.outside, gateways={})
    [invoice] = debits.collected(12500)
    [id] = all_texts(debits.export().content, "EndToEndId")
    bank.statement(Booking(12500, "B1", end_to_end=id))
    assert bank.paid(invoice)[0] == "paid" and "clearing" not in bank.balances()
    with bank.app.db.transaction(bank.tenant) as tx:
        keys = {key for (key,) in tx.tuples("select distinct debit from ledger_transfers")}
    assert "clearing:own-bank" in keys
    error = world.refused("/v1/payment_methods", type="card", card={"token": "tok_visa"})
    assert "None of your gateways takes" in error["message"]


def test_a_charge_by_transfer_waits_for_the_transfer_which_pays_the_invoice(debits, bank, world):
    with bank.app.db.transaction(bank.tenant) as tx:
        configured.write(tx, Route("transfers", "bank", 1, (), ("customer_balance",)))
    bank.app.db.outside = replace(bank.app.db.outside, gateways={})
    customer = bank.customer()
    method = world.post("/v1/payment_methods", type="customer_balance")["id"]
    world.post(f"/v1/payment_methods/{method}/attach", customer=customer)
    draft = world.post("/v1/invoices", customer=customer, currency="eur", auto_advance=False)["id"]
    world.post("/v1/invoiceitems", customer=customer, amount=900, currency="eur", invoice=draft)
    error = world.refused(f"/v1/invoices/{draft}/pay", payment_method=method)
    assert error["code"] == "invoice_payment_intent_requires_action"
    intent, action = error["payment_intent"]["id"], error["payment_intent"]["next_action"]
    assert action["type"] == "display_bank_transfer_instructions"
    [address] = action["display_bank_transfer_instructions"]["financial_addresses"]
    assert address["iban"]["iban"] == "DE02120300000000202051"
    bank.statement(Booking(900, "B1", end_to_end=intent))
    assert bank.paid(draft) == ("paid", 900, 0)
    assert world.get(f"/v1/payment_intents/{intent}")["status"] == "canceled"


def test_the_mandate_of_a_setup_intent_is_the_one_in_the_file(debits, bank, world, app):
    world.at("2026-03-02")
    customer = debits.payer()
    method = world.get(f"/v1/customers/{customer}")["invoice_settings"]["default_payment_method"]
    accepted = {"type": "offline", "offline": {}, "accepted_at": 1767225600}
    made = world.post(
        "/v1/setup_intents",
        customer=customer,
        payment_method=method,
        allowed_payment_method_types=["sepa_debit"],
        confirm=True,
        mandate_data={"customer_acceptance": accepted},
    )
    mandate = world.get(f"/v1/mandates/{made['mandate']}")
    shown = mandate["payment_method_details"]["sepa_debit"]
    page = Visitor(app).opens(shown["url"])
    assert page.status == 200 and shown["reference"] in page.words()
    assert Visitor(app).opens(f"{shown['url'][:-2]}xx").status == 404
    debits.invoice(customer, 100)
    world.at("2026-03-02 00:30")
    file = debits.export()
    assert all_texts(file.content, "MndtId") == [mandate["payment_method_details"]["sepa_debit"]["reference"]]
    assert all_texts(file.content, "DtOfSgntr") == ["2026-01-01"]
    debits.reject(*all_texts(file.content, "EndToEndId"))


def test_a_debit_without_an_invoice_says_what_it_is_for(debits: Debits) -> None:
    debits.world.at("2026-03-02")
    customer = debits.payer()
    [method] = debits.world.get(f"/v1/customers/{customer}/payment_methods")["data"]
    for more in ({"description": "Course in May"}, {"statement_descriptor": "NIMBUS COURSE"}, {}):
        debits.world.post(
            "/v1/payment_intents",
            amount=900,
            allowed_payment_method_types=["sepa_debit"],
            confirm=True,
            currency="eur",
            customer=customer,
            mandate_data={"customer_acceptance": {"type": "offline"}},
            payment_method=method["id"],
            **more,
        )
    file = debits.export()
    texts = etree.fromstring(file.content.encode()).xpath("//*[local-name()='Ustrd']/text()")
    assert texts[:2] == ["Course in May Nimbus Ltd", "NIMBUS COURSE Nimbus Ltd"]
    assert texts[2].startswith("par-") or texts[2].startswith("atp-")
    ids = etree.fromstring(file.content.encode()).xpath("//*[local-name()='EndToEndId']/text()")
    assert debits.reject(*ids) == []
