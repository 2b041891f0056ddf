"""Do the commands of `billow gateways` refuse what cannot be, and say only what is true?"""

import io
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


@pytest.fixture
def with_key(gateways: Run, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`billow gateways` with a key on standard input."""

    def command(key: str, *words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{key}\nwhsec_x\n"))
        status, said = gateways(*words)
        return status, said

    return command


@pytest.mark.parametrize("mode", ["test", "live"])
@pytest.mark.parametrize("key", ["sk_test_1", "rk_test_1", "sk_live_1", "rk_live_1", "pk_live_1", "x_live_1"])
def test_a_key_is_taken_in_its_own_mode_only(with_key: Any, mode: str, key: str) -> None:
    status, said = with_key(key, "set", "stripe", "--mode", mode)
    if key.startswith((f"sk_{mode}_", f"rk_{mode}_")):
        assert status == 0 and "takes payments" in said
        assert key not in said + with_key(key, "list", "--mode", mode)[1]
    else:
        assert status == 2 and f"not a secret key of {mode} mode" in said
        assert "stripe" not in with_key(key, "list", "--mode", mode)[1]


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
