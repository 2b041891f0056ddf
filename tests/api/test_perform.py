"""Does every yield commit, and is an operation retried only if nothing of it was committed?"""

from contextlib import suppress
from typing import Any

import psycopg
import pytest

from billow.store.perform import Interrupted, Steps, ask, perform
from billow.store.tx import Tx


@pytest.fixture
def begin(app: Any, api: Any) -> Any:
    return lambda: app.db.transaction(api.tenant)


def keep(tx: Tx, key: str) -> None:
    tx.run(
        "insert into idempotency_keys (key, fingerprint, request, created) values (%(key)s, '', '', %(now)s)",
        key=key,
        now=tx.now,
    )


def kept(begin: Any) -> list[str]:
    with begin() as tx:
        return [row["key"] for row in tx.all("select key from idempotency_keys order by key")]


def test_a_yield_commits_and_its_wish_is_fulfilled_outside(begin: Any) -> None:
    def verb(tx: Tx, key: str) -> Steps:
        keep(tx, key)
        first = tx
        tx, seen = yield ask(kept, begin)
        assert tx is not first and seen == ["a"], (
            "what came before the yield is committed when the wish is fulfilled"
        )
        keep(tx, "b")
        return "done"

    assert perform(begin, verb, "a", finish=lambda tx, result: (keep(tx, "c"), result)[1]) == "done"
    assert kept(begin) == ["a", "b", "c"], (
        "the last transaction is committed too, although StopIteration ended it"
    )


def test_a_verb_that_asks_nothing_is_one_transaction(begin: Any) -> None:
    def verb(tx: Tx) -> None:
        keep(tx, "a")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        perform(begin, verb)
    assert kept(begin) == []
    assert perform(begin, lambda tx: 7) == 7


def test_an_error_after_a_yield_keeps_what_was_committed_and_nothing_more(begin: Any) -> None:
    def verb(tx: Tx) -> Steps:
        keep(tx, "a")
        tx, _ = yield ask(lambda: None)
        keep(tx, "b")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        perform(begin, verb)
    assert kept(begin) == ["a"]


def test_a_conflict_in_the_first_transaction_begins_again(begin: Any) -> None:
    tries: list[int] = []

    def verb(tx: Tx) -> Steps:
        tries.append(1)
        keep(tx, "a")
        if len(tries) < 3:
            raise psycopg.errors.DeadlockDetected
        tx, _ = yield ask(lambda: None)
        return len(tries)

    assert perform(begin, verb) == 3
    assert kept(begin) == ["a"]


def test_who_made_the_same_thing_meanwhile_is_seen_by_the_second_try(begin: Any) -> None:
    tries: list[int] = []

    def verb(tx: Tx) -> str:
        tries.append(1)
        if tx.one("select 1 from idempotency_keys where key = 'a'"):
            return "there is one"
        with begin() as twin:
            keep(twin, "a")
        keep(tx, "a")
        return "made"

    assert perform(begin, verb) == "there is one" and len(tries) == 2


def test_a_conflict_that_stays_is_raised_in_the_end(begin: Any) -> None:
    def verb(tx: Tx) -> None:
        raise psycopg.errors.SerializationFailure

    with pytest.raises(psycopg.errors.SerializationFailure):
        perform(begin, verb)


@pytest.mark.parametrize("answer", [None, "yes"])
def test_a_conflict_after_the_first_commit_is_not_begun_again(begin: Any, answer: str | None) -> None:
    asked: list[int] = []

    def verb(tx: Tx) -> Steps:
        yield ask(lambda: asked.append(1) or answer)
        raise psycopg.errors.DeadlockDetected

    with pytest.raises(Interrupted):
        perform(begin, verb)
    assert asked == [1]


def test_a_failure_outside_ends_the_verb(begin: Any) -> None:
    def gone() -> None:
        raise ConnectionError

    def verb(tx: Tx) -> Steps:
        keep(tx, "a")
        tx, _ = yield ask(gone)
        keep(tx, "b")

    with pytest.raises(ConnectionError):
        perform(begin, verb)
    assert kept(begin) == ["a"]


def test_a_swallowed_error_does_not_pass_for_a_commit(begin: Any) -> None:
    def verb(tx: Tx) -> None:
        keep(tx, "a")
        with suppress(psycopg.Error):
            tx.run("select 1 / 0")

    with pytest.raises(RuntimeError):
        perform(begin, verb)
