"""How is a request carried out: one transaction, one effect per idempotency key, one answer."""

import inspect
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg
import psycopg_pool

from billow.api import listing, params, render, rights, search
from billow.api.fields import Field
from billow.api.operation import Answer, Call, invoke
from billow.api.resource import Resource, Where
from billow.core.errors import Refused, Unavailable
from billow.store import idempotency
from billow.store.perform import CONFLICTS, Interrupted, perform
from billow.store.turns import Turn
from billow.store.tx import Cause, Database, Tx

log = logging.getLogger("billow.api")
EXPAND = Field("array", item=Field("text"))


@dataclass(frozen=True)
class Execution:
    """Carries out requests in the database's transactions."""

    db: Database
    nouns: Mapping[str, str]
    became: Callable[[Tx, Call, str], Any]
    """What became of a request that died (its id): its result, a refusal, or None where it did nothing."""

    def carry_out(self, call: Call) -> Answer:
        """Run the verb in a transaction, store its answer with its idempotency key, and answer."""
        print = ""
        if call.idempotency_key:
            body = call.raw.body.hex() if call.raw else call.sent
            client = [call.key.id] if call.key.kind == "publishable" else []
            print = idempotency.fingerprint(call.verb.method, call.path, [body, *client])
        replay: list[idempotency.Answer] = []
        expand = params.parse(EXPAND, call.sent.pop("expand", []), "expand")
        tree = render.tree_of(expand)
        rights.judge(call.key, call.verb, call.sent, tree, self.nouns)

        def run(tx: Tx) -> Any:
            if call.idempotency_key:
                known = idempotency.begin(tx, call.idempotency_key, print, call.request)
                if isinstance(known, idempotency.Answer):
                    replay.append(known)
                    return None
                if known:
                    idempotency.take_over(tx, call.idempotency_key, known, call.request)
                    told = self.became(tx, call, known.request)
                    if told is not None:
                        return told
            call.begun = True
            tx.notes["expand"] = tree  # for a verb that shows what is gone when it answers
            return invoke(tx, call)

        def finish(tx: Tx, result: Any) -> Answer:
            if replay:
                return Answer(replay[0].status, replay[0].body, {"Idempotent-Replayed": "true",
                              "Original-Request": replay[0].request})  # fmt: skip
            answer = self._shown(tx, call, result, tree)
            if call.idempotency_key:
                kept = idempotency.Answer(answer.status, answer.body, call.request)
                idempotency.keep(tx, call.idempotency_key, kept)
            return answer

        try:
            return perform(self._begin(call), run, finish=finish)  # type: ignore[no-any-return]
        except Exception as error:
            # Whoever asked a gateway must not ask it again: a failure after the first commit is the answer.
            answer = failure(error, call.request)
            if call.idempotency_key and inspect.isgeneratorfunction(call.verb.run):
                with self._begin(call)() as tx:
                    idempotency.give_up(
                        tx, call.idempotency_key, idempotency.Answer(answer.status, answer.body, call.request)
                    )
            return answer

    def _begin(self, call: Call) -> Callable[[], AbstractContextManager[Tx]]:
        cause = Cause(call.request, call.idempotency_key)
        turn = Turn(self.db.waiters)

        @contextmanager
        def begin() -> Iterator[Tx]:
            with (
                turn.bounds() as bounds,
                self.db.transaction(call.key.tenant, cause=cause, bounds=bounds) as tx,
            ):
                if call.begun and call.idempotency_key:
                    idempotency.hold(tx, call.idempotency_key, call.request)
                yield tx

        return begin

    def _shown(self, tx: Tx, call: Call, result: Any, tree: render.Tree) -> Answer:
        """A verb's result as an answer. A refusal that is returned, not raised, keeps what was done."""
        if isinstance(result, Refused):
            more = result.more.items()
            result.more = {name: rights.visible(call.key, call.verb, value) for name, value in more}
            return refusal(result)
        if isinstance(result, Answer):
            return result
        cls = call.verb.resource if isinstance(result, Where) else None
        if cls:
            result = listing.Page(*listing.page(tx, cls, result, call.sent), call.path)
        if isinstance(result, search.Result):
            result = search.shown(tx, result, tree)
        elif isinstance(result, listing.Page):
            result = listing.shown(result, cls, tx, tree)
        elif isinstance(result, Resource):
            result = render.one(tx, result, tree)
        return Answer(200, msgspec.json.encode(rights.visible(call.key, call.verb, result)))


def refusal(refused: Refused, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if refused.retry is not None:
        named["Stripe-Should-Retry"] = "true" if refused.retry else "false"
    return Answer(refused.status, msgspec.json.encode(refused.body()), named)


def failure(error: Exception, request: str) -> Answer:
    """An exception as an answer. What nobody foresaw is a 500 and a traceback in the log."""
    if isinstance(error, Refused):
        return refusal(error)
    if isinstance(error, (psycopg.errors.LockNotAvailable, *CONFLICTS, Interrupted)):
        locked = (
            "This object cannot be accessed right now because another API request is currently accessing it."
        )
        return refusal(Refused(locked, status=429, code="lock_timeout"))
    if isinstance(error, psycopg_pool.PoolTimeout | psycopg.OperationalError | Unavailable):
        log.error("request %s: unavailable: %s", request, error)
        gone = Refused("The service is unavailable for the moment; nothing was changed. Please try again.",
                       status=503, type="api_error")  # fmt: skip
        return refusal(gone, Retry_After="2")
    log.error("request %s failed", request, exc_info=error)
    return refusal(Refused("An unexpected error occurred; it has been logged under this request's id.",
                    status=500, type="api_error"))  # fmt: skip
