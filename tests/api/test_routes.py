"""The operation at a path is the one that the WSGI application would find."""

import random
import re
from collections.abc import Sequence

import pytest
from werkzeug.exceptions import HTTPException

from billow.api.operation import verbs
from billow.app import App

METHODS = ("GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS")


def of_werkzeug(app: App, method: str, path: str) -> tuple[str, dict[str, str]] | None:
    try:
        endpoint, ids = app.wsgi.url_map.bind("").match(path, method)
    except HTTPException:
        return None
    return (endpoint, dict(ids)) if " /v" in endpoint else None


def of_ours(app: App, method: str, path: str) -> tuple[str, dict[str, str]] | None:
    found = app.server.operations.find(method, path)
    if found is None:
        return None
    verb, ids = found
    names = re.findall(r"\{(\w+)\}", verb.path)
    return f"{verb.method} {verb.path}", dict(zip(names, ids, strict=True))


def differences(app: App, paths: Sequence[str]) -> list[str]:
    return [
        f"{method} {path}: {of_werkzeug(app, method, path)} | {of_ours(app, method, path)}"
        for path in paths
        for method in METHODS
        if of_werkzeug(app, method, path) != of_ours(app, method, path)
    ]


def test_every_operation_is_found(app: App) -> None:
    for verb in verbs(app.server.routes):
        assert app.server.operations.find(verb.method, verb.path) is not None
    paths = sorted({re.sub(r"\{\w+\}", "id_1", verb.path) for verb in verbs(app.server.routes)})
    variants = [path + more for path in paths for more in ("", "/", "//", "/more", "?")]
    assert differences(app, variants) == []


def test_paths_put_together_by_chance_lead_to_the_same(app: App) -> None:
    chance = random.Random(11)
    segments = sorted({part for verb in verbs(app.server.routes) for part in verb.path.split("/")})
    segments = [part for part in segments if not part.startswith("{")] + ["cus_1", "a b", "é", ".", "..", ";"]
    paths = ["/v1/" + "/".join(chance.choices(segments, k=chance.randrange(1, 5))) for _ in range(3000)]
    assert differences(app, paths) == []


@pytest.mark.parametrize("path", ["/v1/", "/v1//", "/v1//customers", "/v1/customers/%2F", "/v1/customers//"])
def test_odd_paths_lead_to_the_same(app: App, path: str) -> None:
    assert differences(app, [path]) == []
