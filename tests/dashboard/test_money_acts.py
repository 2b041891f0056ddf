"""Money is given back on screens, and above the limit only when somebody else agrees."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billow.app import App
from billow.core.exchange import Rate
from billow.flows.taxes import national
from tests.dashboard.conftest import Person, text_of
from tests.support.world import World


@pytest.fixture
def paid(shop: World) -> dict[str, Any]:
    """An invoice of 20.00 USD that a card has paid."""
    invoice: dict[str, Any] = shop.get("/v1/invoices", status="paid")["data"][0]
    return invoice


def payment_of(world: World, invoice: dict[str, Any]) -> str:
    [payment] = world.get("/v1/invoice_payments", invoice=invoice["id"])["data"]
    intent: str = payment["payment"]["payment_intent"]
    return intent


def open_invoice(world: World) -> dict[str, Any]:
    invoice: dict[str, Any] = next(
        one for one in world.get("/v1/invoices", status="open")["data"] if one["total"] == 12345
    )
    return invoice


def test_a_payment_is_refunded_in_part_and_never_more_than_is_left(
    shop: World, owner: Person, paid: dict[str, Any]
) -> None:
    path = f"/payments/{payment_of(shop, paid)}/refund"
    assert "At most US$20.00" in owner.reads(path)
    for wrong in ("20.01", "0", "-1", "1.001", "1e3", "ten", ""):
        answer = owner.sends(path, amount=wrong)
        assert answer.status_code == 422, wrong
    assert shop.get("/v1/refunds")["data"] == []
    assert owner.sends(path, amount="7.50", reason="requested_by_customer").status_code == 303
    [refund] = shop.get("/v1/refunds")["data"]
    assert (refund["amount"], refund["status"], refund["reason"]) == (
        750,
        "succeeded",
        "requested_by_customer",
    )
    assert "At most US$12.50" in owner.reads(path)
    assert "credits.refund" in owner.reads("/audit")


def test_a_form_that_is_sent_twice_acts_once(shop: World, owner: Person, paid: dict[str, Any]) -> None:
    path = f"/payments/{payment_of(shop, paid)}/refund"
    hidden = owner.hidden(path)
    first, second = (owner.sends(path, **hidden, amount="7.50") for _ in range(2))
    assert (first.status_code, first.headers["Location"]) == (303, second.headers["Location"])
    assert [one["amount"] for one in shop.get("/v1/refunds")["data"]] == [750]
    changed = owner.sends(path, **hidden, amount="5")
    assert changed.status_code == 422 and "was sent before" in changed.text
    assert owner.sends(path, token=hidden["token"], amount="5").status_code == 422  # of no form of ours
    assert [one["amount"] for one in shop.get("/v1/refunds")["data"]] == [750]
    assert owner.sends(path, amount="99").status_code == 422
    assert owner.sends(path, amount="7.50").status_code == 303
    assert len(shop.get("/v1/refunds")["data"]) == 2


@pytest.mark.parametrize("way", ["refund_amount", "credit_amount", "out_of_band_amount"])
def test_a_paid_invoice_is_credited_where_the_form_says(
    shop: World, owner: Person, paid: dict[str, Any], way: str
) -> None:
    path = f"/invoices/{paid['id']}/credit"
    assert owner.sends(path, amount="5", way=way, reason="order_change", memo="As agreed").status_code == 303
    [note] = shop.get("/v1/credit_notes", invoice=paid["id"])["data"]
    assert (note["total"], note["memo"], note["post_payment_amount"]) == (500, "As agreed", 500)
    balance = shop.get(f"/v1/customers/{paid['customer']}")["balance"]
    refunded = sum(one["amount"] for one in shop.get("/v1/refunds")["data"])
    assert (refunded, balance, note["out_of_band_amount"]) == (
        500 if way == "refund_amount" else 0,
        -500 if way == "credit_amount" else 0,
        500 if way == "out_of_band_amount" else None,
    )


@pytest.mark.parametrize(("screen", "status"), [("void", "void"), ("write-off", "uncollectible")])
def test_an_open_invoice_is_taken_back(shop: World, owner: Person, screen: str, status: str) -> None:
    invoice = open_invoice(shop)
    path = f"/invoices/{invoice['id']}/{screen}"
    assert path in owner.opens(f"/invoices/{invoice['id']}").text
    assert "Open: US$123.45" in owner.reads(path)
    assert owner.sends(path).status_code == 303
    assert shop.get(f"/v1/invoices/{invoice['id']}")["status"] == status
    again = owner.sends(path)
    assert (again.status_code == 422 and "Only what is open" in text_of(again.text)) or status != "void"


def test_above_the_limit_somebody_else_agrees(
    shop: World, owner: Person, hire: Callable[..., Person], paid: dict[str, Any]
) -> None:
    assert owner.sends("/approvals", act="limit", limit="10").status_code == 303
    finance, path = hire("finance"), f"/payments/{payment_of(shop, paid)}/refund"
    assert finance.sends("/approvals", act="limit", limit="").status_code == 422  # sets no limit
    assert finance.sends(path, amount="10").status_code == 303
    assert [one["amount"] for one in shop.get("/v1/refunds")["data"]] == [1000]  # not above it
    owner.sends("/approvals", act="limit", limit="5")
    assert finance.sends(path, amount="9").headers["Location"].endswith("/approvals")
    assert len(shop.get("/v1/refunds")["data"]) == 1
    assert "waits for a second person already" in finance.sends(path, amount="8").text
    waiting = finance.opens("/approvals").text
    id = waiting.split('name="about" value="')[1].split('"')[0]
    assert 'value="agree"' not in waiting
    refused = finance.sends("/approvals", act="agree", about=id)
    assert refused.status_code == 422 and "somebody else has to agree" in refused.text
    assert len(shop.get("/v1/refunds")["data"]) == 1
    assert hire("support").sends("/approvals", act="agree", about=id).status_code == 403
    assert owner.sends("/approvals", act="agree", about=id).status_code == 303
    assert sorted(one["amount"] for one in shop.get("/v1/refunds")["data"]) == [900, 1000]
    twice = owner.sends("/approvals", act="agree", about=id)
    assert twice.status_code == 422 and "decided already" in twice.text
    assert "The owner" in owner.reads("/approvals")


def test_what_is_refused_or_withdrawn_is_not_done(
    shop: World, owner: Person, hire: Callable[..., Person]
) -> None:
    owner.sends("/approvals", act="limit", limit="1")
    finance, invoice = hire("finance"), open_invoice(shop)
    for decides, word in ((owner, "Refused"), (finance, "Withdrawn")):
        finance.sends(f"/invoices/{invoice['id']}/void")
        id = decides.opens("/approvals").text.split('name="about" value="')[1].split('"')[0]
        assert decides.sends("/approvals", act="refuse", about=id, why="They will pay").status_code == 303
        assert word in owner.reads("/approvals")
    assert "They will pay" in owner.reads("/approvals")
    assert shop.get(f"/v1/invoices/{invoice['id']}")["status"] == "open"


def test_what_can_no_longer_be_done_is_not_decided(
    shop: World, owner: Person, hire: Callable[..., Person]
) -> None:
    owner.sends("/approvals", act="limit", limit="0")
    finance, invoice = hire("finance"), open_invoice(shop)
    finance.sends(f"/invoices/{invoice['id']}/void")
    id = owner.opens("/approvals").text.split('name="about" value="')[1].split('"')[0]
    shop.post(f"/v1/invoices/{invoice['id']}/pay", paid_out_of_band=True)
    answer = owner.sends("/approvals", act="agree", about=id)
    assert answer.status_code == 422
    assert "Nothing was decided yet" in owner.reads("/approvals")


def test_another_currency_counts_by_the_banks_rate(
    app: App, shop: World, owner: Person, hire: Callable[..., Person]
) -> None:
    """100.00 EUR are 125.00 USD: above a limit of 120 USD, below one of 130; without a rate always above."""
    owner.sends("/approvals", act="limit", limit="120")
    emma = shop.customer("emma")
    shop.post("/v1/invoiceitems", customer=emma.id, amount=10000, currency="eur")
    made = shop.post(
        "/v1/invoices", customer=emma.id, currency="eur", pending_invoice_items_behavior="include"
    )
    shop.post(f"/v1/invoices/{made['id']}/finalize", auto_advance=False)
    path = f"/invoices/{made['id']}/void"
    for limit, rate in (("130", None), ("120", "1.25")):
        owner.sends("/approvals", act="limit", limit=limit)
        if rate:
            with app.db.transaction(shop.api.tenant) as tx:
                national.load(tx, [Rate("usd", date.fromordinal(tx.wall.toordinal()), Decimal(rate))])
        assert owner.sends(path).headers["Location"].endswith("/approvals"), limit
        id = owner.opens("/approvals").text.split('name="about" value="')[1].split('"')[0]
        owner.sends("/approvals", act="refuse", about=id)
    owner.sends("/approvals", act="limit", limit="130")
    assert owner.sends(path).status_code == 303
    assert shop.get(f"/v1/invoices/{made['id']}")["status"] == "void"


def test_small_parts_of_one_payment_or_invoice_count_together(
    shop: World, owner: Person, paid: dict[str, Any]
) -> None:
    owner.sends("/approvals", act="limit", limit="8")
    refund = f"/payments/{payment_of(shop, paid)}/refund"
    assert not owner.sends(refund, amount="5").headers["Location"].endswith("/approvals")
    assert owner.sends(refund, amount="5").headers["Location"].endswith("/approvals")
    assert [one["amount"] for one in shop.get("/v1/refunds")["data"]] == [500]
    invoice = open_invoice(shop)
    credit = f"/invoices/{invoice['id']}/credit"
    assert not owner.sends(credit, amount="8").headers["Location"].endswith("/approvals")
    assert owner.sends(credit, amount="0.01").headers["Location"].endswith("/approvals")


def test_what_a_hold_let_go_does_not_count_towards_the_limit(shop: World, owner: Person) -> None:
    owner.sends("/approvals", act="limit", limit="10")
    held = shop.post(
        "/v1/payment_intents",
        amount=5000,
        currency="usd",
        payment_method="pm_card_visa",
        confirm=True,
        capture_method="manual",
    )
    shop.post(f"/v1/payment_intents/{held['id']}/capture", amount_to_capture=1000)
    assert "/payments/" in owner.sends(f"/payments/{held['id']}/refund", amount="10").headers["Location"]


def test_a_refund_and_a_credit_note_of_one_invoice_count_together(
    shop: World, owner: Person, paid: dict[str, Any]
) -> None:
    owner.sends("/approvals", act="limit", limit="8")
    refund, credit = f"/payments/{payment_of(shop, paid)}/refund", f"/invoices/{paid['id']}/credit"
    assert not owner.sends(refund, amount="5").headers["Location"].endswith("/approvals")
    assert owner.sends(credit, amount="5", way="credit_amount").headers["Location"].endswith("/approvals")
    assert shop.get("/v1/credit_notes")["data"] == []


def test_a_looser_limit_waits_for_somebody_else_where_there_is_one(
    owner: Person, hire: Callable[..., Person]
) -> None:
    for limit in ("10", "20", "", "10"):  # nobody else is there
        owner.sends("/approvals", act="limit", limit=limit)
    assert "above US$10.00 wait" in owner.reads("/approvals")
    finance = hire("finance")
    owner.sends("/approvals", act="limit", limit="")
    assert "above US$10.00 wait" in owner.reads("/approvals")
    id = owner.opens("/approvals").text.split('name="about" value="')[1].split('"')[0]
    assert owner.sends("/approvals", act="agree", about=id).status_code == 422
    assert finance.sends("/approvals", act="agree", about=id).status_code == 303
    assert "Nobody else is asked" in owner.reads("/approvals")
    owner.sends("/approvals", act="limit", limit="7")  # a tighter one does not wait
    assert "above US$7.00 wait" in owner.reads("/approvals")
