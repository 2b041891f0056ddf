"""Do payments find the invoices that they are for, and no others?"""

from datetime import date

import pytest

from billow.core.bank import references
from billow.core.bank.matching import Known, Match, Owed, Part, Rules, after, match, our_id
from billow.core.bank.statement import Entry

ONE, TWO, OTHER, UNKNOWN = "1234567890", "2345678901", "3456789012", "9999999999"
IBAN = "DE89370400440532013000"
KNOWN = Known(
    {
        "in_1": Owed("in_1", "cus_a", "eur", 12500),
        "in_2": Owed("in_2", "cus_a", "eur", 2000),
        "in_3": Owed("in_3", "cus_b", "eur", 12500),
        "in_paid": Owed("in_paid", "cus_b", "eur", 0, "paid"),
        "in_void": Owed("in_void", "cus_b", "eur", 500, "void"),
        "in_busy": Owed("in_busy", "cus_b", "eur", 500, busy=True),
        "in_usd": Owed("in_usd", "cus_b", "usd", 500),
    },
    {
        ONE: "in_1",
        TWO: "in_2",
        OTHER: "in_3",
        "4000000000": "in_paid",
        "5000000000": "in_void",
        "6000000000": "in_busy",
        "7000000000": "in_usd",
    },
    {"pi-1": "in_1"},
    {IBAN: frozenset({"cus_a"}), "SHARED": frozenset({"cus_a", "cus_b"})},
)


def entry(amount: int = 12500, **more: object) -> Entry:
    return Entry(amount, "eur", date(2026, 2, 9), **more)


def rf(number: str) -> str:
    return references.rf(number)


def matched(rule: str, *parts: Part, customer: str = "cus_a", **more: int) -> Match:
    return Match(rule, parts, customer, **more)


@pytest.mark.parametrize(
    ("payment", "expected"),
    [
        (entry(end_to_end="pi_1", structured=rf(TWO)), matched("end_to_end", Part("in_1", 12500))),
        (entry(structured=rf(ONE)), matched("structured_reference", Part("in_1", 12500))),
        (entry(structured=references.ocr(ONE)), matched("structured_reference", Part("in_1", 12500))),
        (entry(2000, text=f"INV {rf(TWO)} THX"), matched("reference_in_text", Part("in_2", 2000))),
        (entry(2000, structured=f"{rf(TWO)} x"), matched("reference_in_text", Part("in_2", 2000))),
        (entry(iban=IBAN), matched("amount_and_account", Part("in_1", 12500))),
        (entry(14500, text=f"{rf(TWO)} {rf(ONE)}"),
         matched("reference_in_text", Part("in_2", 2000), Part("in_1", 12500))),
        (entry(500, structured=rf(ONE)), matched("structured_reference", Part("in_1", 500))),
        (entry(13000, structured=rf(ONE)), matched("structured_reference", Part("in_1", 12500), rest=500)),
        (entry(700, structured=rf("4000000000")), Match("structured_reference", (), "cus_b", 700)),
    ],
)  # fmt: skip
def test_a_payment_pays_what_it_names(payment, expected):
    assert match(payment, KNOWN) == expected


@pytest.mark.parametrize(
    ("payment", "reason"),
    [
        (entry(), "not known"),
        (entry(iban="FR1420041010050500013M02606"), "not known"),
        (entry(iban="SHARED"), "several customers"),
        (entry(12499, iban=IBAN), "no open invoice of this amount"),
        (entry(structured=rf(UNKNOWN)), "not known"),
        (entry(structured=rf(ONE)[:-1] + "1"), "not known"),
        (entry(12500, text=f"{rf(ONE)} {rf(TWO)}"), "several invoices"),
        (entry(25000, text=f"{rf(ONE)} {rf(OTHER)}"), "several customers"),
        (entry(500, structured=rf("5000000000")), "void"),
        (entry(500, structured=rf("6000000000")), "under way"),
        (entry(500, structured=rf("7000000000")), "in usd"),
    ],
)
def test_what_is_not_certain_waits_for_a_person(payment, reason):
    made = match(payment, KNOWN)
    assert made.rule is None and made.parts == () and made.customer is None
    assert reason in (made.reason or "")


def test_two_invoices_of_one_amount_are_not_told_apart_by_it():
    twins = Known({**KNOWN.invoices, "in_9": Owed("in_9", "cus_a", "eur", 12500)}, accounts=KNOWN.accounts)
    assert "2 open invoices" in (match(entry(iban=IBAN), twins).reason or "")


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (12400, matched("structured_reference", Part("in_1", 12400, 100))),
        (12399, matched("structured_reference", Part("in_1", 12399))),
        (12600, matched("structured_reference", Part("in_1", 12500), rounding=100)),
        (12601, matched("structured_reference", Part("in_1", 12500), rest=101)),
    ],
)
def test_small_differences_are_written_off(amount, expected):
    assert match(entry(amount, structured=rf(ONE)), KNOWN, Rules(tolerance=100)) == expected


def test_a_second_payment_sees_what_the_first_has_paid():
    first = match(entry(12000, structured=rf(ONE)), KNOWN)
    left = after(KNOWN, first)
    assert match(entry(12000, structured=rf(ONE)), left) == matched(
        "structured_reference", Part("in_1", 500), rest=11500
    )


def test_our_ids_come_back_with_hyphens():
    assert our_id("pi_1") == our_id("pi-1") == "pi-1" and our_id(" NotProvided ") is None
