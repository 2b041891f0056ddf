"""Are bank statements read whole, and is every file refused that does not add up?"""

import json

import pytest

from billow.core.bank import statement as core
from billow.core.bank.statement import BadStatement
from billow.providers.bank import camt053
from tests.conftest import shared
from tests.support.bank_statements import ACCOUNT, Booking, major, statement


def facts(one: core.Entry, account: str) -> dict[str, object]:
    """An entry as the expected values of the sample are written."""
    return {
        "account": account,
        "amount": ("-" if one.amount < 0 else "") + major(one.amount, one.currency),
        "ccy": one.currency.upper(),
        "booked": str(one.booked_on),
        "value": str(one.value_on),
        "status": "BOOK",
        "bank_ref": one.bank_reference,
        "e2e": one.end_to_end,
        "mandate": one.mandate,
        "rf": one.structured,
        "text": one.text,
        "debtor": one.name,
        "debtor_iban": one.iban,
        "rtn": one.return_reason,
        "code": one.code,
    }


def test_the_sample_is_read_as_expected():
    [found] = camt053.read(shared("standards", "payments", "camt.053.001.08.xml").read_bytes())
    core.check(found)
    expected = json.loads(shared("standards", "payments", "camt.053.expected.json").read_text())
    assert [facts(one, found.account) for one in found.entries] == expected
    assert (found.opening, found.closing, found.currency) == (100_000, 112_500, "eur")


EVERYTHING = [
    Booking(12500, "B1", structured="RF18539007547034", iban="DE89370400440532013000"),
    Booking(-700, "B2", text="Account fee", name="Bank"),
    Booking(-2500, "B3", "pi-1", reason="AM04", mandate="M-1", name="Müller & Söhne"),
    Booking(-12500, "B4", reversal=True, name="Anna"),
    Booking(300, "B5", parts=(Booking(100, text="a"), Booking(250, text="b"), Booking(-50, text="c"))),
    Booking(999, "B6", status="PDNG"),
]


@pytest.mark.parametrize("version", ["02", "08"])
def test_both_versions_say_the_same(version):
    [found] = camt053.read(statement(EVERYTHING, version=version))
    core.check(found)
    assert found.account == ACCOUNT
    assert [(one.amount, one.bank_reference, one.part, one.text) for one in found.entries] == [
        (12500, "B1", 0, None),
        (-700, "B2", 0, "Account fee"),
        (-2500, "B3", 0, None),
        (-12500, "B4", 0, None),
        (100, "B5", 0, "a"),
        (250, "B5", 1, "b"),
        (-50, "B5", 2, "c"),
    ]
    returned = found.entries[2]
    assert (returned.end_to_end, returned.return_reason, returned.mandate) == ("pi-1", "AM04", "M-1")
    assert returned.name == "Müller & Söhne"
    assert [one.reversal for one in found.entries] == [False, False, False, True, False, False, False]


@pytest.mark.parametrize("currency", ["jpy", "kwd"])
def test_amounts_have_the_decimals_of_their_currency(currency):
    [found] = camt053.read(statement([Booking(12345)], currency=currency))
    assert found.entries[0].amount == 12345 and found.opening == 100_000


def test_a_statement_that_does_not_add_up_is_refused():
    [found] = camt053.read(statement(EVERYTHING, closing="5"))
    with pytest.raises(BadStatement, match="does not add up"):
        core.check(found)


GOOD = statement(EVERYTHING)
BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not XML"),
        (b"a,b\n1,2", "not XML"),
        (GOOD[:-20], "not XML"),
        (GOOD.replace(b"camt.053.001.08", b"camt.054.001.08"), "no bank statement"),
        (GOOD.replace(b'encoding="UTF-8"?>', b'encoding="UTF-8"?>' + BOMB), "document type"),
        (GOOD.replace(b"OPBD", b"XPCD"), "no opening"),
        (GOOD.replace(b">7.00<", b">7.001<"), "more decimals"),
        (GOOD.replace(b">7.00<", b">-7.00<"), "no amount"),
        (GOOD.replace(b'"EUR">1.00<', b'"EUR">1.01<'), "do not add up"),
        (GOOD.replace(b"2026-02-09", b"2026-02-30"), "no date"),
        (GOOD.replace(b"<CdtDbtInd>CRDT", b"<CdtDbtInd>XXXX"), "neither"),
        (GOOD.replace(b"<Ccy>EUR", b"<Ccy>SEK"), "another currency"),
        (GOOD.replace(b"IBAN>", b"IBAM>"), "which account"),
    ],
)
def test_what_is_no_whole_statement_is_refused_with_a_reason(data, reason):
    with pytest.raises(BadStatement, match=reason):
        camt053.read(data)


def test_a_file_that_is_too_large_is_refused_before_it_is_parsed():
    with pytest.raises(BadStatement, match="larger than"):
        camt053.read(b" " * (camt053.MOST_BYTES + 1))


def test_entries_are_recognized_by_the_banks_reference_or_by_what_they_say():
    [found] = camt053.read(statement([*EVERYTHING, Booking(5), Booking(5), Booking(6), Booking(7, "NONREF")]))
    names = core.identities(found.entries)
    assert names[:7] == ["B1/0", "B2/0", "B3/0", "B4/0/R", "B5/0", "B5/1", "B5/2"]
    assert names[7].startswith("=") and names[8] == f"{names[7]}#2" and len(set(names)) == len(names)
