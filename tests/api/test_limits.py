"""Is an account that sends too many requests limited, and no other account?"""

from dataclasses import replace
from typing import Any

import pytest

from billow.api.limits import Limits
from billow.store.keys import Key
from tests.conftest import new_caller

TEST, LIVE = Key("mk_1", "acct_1/test", "secret"), Key("mk_2", "acct_1/live", "secret")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_holds_one_second_and_fills_steadily() -> None:
    clock = Clock()
    limits = Limits(live=0, test=4, clock=clock)
    assert [limits.wait(TEST) for _ in range(6)] == [0, 0, 0, 0, 0.25, 0.25]
    clock.now = 0.25
    assert [limits.wait(TEST) for _ in range(2)] == [0, 0.25]
    clock.now = 100
    assert [limits.wait(TEST) for _ in range(5)].count(0) == 4


def test_all_keys_of_an_account_share_its_limit_and_other_accounts_and_modes_have_their_own() -> None:
    limits = Limits(live=0, test=1, clock=Clock())
    assert limits.wait(TEST) == 0 and limits.wait(TEST) == 1
    assert limits.wait(replace(TEST, id="mk_3")) == 1
    assert limits.wait(replace(TEST, tenant="acct_2/test")) == 0
    assert [limits.wait(LIVE) for _ in range(1000)] == [0] * 1000


def test_over_the_limit_is_429_with_its_reason(app: Any, api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.server, "limits", Limits(live=0, test=2, clock=Clock()))
    assert [api.post("/v1/customers").status for _ in range(2)] == [200, 200]
    answer = api.post("/v1/customers", {}, Idempotency_Key="a")
    assert (answer.status, answer["error"]["code"]) == (429, "rate_limit")
    assert answer.headers["Stripe-Rate-Limited-Reason"] == "global-rate"
    assert answer.headers["Retry-After"] == "1"
    assert new_caller(app).get("/v1/customers").status == 200
    assert new_caller(app, "live", api.account).get("/v1/customers").status == 200
    monkeypatch.undo()
    assert len(api.get("/v1/customers")["data"]) == 2
    assert api.post("/v1/customers", {}, Idempotency_Key="a").status == 200
