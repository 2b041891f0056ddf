"""Can every list of the official library be read, empty where billow does not have the noun?"""

from typing import Any

import pytest

from billow.api.operation import verbs
from billow.api.params import specs
from billow.api.resource import REGISTRY, ROUTES
from billow.resources import nouns_not_there
from tests.api.test_rights import restricted
from tests.api.test_tenancy_routes import world
from tests.conftest import Api, new_caller
from tests.support import sdk_lists
from tests.test_tidy import ROOT

PAGE = ROOT / "docs" / "reference" / "nouns_not_there.md"
ROWS = [pytest.param(*row[:2], id=row[0]) for row in nouns_not_there.LISTS]
THEIRS = {each.path: each for each in sdk_lists.lists()}
PATHS = [path for path, _, _ in nouns_not_there.LISTS]


def test_every_list_that_needs_no_other_object_is_there() -> None:
    ours = {verb.path for verb in verbs(ROUTES) if verb.method == "GET"}
    assert len(THEIRS) > 90
    names_no_object = {path for path, each in THEIRS.items() if each.required <= {"scope", "type"}}
    assert names_no_object - ours == set()


def test_a_noun_that_is_there_has_no_empty_list() -> None:
    """Whoever writes the noun removes its line: otherwise two operations would have one path."""
    assert [noun for _, noun, _ in nouns_not_there.LISTS if noun in REGISTRY] == []
    ours = [(verb.method, verb.path) for verb in verbs(ROUTES)]
    assert len(ours) == len(set(ours))


@pytest.mark.parametrize(("path", "noun"), ROWS)
def test_an_empty_list_has_the_shape_of_any_list(api: Any, path: str, noun: str) -> None:
    answer = api.get(path)
    assert (answer.status, dict(answer)) == (
        200,
        {"object": "list", "data": [], "has_more": False, "url": path},
    )


@pytest.mark.parametrize(("path", "noun"), ROWS)
def test_an_empty_list_takes_what_the_library_types_for_it_and_nothing_else(
    furnished: tuple[Api, dict[str, str]], path: str, noun: str
) -> None:
    api, made = furnished
    verb = next(verb for verb in verbs(ROUTES) if (verb.method, verb.path) == ("GET", path))
    accepted = specs(verb.params) if verb.params else {}
    theirs = THEIRS[path]
    paging = {"limit", "starting_after", "ending_before"}
    assert set(accepted) == theirs.own | paging  # one list (report types) is shorter than a page
    for name in theirs.own:
        for form in sdk_lists.forms(theirs.params[name], name):
            sent = {at: made.get(accepted[name].to, value) for at, value in form}
            if accepted[name].kind in ("range", "boolean", "integer", "timestamp"):
                sent = {at: value.replace("x", "1") for at, value in sent.items()}
            answer = api.get(path, sent)
            assert (answer.status, answer.get("data")) == (200, []), (sent, answer)
    refused = api.get(path, {"colour": "red"})
    assert (refused.status, refused["error"]["code"]) == (400, "parameter_unknown")


@pytest.fixture(scope="module")
def furnished(app: Any) -> tuple[Api, dict[str, str]]:
    """A caller, and one object of each noun that filters name, by its `object`."""
    api = new_caller(app)
    return api, world(api)


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"starting_after": "tu_1"}, "starting_after"),
        ({"starting_after": "tu_1", "ending_before": "tu_2"}, "ending_before"),
        ({"created[after]": "1"}, "created[after]"),
        ({"expand[]": "source"}, "expand"),
    ],
)
def test_params_of_an_empty_list_are_checked_as_those_of_any_list(
    api: Any, sent: dict[str, str], param: str
) -> None:
    answer = api.get("/v1/topups", sent)
    assert (answer.status, answer["error"]["param"]) == (400, param)


def test_an_empty_list_takes_expand_and_ranges(api: Any) -> None:
    sent = {"expand[]": "data.source", "created[gte]": "1", "created[lt]": "1800000000", "limit": "100"}
    assert api.get("/v1/topups", sent)["data"] == []


@pytest.mark.parametrize(("path", "noun"), [row for row in ROWS if row.values[0] != "/v1/accounts"])
def test_none_of_them_is_found_by_its_id(api: Any, path: str, noun: str) -> None:
    words = noun.rpartition(".")[2].replace("_", " ")
    answer = api.get(f"{path}/none_1")
    assert answer.status == 404
    assert answer["error"] == {
        "type": "invalid_request_error",
        "code": "resource_missing",
        "message": f"No such {words}: 'none_1'",
        "param": "id",
        "doc_url": "https://docs.stripe.com/error-codes/resource-missing",
    }


def test_a_setup_intent_is_looked_for_with_its_client_secret(api: Any) -> None:
    answer = api.get("/v1/setup_intents/seti_1", {"client_secret": "seti_1_secret_2"})
    assert (answer.status, answer["error"]["code"]) == (404, "resource_missing")


def test_what_is_not_there_cannot_be_made(api: Any) -> None:
    answer = api.post("/v1/topups/tu_1", {"metadata[a]": "b"})
    assert answer.status == 404 and "Unrecognized request URL" in answer["error"]["message"]


def test_an_empty_list_needs_the_right_to_its_noun(api: Any) -> None:
    key = {"Authorization": f"Bearer {restricted(api, topups='read', customers='read')}"}
    assert api.get("/v1/topups", **key).status == 200
    assert api.get("/v1/topups/tu_1", **key).status == 404
    refused = api.get("/v1/issuing/disputes", **key)
    assert refused.status == 403 and "permissions[issuing_disputes]=read" in refused["error"]["message"]


def test_an_account_has_no_external_accounts(api: Any) -> None:
    path = f"/v1/accounts/{api.account}/external_accounts"
    for sent in ({}, {"object": "card", "limit": "100"}, {"object": "bank_account"}):
        answer = api.get(path, sent)
        assert (answer.status, answer["data"], answer["url"]) == (200, [], path)
    assert api.get("/v1/account")["external_accounts"] == api.get(path)
    assert api.get("/v1/accounts/acct_none/external_accounts").status == 403
    assert api.get(path, {"object": "wallet"}).status == 400


def test_the_page_names_each_empty_list() -> None:
    told = [line for line in PAGE.read_text().splitlines() if line.startswith("`/v1/")]
    assert sorted(path for line in told for path in line.replace("`", "").rstrip(",.").split(", ")) == sorted(
        [*PATHS, "/v1/accounts/{account}/external_accounts"]
    )
