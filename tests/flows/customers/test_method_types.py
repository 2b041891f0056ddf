"""Can a method of each type be created, and does it show its own hash, and no number?"""

from typing import Any

import pytest
from stdnum import iban as ibans

from billow.core.payments import Charge, Declined, Deposits, NeedsAction, Pending, SetUp, Succeeded
from billow.providers.gateways import StoredMethod
from billow.providers.gateways.accounts import ACCOUNTS
from billow.providers.gateways.simulated import Simulated
from billow.resources.payment_method_types import BY_NAME

#: What is sent of each type; nothing of the others.
SENT: dict[str, dict[str, Any]] = {
    "acss_debit": {"account_number": "000123456789", "institution_number": "000", "transit_number": "11000"},
    "au_becs_debit": {"account_number": "000123456", "bsb_number": "000000"},
    "bacs_debit": {"account_number": "00012345", "sort_code": "108800"},
    "boleto": {"tax_id": "00000000000000"},
    "card": {"number": "5555555555554444", "exp_month": "7", "exp_year": "2041", "cvc": "123"},
    "eps": {"bank": "bawag_psk_ag"},
    "fpx": {"bank": "maybank2u", "account_holder_type": "company"},
    "ideal": {"bank": "ing"},
    "klarna": {"dob[day]": "1", "dob[month]": "2", "dob[year]": "1990"},
    "naver_pay": {"funding": "points"},
    "nz_bank_account": {"account_holder_name": "Ann", "account_number": "0000000", "bank_code": "11",
                        "branch_code": "0000", "suffix": "010"},
    "p24": {"bank": "ing"},
    "sepa_debit": {"iban": "DE89 3704 0044 0532 0130 00"},
    "sofort": {"country": "DE"},
    "us_bank_account": {"account_holder_type": "company", "account_number": "000123456789",
                        "account_type": "savings", "routing_number": "110000000"},
}  # fmt: skip
TYPED = {"exp_month", "exp_year", "cvc"}


def form(name: str) -> dict[str, Any]:
    sent = {}
    for key, value in SENT.get(name, {}).items():
        head, bracket, rest = key.partition("[")
        sent[f"{name}[{head}]{bracket}{rest}"] = value
    return {"type": name, **sent}


def test_a_method_of_each_type_shows_its_own_hash_and_no_number(api: Any) -> None:
    for name, kind in BY_NAME.items():
        made = api.post("/v1/payment_methods", form(name))
        assert made.status == 200, (name, made)
        shown = api.get(f"/v1/payment_methods/{made['id']}")
        assert shown["type"] == name and not shown.keys() & (BY_NAME.keys() - {name}), name
        for key, value in SENT.get(name, {}).items():
            if key == kind.number:
                assert str(value).replace(" ", "") not in str(shown), (name, key)
            elif "[" not in key and key not in TYPED:
                assert shown[name][key] == value, (name, key)
    assert shown["type"] == "zip" and api.event_types() == []


def test_a_bank_account_keeps_its_end_and_its_bank(api: Any) -> None:
    sepa = api.post("/v1/payment_methods", form("sepa_debit"))["sepa_debit"]
    assert (sepa["last4"], sepa["bank_code"], sepa["country"]) == ("3000", "37040044", "DE")
    assert sepa["generated_from"] == {"charge": None, "setup_attempt": None}
    us = api.post("/v1/payment_methods", form("us_bank_account"))["us_bank_account"]
    assert (us["last4"], us["bank_name"], us["routing_number"]) == ("6789", "STRIPE TEST BANK", "110000000")
    born = {"day": 1, "month": 2, "year": 1990}
    assert api.post("/v1/payment_methods", form("klarna"))["klarna"]["dob"] == born


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ({"type": "sepa_debit"}, "sepa_debit"),
        ({"type": "sepa_debit", "sepa_debit[iban]": "DE00"}, "sepa_debit[iban]"),
        (
            {"type": "us_bank_account", "us_bank_account[routing_number]": "1"},
            "us_bank_account[account_number]",
        ),
        (
            {"type": "us_bank_account", "us_bank_account[account_number]": "7"},
            "us_bank_account[account_number]",
        ),
        ({"type": "link", "card[token]": "tok_visa"}, "card"),
        ({"type": "fpx"}, "fpx"),
    ],
)
def test_what_describes_no_test_method_is_refused(api: Any, sent: dict[str, Any], param: str) -> None:
    answer = api.post("/v1/payment_methods", sent)
    assert (answer.status, answer["error"]["param"]) == (400, param)


def test_a_test_account_is_attached_by_its_name_and_updated(api: Any) -> None:
    ann = api.post("/v1/customers")["id"]
    bank = api.post("/v1/payment_methods/pm_usBankAccount/attach", {"customer": ann})
    api.post("/v1/payment_methods/pm_success_de/attach", {"customer": ann})
    api.post("/v1/payment_methods/pm_card_visa/attach", {"customer": ann})
    for path in ("/v1/payment_methods", f"/v1/customers/{ann}/payment_methods"):
        query = {"type": "us_bank_account", **({"customer": ann} if path == "/v1/payment_methods" else {})}
        assert [one["id"] for one in api.get(path, query)["data"]] == [bank["id"]]
    path = f"/v1/payment_methods/{bank['id']}"
    changed = api.post(path, {"us_bank_account[account_holder_type]": "company"})
    assert changed["us_bank_account"]["account_holder_type"] == "company"
    assert api.post(path, {"card[exp_month]": "7"})["error"]["param"] == "card"


# ------------------------------------------------------------------------------------- the gateway


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda account: account.token)
def test_a_debit_is_pending_and_becomes_what_the_account_says(account: Any) -> None:
    gateway = Simulated()
    stored = gateway.store_method(account.token)
    assert isinstance(stored, StoredMethod) and account.number not in str(stored)
    assert isinstance(gateway.charge(Charge("a", 1000, "usd", stored.reference, True)), Pending)
    later = gateway.look_up("a")
    assert isinstance(later, Pending) == account.waits
    final = gateway.arrive("a")
    assert final == account.refusal if account.refusal else isinstance(final, Succeeded)
    assert gateway.look_up("a") == final


def test_each_test_account_has_a_token_of_its_own_and_ibans_that_are_valid() -> None:
    assert len({one.token for one in ACCOUNTS}) == len(ACCOUNTS)
    numbers = [one.number for one in ACCOUNTS if one.type == "sepa_debit"]
    assert [number for number in numbers if not ibans.is_valid(number, check_country=False)] == []
    typed = [(one.type, one.number) for one in ACCOUNTS if one.typed]
    assert len(set(typed)) == len(typed)


def test_an_account_that_is_known_by_its_token_only_cannot_be_typed_in() -> None:
    gateway = Simulated()
    assert isinstance(gateway.store_method("pm_acssDebit_noAccount"), StoredMethod)
    assert isinstance(gateway.store_method("000111111116", "acss_debit"), Declined)


def test_an_account_that_small_deposits_do_not_reach_is_not_verified() -> None:
    gateway = Simulated()
    stored = gateway.store_method("000666666661", "us_bank_account")
    assert isinstance(stored, StoredMethod)
    assert isinstance(gateway.set_up(SetUp("a", stored.reference)), NeedsAction)
    failed = gateway.verify("a", Deposits((32, 45)))
    assert isinstance(failed, Declined) and failed.code == "payment_method_microdeposit_failed"


def test_a_typed_in_us_account_is_verified_by_its_small_deposits() -> None:
    gateway = Simulated()
    stored = gateway.store_method("000123456789", "us_bank_account")
    assert isinstance(stored, StoredMethod)
    asked = gateway.set_up(SetUp("a", stored.reference))
    assert isinstance(asked, NeedsAction) and asked.kind == "verify_with_microdeposits"
    assert isinstance(gateway.verify("a", Deposits((1, 2))), Declined)
    assert gateway.look_up("a") == asked
    assert isinstance(gateway.verify("a", Deposits(descriptor_code="SM11AA")), Succeeded)
    assert isinstance(gateway.charge(Charge("b", 1000, "usd", stored.reference, True)), Pending)


def test_a_card_is_set_up_at_once_or_after_its_holder_has_authenticated() -> None:
    gateway = Simulated()
    assert isinstance(gateway.set_up(SetUp("a", "pm_card_visa")), Succeeded)
    assert isinstance(gateway.set_up(SetUp("b", "pm_card_authenticationRequired")), NeedsAction)
    assert isinstance(gateway.authenticate("b"), Succeeded)
    assert isinstance(gateway.set_up(SetUp("c", "sim_paypal")), NeedsAction)
    assert isinstance(gateway.set_up(SetUp("d", "pm_card_visa_chargeDeclined")), Declined)
    assert gateway.charges() == []


def test_a_memory_of_an_older_release_learns_to_set_up(tmp_path: Any) -> None:
    import sqlite3

    from billow.providers.gateways import simulated_memory

    file = tmp_path / "gateway.sqlite"
    older = sqlite3.connect(file)
    older.executescript(simulated_memory.SCHEMA.replace(", 'setup'", ""))
    outcome = simulated_memory.write(Succeeded("ch_1", 30))
    older.execute(
        "insert into attempts values ('old', 'charge', 500, 'usd', 'pm_card_visa', 'ch_1', ?)", (outcome,)
    )
    older.commit()
    older.close()
    gateway = Simulated(file)
    assert isinstance(gateway.set_up(SetUp("a", "pm_card_visa")), Succeeded)
    assert gateway.look_up("old") == Succeeded("ch_1", 30)
