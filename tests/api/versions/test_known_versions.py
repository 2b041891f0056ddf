"""Is each known version answered, an unknown one refused, and the page of versions true?"""

from billow.api.operation import verbs
from billow.api.resource import REGISTRY, ROUTES
from billow.api.versions import history, page
from billow.api.versions.known import KNOWN, NEWEST
from tests.conftest import Api
from tests.test_tidy import ROOT

OPERATIONS = {f"{verb.method} {verb.path}" for verb in verbs(ROUTES)}


def test_an_unknown_version_is_refused_as_it_came(api: Api) -> None:
    for version in ("2019-02-19", "2022-08-02", "2026-11-18.endive", "2025-03-31", "2020-08-27;beta=v1", "x"):
        answer = api.get("/v1/customers", Stripe_Version=version)
        assert answer.status == 400
        assert answer["error"] == {
            "type": "invalid_request_error",
            "message": f"Invalid Stripe API version: {version}",
        }


def test_every_known_version_is_answered_and_named(api: Api) -> None:
    assert tuple(sorted(KNOWN)) == KNOWN
    for version in KNOWN:
        answer = api.get("/v1/customers", Stripe_Version=version)
        assert (answer.status, answer.headers["Stripe-Version"]) == (200, version)
    assert api.get("/v1/customers").headers["Stripe-Version"] == NEWEST


def test_the_newest_version_changes_nothing() -> None:
    assert history.since(NEWEST) == () and history.expands(NEWEST) == {}


def test_changes_name_nouns_that_there_are() -> None:
    for change in history.CHANGES:
        assert change.version in KNOWN
        assert set(change.objects) | set(change.expands) <= set(REGISTRY)
        assert set(change.requests) <= OPERATIONS  # else its functions would never be called
        named = {noun for fields in change.expands.values() for noun in fields.values()}
        assert named <= set(REGISTRY)


def test_the_page_of_versions_is_made_from_the_changes() -> None:
    assert (ROOT / "docs" / "reference" / "versions.md").read_text() == page.text()
    for change in history.CHANGES:
        functions = [each for found in (change.objects, change.requests) for each in found.values()]
        assert all(function.__doc__ for each in functions for function in each)
