"""Does each test card behave like Stripe's, and does the gateway's memory survive its processes?"""

import multiprocessing
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from billow.core.dunning import hard_decline
from billow.core.payments import Charge, Declined, NeedsAction, Refund, Succeeded
from billow.providers.gateways import StoredMethod, simulated
from billow.providers.gateways.instruments import INSTRUMENTS, find
from billow.providers.gateways.simulated import Simulated
from billow.providers.gateways.simulated_answers import fee

OK, ASK = "succeeds", "asks"

# number, may be stored, charged off session, charged on session (= the same), pm_card_…
CARDS = """
4242424242424242 ok succeeds                       succeeds visa
5555555555554444 ok succeeds                       succeeds mastercard
378282246310005  ok succeeds                       succeeds amex
4000056655665556 ok succeeds                       succeeds visa_debit
4000000000000002 no card_declined/generic_decline  =        visa_chargeDeclined
4000000000009995 no card_declined/insufficient_funds =        visa_chargeDeclinedInsufficientFunds
4000000000009987 no card_declined/lost_card        =        visa_chargeDeclinedLostCard
4000000000009979 no card_declined/stolen_card      =        visa_chargeDeclinedStolenCard
4000000000000069 no expired_card                   =        chargeDeclinedExpiredCard
4000000000000127 no incorrect_cvc                  =        chargeDeclinedIncorrectCvc
4000000000000119 no processing_error               =        chargeDeclinedProcessingError
4000000000006975 no card_declined/card_velocity_exceeded =        visa_chargeDeclinedVelocityLimitExceeded
4000000000000341 ok card_declined/generic_decline  =        chargeCustomerFail
4000002500003155 ok succeeds                       asks     authenticationRequiredOnSetup
4000003800000446 ok succeeds                       asks     authenticationRequiredSetupForOffSession
4000002760003184 ok authentication_required        asks     authenticationRequired
4000008260003178 ok card_declined/insufficient_funds asks     \
    authenticationRequiredChargeDeclinedInsufficientFunds
4000000000003220 ok authentication_required        asks     threeDSecure2Required
4000000000003055 ok succeeds                       succeeds threeDSecureOptional
4000000000000259 ok succeeds                       succeeds createDispute
4000000000002685 ok succeeds                       succeeds createDisputeProductNotReceived
4000000000001976 ok succeeds                       succeeds createDisputeInquiry
4000000000005423 ok succeeds                       succeeds createIssuerFraudRecord
4000000000007726 ok succeeds                       succeeds pendingRefund
4000000000005126 ok succeeds                       succeeds refundFail
4100000000000019 ok card_declined/fraudulent       =        radarBlock
"""
TABLE = [line.split() for line in CARDS.strip().splitlines()]


def seen(outcome: object) -> str:
    if isinstance(outcome, Declined):
        same = outcome.code == outcome.decline_code
        return outcome.code if same else f"{outcome.code}/{outcome.decline_code}"
    return {Succeeded: OK, NeedsAction: ASK}[type(outcome)]


@pytest.mark.parametrize(("number", "stored", "off", "on", "name"), TABLE, ids=[row[-1] for row in TABLE])
def test_a_card_behaves_as_the_table_says(number, stored, off, on, name):
    gateway, token = Simulated(), f"pm_card_{name}"
    answer = gateway.store_method(number)
    assert answer == gateway.store_method(token) == gateway.store_method(f"tok_{name}")
    if stored == "ok":
        assert isinstance(answer, StoredMethod)
        assert (answer.reference, answer.method.details["last4"]) == (token, number[-4:])
    else:
        assert seen(answer) == off
    assert seen(gateway.charge(Charge("off", 1000, "usd", token, off_session=True))) == off
    on = off if on == "=" else on
    assert seen(gateway.charge(Charge("on", 1000, "usd", token, off_session=False))) == on


def test_declines_speak_in_stripes_words():
    messages = {
        token: find(f"pm_card_visa_chargeDeclined{token}").refusal.message
        for token in ("", "InsufficientFunds", "ExpiredCard", "IncorrectCvc")
    }
    assert messages == {
        "": "Your card was declined.",
        "InsufficientFunds": "Your card has insufficient funds.",
        "ExpiredCard": "Your card has expired.",
        "IncorrectCvc": "Your card's security code is incorrect.",
    }


def test_a_card_that_dunning_gives_up_on_says_so_itself():
    declines = [each.refusal for each in INSTRUMENTS if each.refusal]
    for each in declines:
        if each.decline_code != "fraudulent":  # blocked by us, not by a bank: dunning has no word for it
            assert each.retry is not hard_decline(each.code, each.decline_code), each


@pytest.mark.parametrize(
    ("number", "code", "decline_code"),
    [
        ("4242424242424241", "incorrect_number", None),  # a check digit that does not fit
        ("4111111111111111", "card_declined", "test_mode_live_card"),  # a good number, but not one of ours
    ],
)
def test_other_numbers_are_refused_and_never_repeated(number, code, decline_code):
    refused = Simulated().store_method(number)
    assert (refused.code, refused.decline_code) == (code, decline_code)
    assert number not in refused.message


def test_an_unknown_token_is_no_payment_method():
    assert Simulated().store_method("pm_card_gold").message == "No such PaymentMethod: 'pm_card_gold'"
    assert Simulated().charge(Charge("a", 1, "usd", "pm_card_gold", True)).code == "resource_missing"


def test_a_number_may_be_written_in_groups():
    assert Simulated().store_method("4242 4242 4242 4242").reference == "pm_card_visa"


def test_fingerprints_are_sixteen_characters_and_tell_cards_apart():
    prints = [each.card(simulated.NO_DAY).fingerprint for each in INSTRUMENTS]
    assert len(set(prints)) == len(prints)
    assert all(len(each) == 16 and each.isalnum() for each in prints)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (10_000, 320),
        (1_500, 74),
        (50, 31),
        (31, 31),
        (30, 30),
        (1, 1),  # 1,500: 43.5 is rounded up
    ],
)
def test_the_fee_is_never_above_the_amount(amount, expected):
    assert fee(amount) == expected
    assert Simulated().charge(Charge("a", amount, "usd", "pm_card_visa", True)).fee == expected


def test_who_authenticates_has_paid_and_who_fails_has_not():
    gateway = Simulated()
    for attempt in ("yes", "no"):
        gateway.charge(Charge(attempt, 1000, "usd", "pm_card_authenticationRequired", off_session=False))
    assert isinstance(gateway.look_up("yes"), NeedsAction)
    assert gateway.authenticate("yes") == gateway.look_up("yes") == Succeeded("ch_sim_yes", 59)
    assert gateway.authenticate("no", passed=False).code == "payment_intent_authentication_failure"
    assert gateway.authenticate("no") == gateway.look_up("no")  # there is no second try
    assert gateway.authenticate("never asked") is None


def test_authentication_does_not_fill_an_empty_account():
    gateway = Simulated()
    card = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
    gateway.charge(Charge("a", 1000, "usd", card, off_session=False))
    assert gateway.authenticate("a").decline_code == "insufficient_funds"


def test_a_full_refund_leaves_nothing_to_give_back():
    gateway = Simulated()
    taken = gateway.charge(Charge("a", 1000, "usd", "pm_card_visa", True)).reference
    assert gateway.refund(Refund("r1", taken, 1000, "usd")) == Succeeded("re_sim_r1", 0)
    assert gateway.refund(Refund("r2", taken, 1, "usd")).code == "charge_already_refunded"
    assert [(each.attempt, each.amount) for each in gateway.refunds()] == [("r1", 1000), ("r2", 1)]


def test_a_refund_in_another_currency_is_none_of_this_charge():
    gateway = Simulated()
    taken = gateway.charge(Charge("a", 1000, "usd", "pm_card_visa", True)).reference
    assert gateway.refund(Refund("r", taken, 1000, "jpy")).code == "resource_missing"


def test_a_file_remembers_what_memory_forgets(tmp_path: Path):
    gateway = Simulated(tmp_path / "new" / "gateway.db")
    first = gateway.charge(Charge("a", 1000, "usd", "pm_card_visa", True))
    gateway.close()
    assert Simulated(tmp_path / "new" / "gateway.db").look_up("a") == first == gateway.look_up("a")
    assert Simulated().look_up("a") is None


def ask_many(path: Path, results: "multiprocessing.Queue[list[str]]") -> None:
    gateway = Simulated(path)
    results.put(
        [gateway.charge(Charge(f"a{n}", 1000 + n, "usd", "pm_card_visa", True)).reference for n in range(25)]
    )


@pytest.mark.parametrize("start", ["spawn", "fork"])
def test_several_processes_share_one_memory(tmp_path: Path, start: str):
    processes = multiprocessing.get_context(start)
    results = processes.Queue()
    asking = [processes.Process(target=ask_many, args=(tmp_path / "gateway.db", results)) for _ in range(3)]
    for each in asking:
        each.start()
    answers = [results.get(timeout=60) for _ in asking]
    for each in asking:
        each.join(60)
    assert answers[0] == answers[1] == answers[2]
    assert len(Simulated(tmp_path / "gateway.db").charges()) == 25


def test_a_forked_child_opens_the_memory_anew(tmp_path: Path, monkeypatch):
    """A connection that two processes share works for a while, and then corrupts: so look who opens."""
    processes = multiprocessing.get_context("fork")
    opened, connect = processes.SimpleQueue(), simulated.connect
    monkeypatch.setattr(simulated, "connect", lambda memory: (opened.put(os.getpid()), connect(memory))[1])
    gateway = Simulated(tmp_path / "gateway.db")
    gateway.charge(Charge("parent", 1000, "usd", "pm_card_visa", True))
    child = processes.Process(
        target=gateway.charge, args=(Charge("child", 1000, "usd", "pm_card_visa", True),)
    )
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert [each.attempt for each in gateway.charges()] == ["child", "parent"]
    opened.put(None)
    assert list(iter(opened.get, None)) == [os.getpid(), child.pid]


def test_a_test_card_runs_a_year_from_the_month_in_which_it_is_stored():
    card = Simulated(today=lambda: datetime(2025, 12, 29, tzinfo=UTC)).store_method("tok_visa").method.details
    assert (card["exp_month"], card["exp_year"]) == (12, 2026)


def test_bank_and_network_have_a_name_of_their_own_for_each_charge():
    gateway = Simulated()
    first, second = (gateway.charge(Charge(id, 1000, "usd", "pm_card_visa", True)) for id in "ab")
    assert first.authorization_code != second.authorization_code
    assert (len(first.authorization_code), len(first.network_transaction_id)) == (6, 15)
    again = gateway.look_up("a")
    assert again.network_transaction_id == first.network_transaction_id
