"""Does a process stop while its clock is not the database's, and go on when it is again?"""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from billow.app import App
from billow.store import clocks
from billow.store.clocks import ClockDiffers, Comparison, difference
from tests.conftest import Api

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Machine:
    """The clocks of a machine, in the hands of a test: what it shows, and the seconds that it counts."""

    def __init__(self) -> None:
        self.ahead, self.counted = 0.0, 0.0

    def time(self) -> float:
        return datetime.now(UTC).timestamp() + self.counted + self.ahead

    def monotonic(self) -> float:
        return datetime.now(UTC).timestamp() + self.counted

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)


@pytest.fixture
def machine(app: App, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(clocks, "utc_now", made.now)
    monkeypatch.setattr(clocks, "time", made)
    monkeypatch.setattr(app.db, "comparison", Comparison(timedelta(seconds=60)))
    return made


@pytest.mark.parametrize(
    ("before", "there", "after", "ahead"),
    [
        (0, 0, 0, 0),
        (0, 5, 30, 0),  # a process that was paused meanwhile is not wrong
        (0, -90, 1, 90),
        (0, 91, 1, -90),
        (-3600, 0, -3600, -3600),
    ],
)
def test_the_difference_is_what_no_pause_explains(before: int, there: int, after: int, ahead: int) -> None:
    at = [NOON + timedelta(seconds=seconds) for seconds in (before, there, after)]
    assert difference(at[0], at[1], at[2]) == timedelta(seconds=ahead)


@pytest.mark.parametrize("ahead", [300, -300, 45 * 86400, -45 * 86400, -3600, 61])
def test_nothing_is_done_while_the_clocks_differ(
    app: App, api: Api, machine: Machine, caplog: pytest.LogCaptureFixture, ahead: int
) -> None:
    assert api.post("/v1/customers").status == 200
    machine.ahead = ahead
    with caplog.at_level(logging.WARNING, "billow.clocks"):
        answer = api.post("/v1/customers")
        assert (answer.status, answer["error"]["type"]) == (503, "api_error")
        assert api.get("/v1/customers").status == 503
        ready = app.wsgi.test_client().get("/readyz")
        assert (ready.status_code, ready.get_json()["waiting"]) == (503, ["ClockDiffers"])
        assert app.wsgi.test_client().get("/healthz").status_code == 200
        with pytest.raises(ClockDiffers, match="ahead of" if ahead > 0 else "behind"):
            app.db.check_clock()
        machine.ahead = 0
        machine.counted += 2
        assert api.post("/v1/customers").status == 200
    said = [record for record in caplog.records if record.name == "billow.clocks"]
    assert [record.levelname for record in said] == ["ERROR", "WARNING"], "each change is said once"
    assert "BILLOW_CLOCK_TOLERANCE=60" in said[0].getMessage()


def test_a_small_difference_is_allowed(api: Api, machine: Machine) -> None:
    machine.ahead = 50
    assert api.post("/v1/customers").status == 200


def test_a_clock_that_drifts_is_seen_within_a_minute(api: Api, machine: Machine) -> None:
    """It runs faster than it should and was never set: only the comparison of each minute sees that."""
    assert api.post("/v1/customers").status == 200
    for _ in range(4):
        machine.ahead += 20
        machine.counted += 61
        answer = api.post("/v1/customers")
    assert answer.status == 503
