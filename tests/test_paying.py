"""Does `billow gateways` take the key of the mode that it is for, and of no other?"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from billow import paying
from billow.app import App
from tests.test_command_line import Run, here, run

__all__ = ["here", "run"]


@pytest.fixture
def gateways(here: App, run: Run, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`billow gateways` with a key on standard input and these words, about the account of the test."""

    @contextmanager
    def opened(*args: Any, **more: Any) -> Iterator[App]:
        yield here

    def command(key: str, *words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{key}\nwhsec_x\n"))
        status, said = run("gateways", *words)
        return status, said

    monkeypatch.setattr(paying, "open_installation", opened)
    return command


@pytest.mark.parametrize("mode", ["test", "live"])
@pytest.mark.parametrize("key", ["sk_test_1", "rk_test_1", "sk_live_1", "rk_live_1", "pk_live_1", "x_live_1"])
def test_a_key_is_taken_in_its_own_mode_only(gateways: Any, mode: str, key: str) -> None:
    status, said = gateways(key, "set", "stripe", "--mode", mode)
    if key.startswith((f"sk_{mode}_", f"rk_{mode}_")):
        assert status == 0 and "takes payments" in said
        assert key not in said + gateways(key, "list", "--mode", mode)[1]
    else:
        assert status == 2 and f"not a secret key of {mode} mode" in said
        assert "stripe" not in gateways(key, "list", "--mode", mode)[1]
