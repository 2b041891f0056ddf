"""Do the commands of `billow gateways` refuse what cannot be, and say only what is true?"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from billow import paying
from billow.app import App
from tests.conftest import Api
from tests.test_command_line import Run, here, run

__all__ = ["here", "run"]


@pytest.fixture
def gateways(here: App, run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`billow gateways` with these words, about the account of the test."""

    @contextmanager
    def opened(*args: Any, **more: Any) -> Iterator[App]:
        yield here

    monkeypatch.setattr(paying, "open_installation", opened)
    return lambda *words: run("gateways", *words)


def test_an_unknown_kind_is_refused_before_a_key_is_asked_for(gateways: Run) -> None:
    status, said = gateways("set", "x", "--kind", "nope")
    assert status == 2 and "There is no gateway of the kind nope; there are bank, " in said


def test_a_gateway_that_reaches_nobody_has_no_address_for_notices(gateways: Run) -> None:
    assert gateways("set", "giro", "--kind", "bank") == (0, "giro takes payments.\n")
    assert "/gateways/" not in gateways("list")[1]


def test_the_simulated_gateway_is_listed_in_test_mode(gateways: Run) -> None:
    assert "simulated" in gateways("list")[1]
    gateways("set", "giro", "--kind", "bank")
    assert "others are" in gateways("list")[1]


def test_a_gateway_is_removed_unless_a_payment_names_it(gateways: Run, api: Api) -> None:
    gateways("set", "giro", "--kind", "manual", "--type", "card")
    assert gateways("remove", "giro") == (0, "giro is removed.\n")
    assert gateways("remove", "giro")[0] == 2
    api.post("/v1/customers", {"payment_method": "pm_card_visa"})
    gateways("set", "default", "--kind", "manual")
    status, said = gateways("remove", "default")
    assert (status, "stop it instead" in said) in ((2, True), (0, False))
