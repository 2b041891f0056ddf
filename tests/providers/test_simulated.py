"""Does each test card behave as Stripe's, and does the gateway's memory survive its processes?"""

import multiprocessing
from pathlib import Path

import pytest

from billow.core.dunning import hard_decline
from billow.core.payments import Charge, Declined, NeedsAction, Refund, Succeeded
from billow.providers.gateways import StoredMethod
from billow.providers.gateways.instruments import INSTRUMENTS, find
from billow.providers.gateways.simulated import Simulated, fee

OK, ASK = "succeeds", "asks"
SOFT = "authentication_required"

# number, token, when stored, off session, on session
CARDS = """
4242424242424242 pm_card_visa                                        ok  succeeds succeeds
5555555555554444 pm_card_mastercard                                  ok  succeeds succeeds
378282246310005  pm_card_amex                                        ok  succeeds succeeds
4000056655665556 pm_card_visa_debit                                  ok  succeeds succeeds
4000000000000002 pm_card_visa_chargeDeclined                         no  card_declined/generic_decline =
4000000000009995 pm_card_visa_chargeDeclinedInsufficientFunds        no  card_declined/insufficient_funds =
4000000000009987 pm_card_visa_chargeDeclinedLostCard                 no  card_declined/lost_card =
4000000000009979 pm_card_visa_chargeDeclinedStolenCard               no  card_declined/stolen_card =
4000000000000069 pm_card_chargeDeclinedExpiredCard                   no  expired_card/expired_card =
4000000000000127 pm_card_chargeDeclinedIncorrectCvc                  no  incorrect_cvc/incorrect_cvc =
4000000000000119 pm_card_chargeDeclinedProcessingError               no  processing_error/processing_error =
4000000000006975 pm_card_visa_chargeDeclinedVelocityLimitExceeded    no  card_declined/card_velocity_exceeded =
4000000000000341 pm_card_chargeCustomerFail                          ok  card_declined/generic_decline =
4000002500003155 pm_card_authenticationRequiredOnSetup               ok  succeeds asks
4000003800000446 pm_card_authenticationRequiredSetupForOffSession    ok  succeeds asks
4000002760003184 pm_card_authenticationRequired                      ok  authentication_required/= asks
4000008260003178 pm_card_authenticationRequiredChargeDeclinedInsufficientFunds ok card_declined/insufficient_funds asks
4000000000003220 pm_card_threeDSecure2Required                       ok  authentication_required/= asks
4000000000003055 pm_card_threeDSecureOptional                        ok  succeeds succeeds
4000000000000259 pm_card_createDispute                               ok  succeeds succeeds
4000000000002685 pm_card_createDisputeProductNotReceived             ok  succeeds succeeds
4000000000001976 pm_card_createDisputeInquiry                        ok  succeeds succeeds
4000000000005423 pm_card_createIssuerFraudRecord                     ok  succeeds succeeds
4100000000000019 pm_card_radarBlock                                  ok  card_declined/fraudulent =
"""
TABLE = [line.split() for line in CARDS.strip().splitlines()]


def seen(outcome: object) -> str:
    if isinstance(outcome, Declined):
        return f"{outcome.code}/{'=' if outcome.code == outcome.decline_code == SOFT else outcome.decline_code}"
    return {Succeeded: OK, NeedsAction: ASK}[type(outcome)]


@pytest.mark.parametrize(("number", "token", "stored", "off", "on"), TABLE, ids=[row[1] for row in TABLE])
def test_a_card_behaves_as_the_table_says(number, token, stored, off, on):
    gateway = Simulated()
    answer = gateway.store_method(number)
    assert answer == gateway.store_method(token) == gateway.store_method(token.replace("pm_card_", "tok_"))
    if stored == "ok":
        assert isinstance(answer, StoredMethod)
        assert (answer.reference, answer.card.last4) == (token, number[-4:])
    else:
        assert seen(answer) == off
    assert seen(gateway.charge(Charge("off", 1000, "usd", token, off_session=True))) == off
    assert seen(gateway.charge(Charge("on", 1000, "usd", token, off_session=False))) == (off if on == "=" else on)


def test_declines_speak_in_stripes_words():
    messages = {token: find(f"pm_card_visa_chargeDeclined{token}").refusal.message
                for token in ("", "InsufficientFunds", "ExpiredCard", "IncorrectCvc")}
    assert messages == {
        "": "Your card was declined.",
        "InsufficientFunds": "Your card has insufficient funds.",
        "ExpiredCard": "Your card has expired.",
        "IncorrectCvc": "Your card's security code is incorrect.",
    }


def test_a_card_that_dunning_gives_up_on_says_so_itself():
    declines = [each.refusal for each in INSTRUMENTS if each.refusal]
    for each in declines:
        if each.decline_code != "fraudulent":    # blocked by us, not by a bank: dunning has no word for it
            assert each.retry is not hard_decline(each.code, each.decline_code), each


@pytest.mark.parametrize(("number", "code", "decline_code"), [
    ("4242424242424241", "incorrect_number", None),                # a check digit that does not fit
    ("4111111111111111", "card_declined", "test_mode_live_card"),  # a good number, but not one of ours
])
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
    prints = [each.card.fingerprint for each in INSTRUMENTS]
    assert len(set(prints)) == len(prints)
    assert all(len(each) == 16 and each.isalnum() for each in prints)


@pytest.mark.parametrize(("amount", "expected"), [
    (10_000, 320), (1_500, 74), (50, 31), (31, 31), (30, 30), (1, 1),    # 1,500: 43.5 is rounded up
])
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
    assert gateway.authenticate("no") == gateway.look_up("no")    # there is no second try
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
    results.put([gateway.charge(Charge(f"a{n}", 1000 + n, "usd", "pm_card_visa", True)).reference for n in range(25)])


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


def test_a_forked_child_opens_the_memory_anew(tmp_path: Path):
    gateway = Simulated(tmp_path / "gateway.db")
    gateway.charge(Charge("parent", 1000, "usd", "pm_card_visa", True))
    child = multiprocessing.get_context("fork").Process(
        target=gateway.charge, args=(Charge("child", 1000, "usd", "pm_card_visa", True),))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert [each.attempt for each in gateway.charges()] == ["child", "parent"]
