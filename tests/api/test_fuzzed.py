"""Does any request break the server, or get an answer that its description does not allow?

Schemathesis makes requests for each operation from /openapi.json: valid, or invalid in some place. A request
of random values is refused at the first unknown id; so most requests are made to get further: ids are those
of existing objects, required params are present, and `expand` names fields that can be expanded.
"""

import random
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks

from billow.api import listing, params
from billow.api.fields import Field, declared
from billow.api.resource import Verb
from billow.pages.description import accepted_by, describe
from tests.api.test_tenancy_routes import EVERY as WITH_FORMER
from tests.api.test_tenancy_routes import RECIPES, filled_in, holder, named, sample, world
from tests.conftest import new_caller
from tests.support.world import flat

AT_LEAST = 5000
EVERY = [verb for verb in WITH_FORMER if not verb.until]  # what the description has
CASES = -(-AT_LEAST // len(EVERY))
CHECKS = [
    not_a_server_error,
    checks.response_schema_conformance,
    checks.content_type_conformance,
    checks.status_code_conformance,
]
MOSTLY, OFTEN, SELDOM = 0.9, 0.5, 0.1


@pytest.fixture(scope="module")
def described(app: Any) -> Any:
    return schemathesis.openapi.from_wsgi("/openapi.json", app.wsgi)


class Stage:
    """An account that has one of everything."""

    def __init__(self, app: Any) -> None:
        self.caller = new_caller(app)
        self.own = world(self.caller)


@pytest.fixture(scope="module")
def read_only(app: Any) -> Stage:
    return Stage(app)


@pytest.fixture(scope="module")
def growing(app: Any) -> Stage:
    """For what only adds to it; one for each of the others, which may end what the next one needs."""
    return Stage(app)


@pytest.mark.parametrize("verb", EVERY, ids=named)
def test_no_request_breaks_the_server_or_its_description(
    app: Any, described: Any, read_only: Stage, growing: Stage, verb: Verb
) -> None:
    stage = growing
    if verb.method == "GET" or "{" in verb.path:
        stage = read_only if verb.method == "GET" else Stage(app)
    statuses = fuzz(stage, described[verb.path][verb.method], verb)
    assert len(statuses) >= CASES, f"all the operations together are to be tried {AT_LEAST} times"


def fuzz(stage: Stage, operation: Any, verb: Verb, cases: int = CASES) -> list[int]:
    """Send so many requests, of which none may break anything; the statuses of the answers."""
    statuses: list[int] = []
    modes = [operation.as_strategy(generation_mode=mode) for mode in GenerationMode]

    @seed(zlib.crc32(named(verb).encode()))
    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(*modes), st.integers(0, 2**32))
    def send(case: Any, luck: int) -> None:
        Maker(verb, stage.own, random.Random(luck)).improve(case)
        answer = case.call(headers={"Authorization": f"Bearer {stage.caller.key}"})
        statuses.append(answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    send()
    return statuses


# ------------------------------------------------------------------------------------- requests that go far


@dataclass
class Maker:
    """Makes of a random request one that comes further: `own` is what exists, by noun."""

    verb: Verb
    own: dict[str, str]
    chance: random.Random

    def improve(self, case: Any) -> None:
        for place, name in enumerate(re.findall(r"\{(\w+)\}", self.verb.path)):
            known = self.own.get(holder(self.verb, place))
            if known and self.luck(MOSTLY):
                case.path_parameters[name] = known
        if not isinstance(case.body, dict):
            case.query = flat(self.better(case.query))
        elif self.verb.path.startswith("/v2/") or self.uploads():
            case.body = self.better(case.body)
        else:  # Schemathesis cannot write arrays of hashes as `items[0][price]=…`
            case.body = flat(self.better(case.body))

    def uploads(self) -> bool:
        return any(spec.kind == "file" for spec in accepted_by(self.verb).values())

    def luck(self, likely: float) -> bool:
        return self.chance.random() < likely

    def better(self, sent: dict[str, Any]) -> dict[str, Any]:
        accepted = accepted_by(self.verb)
        if self.luck(OFTEN):  # less of it, and what is required
            sent = {name: value for name, value in sent.items() if name in accepted and self.luck(OFTEN)}
            sent = {**self.enough(), **sent}
        sent = self.grounded(sent, accepted)
        sent.pop("wait", None)  # the feed would wait for half a minute
        if "expand" in sent and self.luck(MOSTLY):
            sent["expand"] = self.expandable()
        if self.verb.kind == "search" and self.luck(MOSTLY):
            sent["query"] = self.chance.choice(
                ['-metadata["a"]:null', 'metadata["a b"]:"c" OR metadata["a"]:null']
            )
        return sent

    def enough(self) -> dict[str, Any]:
        """What must be sent at least: that of the recipe, or what is required."""
        recipes = [
            given for path, given in RECIPES.values() if self.verb.method == "POST" and path == self.verb.path
        ]
        given = recipes[0] if recipes else sample(self.verb, self.own)
        files = {name: value for name, value in given.items() if isinstance(value, bytes)}
        texts = {name: filled_in(value, self.own) for name, value in given.items() if name not in files}
        return {**params.nested([*texts.items()]), **files}

    def expandable(self) -> list[str]:
        fields = self.verb.resource.specs.values() if self.verb.resource else ()
        names = [spec.name for spec in fields if spec.kind in ("ref", "sublist")]
        at = "data." if self.verb.kind in ("list", "search") else ""
        return [at + name for name in self.chance.sample(names, min(2, len(names)))]

    def grounded(self, sent: Any, accepted: Mapping[str, Field]) -> Any:
        if not isinstance(sent, dict):
            return sent
        known = {name: self.ground(value, accepted[name]) for name, value in sent.items() if name in accepted}
        return {**sent, **known}

    def ground(self, value: Any, spec: Field) -> Any:
        if spec.kind == "hash" and spec.shape:
            return self.grounded(value, declared(spec.shape))
        if spec.kind == "array" and isinstance(value, list):
            inner = spec.item or Field("hash", shape=spec.shape)
            return [self.ground(item, inner) for item in value]
        if spec.unset and self.luck(SELDOM):
            return ""
        if self.luck(SELDOM) or spec.kind not in ("ref", "currency"):
            return value
        return (
            self.own.get(spec.to, value) if spec.kind == "ref" else self.chance.choice(["usd", "chf", "jpy"])
        )


# ------------------------------------------------------------------------------------- planted


def test_a_description_that_is_wrong_is_found(app: Any) -> None:
    page = describe(EVERY)
    page["components"]["schemas"]["product"]["properties"]["type"]["enum"] = ["goods", "services"]
    told = schemathesis.openapi.from_dict(page)
    told.app = app.wsgi
    [verb] = [verb for verb in EVERY if named(verb) == "GET /v1/products/{id}"]
    with pytest.raises(FailureGroup, match="violates schema"):
        fuzz(Stage(app), told[verb.path][verb.method], verb)


def test_a_server_that_breaks_is_found(app: Any, described: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    [verb] = [verb for verb in EVERY if named(verb) == "GET /v1/coupons"]
    stage = Stage(app)
    monkeypatch.setattr(listing, "page", lambda *given: 1 // 0)
    with pytest.raises(FailureGroup, match="Server error"):
        fuzz(stage, described[verb.path][verb.method], verb)
