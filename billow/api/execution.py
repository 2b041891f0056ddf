"""Carry out a request: one transaction, one effect per idempotency key, one answer."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import psycopg
import psycopg_pool

from billow.api import confined, listing, params, render, rights, search
from billow.api.fields import Field
from billow.api.limits import Later
from billow.api.operation import Answer, Call, Unsettled, invoke
from billow.api.resource import Resource, Where
from billow.api.versions import events, history, reading
from billow.api.versions.known import NEWEST
from billow.api.versions.showing import Older, show_now
from billow.core.books.periods import INTO_CLOSED
from billow.core.errors import OutcomeUnknown, Refused, Unavailable
from billow.store import idempotency
from billow.store.perform import CONFLICTS, Interrupted, perform
from billow.store.turns import Turn
from billow.store.tx import Cause, Database, Tx

log = logging.getLogger("billow.api")
Finish = Callable[[Tx, Any], Answer]
EXPAND = Field("array", item=Field("text"))


@dataclass(frozen=True)
class Execution:
    """Carries out requests in the database's transactions."""

    db: Database
    nouns: Mapping[str, str]
    became: Callable[[Tx, Call, str], Any]
    """Returns what the request with an id did before its process died: a result, a refusal, or None.

    Raises `Unsettled` where only a gateway knows.
    """

    def carry_out(self, call: Call) -> Answer:
        """Run the verb in a transaction, store its answer with its idempotency key, and answer."""
        fingerprint = ""
        if call.idempotency_key:
            body = call.raw.body.hex() if call.raw else call.sent
            client = [call.key.id] if call.key.kind in ("publishable", "ephemeral") else []
            fingerprint = idempotency.fingerprint(call.verb.method, call.path, [body, *client])
        replay: list[idempotency.Answer] = []
        tree, lifted = self._judged(call), call.sent
        if call.verb.method != "GET" and (low := self.db.disk.low()):
            full = Refused(f"{low} Nothing was changed.", status=503, type="api_error")
            return refusal(full, Retry_After="10")

        def run(tx: Tx) -> Any:
            if call.idempotency_key:
                known = idempotency.begin(tx, call.idempotency_key, fingerprint, call.request)
                if isinstance(known, idempotency.Answer):
                    replay.append(known)
                    return None
                if known:
                    idempotency.take_over(tx, call.idempotency_key, known, call.request)
                    told = self.became(tx, call, known.request)
                    if told is not None:
                        return told
            call.begun = True
            if call.key.kind == "ephemeral":
                confined.check_objects(tx, call.key, call.verb, call.ids, call.sent)
            tx.notes["named_version"] = call.version if call.names_version else None
            tx.notes["expand"] = tree  # for a verb that shows what is gone when it answers
            if call.version != NEWEST and call.raw is None:
                call.sent = reading.read_in(tx, call, lifted)
            return invoke(tx, call)

        def finish(tx: Tx, result: Any) -> Answer:
            if replay:
                return Answer(
                    replay[0].status,
                    replay[0].body,
                    {"Idempotent-Replayed": "true", "Original-Request": replay[0].request},
                )
            answer = self._shown(tx, call, result, tree)
            if call.idempotency_key:
                kept = idempotency.Answer(answer.status, answer.body, call.request)
                idempotency.keep(tx, call.idempotency_key, kept)
            return answer

        try:
            return self._settled(call, run, finish)
        except Exception as error:
            return self._failed(call, error, finish)

    def carry_out_group(self, calls: Sequence[Call]) -> list[Answer]:
        """Carry out requests of one tenant and one grouped verb in one transaction; answer each for itself.

        Where it fails, one request may be the reason, so each is carried out alone, one after the other; but
        what fails for want of a lock or of the database fails for all.
        """
        params_of = calls[0].verb.params
        if len(calls) == 1 or params_of is None or self.db.disk.low():
            return [self._alone(call) for call in calls]
        answers: dict[int, Answer] = {}
        wanted: list[tuple[int, Any]] = []
        for place, call in enumerate(calls):
            try:
                self._judged(call)
                wanted.append((place, params.read(params_of, call.sent)))
            except Exception as error:
                answers[place] = failure(error, call.request)

        def run(tx: Tx) -> Any:
            return calls[0].verb.run(tx, [each for _, each in wanted])

        def finish(tx: Tx, results: Any) -> dict[int, Answer]:
            return {
                place: self._shown(tx, calls[place], result, {})
                for (place, _), result in zip(wanted, results, strict=True)
            }

        try:
            answers |= perform(self._begin(calls[0]), run, finish=finish) if wanted else {}
        except (psycopg.OperationalError, Unavailable, OutcomeUnknown, Interrupted) as error:
            answers |= {place: self._failed_group(calls[place], error) for place, _ in wanted}
        except Exception as error:
            log.info("a group of %d requests failed; each is carried out alone: %s", len(wanted), error)
            answers |= {place: self._alone(calls[place]) for place, _ in wanted}
        return [answers[place] for place in range(len(calls))]

    def _failed_group(self, call: Call, error: Exception) -> Answer:
        """Return the answer to a request of a group whose transaction failed: nothing changed, or unknown."""
        return (
            self._unknown(call, error) if isinstance(error, OutcomeUnknown) else failure(error, call.request)
        )

    def _alone(self, call: Call) -> Answer:
        try:
            return self.carry_out(call)
        except Exception as error:
            return failure(error, call.request)

    def _judged(self, call: Call) -> render.Tree:
        """Return what the request expands; refused where its key may not do what it asks for."""
        sent = call.sent.pop("expand", None)
        if call.version != NEWEST:
            call.renamed |= history.read(call.version, call.name, call.sent)
        tree = render.tree_of(params.parse(EXPAND, sent, "expand")) if sent is not None else {}
        if call.verb.kind == "list" and history.has_include(call.version):
            included = params.parse(EXPAND, call.sent.pop("include", []), "include")
            tree |= render.tree_of(included)
        former = history.expands(call.version)
        rights.judge(call.key, call.verb, call.sent, tree, self.nouns, former)
        call.tree = tree
        return tree

    def _begin(self, call: Call) -> Callable[[], AbstractContextManager[Tx]]:
        """Return the function that begins each transaction of a request."""
        return partial(
            self._transaction,
            call,
            Cause(call.request, call.idempotency_key, call.key.platform),
            Turn(self.db.waiters),
        )

    @contextmanager
    def _transaction(self, call: Call, cause: Cause, turn: Turn) -> Iterator[Tx]:
        reads = call.verb.method == "GET"
        with (
            turn.bounds() as bounds,
            self.db.transaction(call.key.tenant, cause=cause, bounds=bounds, reads=reads) as tx,
        ):
            if call.begun and call.idempotency_key:
                idempotency.hold(tx, call.idempotency_key, call.request)
            if call.version != NEWEST:
                may = partial(rights.may_read, call.key)
                tx.notes[render.OLDER] = Older(call.version, call.tree, may)
            if call.into_closed:
                tx.notes[INTO_CLOSED] = True
            yield tx
        call.committed = True

    def _settled(self, call: Call, verb: Callable[[Tx], Any], finish: Finish) -> Answer:
        """Run a verb; where it waits for an answer of the gateway, ask the gateway and run it again."""
        try:
            return perform(self._begin(call), verb, finish=finish)  # type: ignore[no-any-return]
        except Unsettled as unsettled:
            try:
                perform(lambda: self.db.transaction(call.key.tenant), unsettled.settle)
            except Exception as error:
                log.warning("request %s: what was begun at the gateway stays open: %s", call.request, error)
                raise unsettled from error
            call.asked = True
        return perform(self._begin(call), verb, finish=finish)  # type: ignore[no-any-return]

    # --------------------------------------------------------------------------------- failures

    def _failed(self, call: Call, error: Exception, finish: Finish) -> Answer:
        """Return the answer to a request that failed: a refusal, nothing changed, its outcome, or unknown."""
        if isinstance(error, Unsettled):
            return refusal(idempotency.in_use(call.idempotency_key or ""))
        if isinstance(error, Refused):
            history.name_as_sent(error, call.renamed)
            history.name_successor(error, call.version, call.name, call.sent)
            if call.version != NEWEST and error.more:
                with self._tried(call), self._begin(call)() as tx:
                    show_now(tx, error.more)
            return self._refused(call, refusal(error))
        if isinstance(error, OutcomeUnknown):
            return self._unknown(call, error)
        if call.verb.method == "GET" or not call.committed:
            return failure(error, call.request)
        return self._became(call, error, finish)

    def _refused(self, call: Call, answer: Answer) -> Answer:
        """Store a refusal under the key: after the first commit it is final as well."""
        if call.committed and call.idempotency_key:
            kept = idempotency.Answer(answer.status, answer.body, call.request)
            with self._tried(call), self._begin(call)() as tx:
                idempotency.give_up(tx, call.idempotency_key, kept)
        return answer

    def _became(self, call: Call, error: Exception, finish: Finish) -> Answer:
        """Return the answer to a request that failed after its first commit, from what it has written.

        A gateway that was silent just now is not asked again at once: the caller has waited long enough.
        """
        log.error("request %s failed after its first commit", call.request, exc_info=error)

        def tell(tx: Tx) -> Any:
            told = self.became(tx, call, call.request)
            # A conflict rolled its step back: where the steps before left no trace, nothing was done.
            if told is None and not isinstance(error, Unavailable | Interrupted):
                raise OutcomeUnknown from error
            if told is None and call.idempotency_key:
                idempotency.free(tx, call.idempotency_key, call.request)
            return failure(error, call.request) if told is None else told

        def shown(tx: Tx, result: Any) -> Answer:
            return result if isinstance(result, Answer) else finish(tx, result)

        try:
            if isinstance(error, Unavailable):
                return perform(self._begin(call), tell, finish=shown)  # type: ignore[no-any-return]
            return self._settled(call, tell, shown)
        except Refused as refused:
            return refusal(refused) if call.idempotency_key else self._unknown(call, error)
        except Exception as further:
            if not isinstance(further, Unsettled | OutcomeUnknown):
                log.error("request %s: its outcome cannot be found out", call.request, exc_info=further)
            return self._unknown(call, error)

    def _unknown(self, call: Call, error: Exception) -> Answer:
        """Answer that the outcome is unknown. The key stays open; a retry with it gets the outcome."""
        log.error("request %s: outcome unknown: %s", call.request, error)
        if call.idempotency_key:
            with self._tried(call), self.db.transaction(call.key.tenant) as tx:
                idempotency.release(tx, call.idempotency_key, call.request)
        return undecided(call.request, bool(call.idempotency_key))

    @contextmanager
    def _tried(self, call: Call) -> Iterator[None]:
        """Try something while the database may be away; if it fails, the lease of the key ends by itself."""
        try:
            yield
        except psycopg.OperationalError as error:
            log.error("request %s: its key could not be written: %s", call.request, error)

    def _shown(self, tx: Tx, call: Call, result: Any, tree: render.Tree) -> Answer:
        """Render a verb's result. A refusal that is returned, not raised, keeps what was done."""
        if isinstance(result, Refused):
            history.name_as_sent(result, call.renamed)
            show_now(tx, result.more)
            more = result.more.items()
            result.more = {name: rights.visible(call.key, call.verb, value) for name, value in more}
            return refusal(result)
        if isinstance(result, Answer):
            return result
        cls = call.verb.resource if isinstance(result, Where) else None
        count = None
        if cls:
            tree, counts = history.without_count(call.version, tree)
            count = listing.count(tx, cls, result) if counts else None
            result = listing.Page(*listing.page(tx, cls, result, call.sent), call.path)
        if isinstance(result, search.Result):
            result = search.shown(tx, result, tree, call.path)
        elif isinstance(result, listing.Page):
            result = listing.shown(result, cls, tx, tree)
            result |= {} if count is None else {"total_count": count}
        elif isinstance(result, Resource):
            result = render.one(tx, result, tree)
        show_now(tx, result)
        events.show_in(tx, result)
        return Answer(200, msgspec.json.encode(rights.visible(call.key, call.verb, result)))


def refusal(refused: Refused, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if refused.retry is not None:
        named["Stripe-Should-Retry"] = "true" if refused.retry else "false"
    if isinstance(refused, Later):
        named |= refused.headers
    return Answer(refused.status, msgspec.json.encode(refused.body()), named)


def undecided(request: str, keyed: bool) -> Answer:
    """Return the answer where the outcome is unknown: 500, which Stripe's clients take as that (decision 8).

    Clients are advised to retry only with an idempotency key, which makes a retry safe.
    """
    then = (
        "Send it again with the same Idempotency-Key to learn its result, not with a new one."
        if keyed
        else f"Look at the events of request {request} before you send it again: it had no Idempotency-Key,"
        " so that it may be carried out twice."
    )
    message = f"It is not known yet whether this request was carried out. {then}"
    unknown = Refused(message, status=500, type="api_error", retry=keyed)
    return refusal(unknown, **({"Retry_After": "2"} if keyed else {}))


def failure(error: Exception, request: str) -> Answer:
    """Return an exception that changed nothing as an answer; an unexpected one is a 500 and is logged."""
    if isinstance(error, Refused):
        return refusal(error)
    if isinstance(error, (psycopg.errors.LockNotAvailable, *CONFLICTS, Interrupted)):
        locked = (
            "This object cannot be accessed right now because another API request is currently accessing it."
        )
        return refusal(Refused(locked, status=429, code="lock_timeout"))
    if isinstance(error, psycopg_pool.PoolTimeout | psycopg.OperationalError | Unavailable):
        log.error("request %s: unavailable: %s", request, error)
        gone = Refused(
            "The service is unavailable for the moment; nothing was changed. Please try again.",
            status=503,
            type="api_error",
        )
        return refusal(gone, Retry_After="2")
    log.error("request %s failed", request, exc_info=error)
    if isinstance(error, OutcomeUnknown):
        return undecided(request, False)
    return refusal(
        Refused(
            "An unexpected error occurred; it has been logged under this request's id.",
            status=500,
            type="api_error",
        )
    )
