"""PostgreSQL crashes again and again in a billing run: nothing is lost and nothing happens twice.

BILLOW_CRASHES and BILLOW_SUBSCRIPTIONS make it larger, BILLOW_SEED repeats a run.
"""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.reliability import test_kill as kill
from tests.reliability.test_database_dies import postmaster, started
from tests.reliability.test_kill import Buyer, Installation, Shop, wait
from tests.support import invariants

CRASHES = int(os.environ.get("BILLOW_CRASHES", "3"))
SUBSCRIPTIONS = int(os.environ.get("BILLOW_SUBSCRIPTIONS", "40"))


def runs(number: int) -> bool:
    """Check whether a process runs: neither gone nor ended and not yet waited for."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def crash(system: Installation) -> float:
    """What `pg_ctl stop -m immediate` does; seconds until the next write is answered."""
    number = postmaster(system)
    os.kill(number, signal.SIGQUIT)
    began = time.monotonic()
    # The signal is acted on a little later: what is answered before that says nothing.
    wait(lambda: not runs(number), "the database is away", 30)
    while system.ask("POST", "/v1/customers", {"name": "after"})[0] != 200:
        assert time.monotonic() - began < 60
        time.sleep(0.05)
    return time.monotonic() - began


def test_no_invoice_is_lost_or_doubled_when_the_database_crashes_in_the_run(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    print(f"BILLOW_SEED={kill.SEED} BILLOW_CRASHES={CRASHES} BILLOW_SUBSCRIPTIONS={SUBSCRIPTIONS}")
    monkeypatch.setattr(kill, "SUBSCRIPTIONS", SUBSCRIPTIONS)
    chance = random.Random(kill.SEED)
    with started(tmp_path_factory, kill.SLOW_GATEWAY) as system:
        shop = Shop(system)
        shop.open()
        db = system.database()
        buyer = Buyer(system, shop.customers[0])
        buyer.start()
        shop.advance()
        away = []
        for _ in range(CRASHES):
            time.sleep(chance.uniform(0.3, 2.0))
            away.append(crash(system))
            kill.a_minute_passes(db)
        buyer.enough.set()
        buyer.join()
        print(f"written again after {[f'{seconds:.1f} s' for seconds in away]}")

        def over() -> bool:
            kill.a_minute_passes(db)
            with db.connection() as conn:
                row = conn.execute(
                    "select count(*) from jobs where clock = 'wall' and not parked"
                    " and kind !~ 'prune|cards|statements'"
                ).fetchone()
            return shop.ready() and row is not None and row[0] == 0

        wait(over, "the run is over", 60 + SUBSCRIPTIONS)
        assert buyer.failure is None
        with db.transaction(kill.tenant_of(db)) as tx:
            wrong = [
                *kill.every_customer_has_two_paid_invoices(tx, shop.customers),
                *kill.the_gateway_agrees(tx, system),
                *kill.no_purchase_is_made_twice(tx, buyer),
            ]
        assert not wrong, "\n".join([f"BILLOW_SEED={kill.SEED}", *wrong])
        for clock in shop.clocks:
            invariants.check_all(db, kill.tenant_of(db), clock)
        db.close()
        assert max(away) < 20  # two or three on an idle machine
