"""What is particular to the gateways without a network? The contract they share is in test_gateways.py."""

from typing import Any

import pytest

from billow.core.payments import Charge, Declined, SetUp, Succeeded
from billow.providers.gateways import Gateway, StoredMethod
from billow.providers.gateways.bank import Bank
from billow.providers.gateways.manual import Manual
from billow.providers.gateways.sepa_debit import SepaDebit, iban_of

GATEWAYS: dict[str, Any] = {"bank": Bank, "manual": Manual, "sepa_debit": SepaDebit}


@pytest.fixture(params=GATEWAYS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_gateway_has_the_name_that_it_is_configured_under(kind: str) -> None:
    made: Gateway = GATEWAYS[kind]("mine")
    assert made.name == "mine" and GATEWAYS[kind]().name == kind


def test_an_account_is_stored_without_showing_its_number() -> None:
    stored = SepaDebit().store_method("nl91 abna 0417 1643 00", "sepa_debit")
    assert isinstance(stored, StoredMethod) and iban_of(stored.reference) == "NL91ABNA0417164300"
    shown = stored.method.details
    assert (shown["last4"], shown["country"], shown["bank_code"]) == ("4300", "NL", "ABNA")
    assert "0417164300" not in str(shown)
    assert isinstance(SepaDebit().set_up(SetUp("par_1", stored.reference)), Succeeded)


def test_a_debit_is_in_euros_and_not_too_large() -> None:
    for change in ({"currency": "sek"}, {"amount": 10**12}):
        wrong = Charge(
            **{"attempt": "a", "amount": 1, "currency": "eur", "method": "m", "off_session": True, **change}
        )
        assert isinstance(SepaDebit().charge(wrong), Declined)


def test_only_what_they_take_is_stored() -> None:
    assert isinstance(Bank().store_method("customer_balance", "customer_balance"), StoredMethod)
    assert isinstance(Bank().store_method("tok_visa"), Declined)
    assert isinstance(Manual().store_method("tok_visa"), Declined)
    assert isinstance(SepaDebit().store_method("tok_visa"), Declined)
