"""Are params parsed correctly, and invalid ones refused with the exact message?"""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.api import fields as f
from billow.api import params
from billow.api.params import Params
from billow.core.errors import Refused

SPELLINGS = [
    ([("a", "1")], {"a": "1"}),
    ([("a[b]", "1"), ("a[c][d]", "2")], {"a": {"b": "1", "c": {"d": "2"}}}),
    ([("a[]", "1"), ("a[]", "2")], {"a": ["1", "2"]}),
    ([("a[5]", "y"), ("a[2]", "x")], {"a": ["x", "y"]}),
    ([("a[0][p]", "1"), ("a[0][q]", "2"), ("a[1][p]", "3")], {"a": [{"p": "1", "q": "2"}, {"p": "3"}]}),
    ([("a[][p]", "1"), ("a[][q]", "2"), ("a[][p]", "3")], {"a": [{"p": "1", "q": "2"}, {"p": "3"}]}),
    (
        [("a[][d][p]", "1"), ("a[][d][q]", "2"), ("a[][d][p]", "3")],
        {"a": [{"d": {"p": "1", "q": "2"}}, {"d": {"p": "3"}}]},
    ),
    ([("a[][t][]", "1"), ("a[][t][]", "2")], {"a": [{"t": ["1", "2"]}]}),
    ([("a", "1"), ("a", "2")], {"a": "2"}),
    ([("a[#]", "1"), ("a[#b]", "2")], {"a": {"#": "1", "#b": "2"}}),
    ([("a[10]", "c"), ("a[9]", "b"), ("a[]", "d")], {"a": ["b", "c", "d"]}),
]


@pytest.mark.parametrize(("pairs", "tree"), SPELLINGS)
def test_brackets_become_hashes_and_lists(pairs: list[tuple[str, str]], tree: dict[str, Any]) -> None:
    assert params.nested(pairs) == tree


@pytest.mark.parametrize("name", ["a[b", "a]b[", "a[b]c", "a[b][c", "a" + "[b]" * 9])
def test_a_name_that_is_no_path_is_refused(name: str) -> None:
    with pytest.raises(Refused):
        params.nested([(name, "1"), ("a[b]", "2"), ("a[b][c]", "3")])


@pytest.mark.parametrize("pairs", [[("a", "1"), ("a[b]", "2")], [("a[b]", "1"), ("a", "2")]])
def test_two_shapes_of_one_parameter_are_refused(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(Refused, match="two shapes"):
        params.nested(pairs)


def leaves(tree: Any, name: str = "") -> list[tuple[str, str]]:
    """A tree as the SDK sends it."""
    if isinstance(tree, dict):
        return [
            pair for key, value in tree.items() for pair in leaves(value, f"{name}[{key}]" if name else key)
        ]
    if isinstance(tree, list):
        return [pair for place, value in enumerate(tree) for pair in leaves(value, f"{name}[{place}]")]
    return [(name, tree)]


NAMES = st.text("abcdefg_", min_size=1, max_size=4)
TREES = st.dictionaries(
    NAMES,
    st.recursive(
        st.text("xyz", max_size=3),
        lambda inner: (
            st.lists(inner, min_size=1, max_size=3) | st.dictionaries(NAMES, inner, min_size=1, max_size=3)
        ),
        max_leaves=8,
    ),
    max_size=4,
)


@given(TREES)
def test_what_the_sdk_sends_is_what_is_read(tree: dict[str, Any]) -> None:
    pairs = leaves(tree)
    if all(name.count("[") < params.MAX_DEPTH for name, _ in pairs):
        assert params.nested(pairs) == tree


def test_many_elements_take_linear_time() -> None:
    assert len(params.nested([("a[]", "")] * 200_000)["a"]) == 200_000


class Inner(Params):
    rate: Decimal = f.decimal(min=0, required=True)
    label: str | None = f.text(max=5, unset=True)


class Outer(Params):
    count: int = f.integer(min=1, max=9, default=3)
    inner: Inner | None = f.nested(shape=Inner)
    list_: list[Inner] = f.array(item=Inner, max=2)
    flag: bool = f.boolean(default=False)
    kind: str = f.choice(f.CREATE, "one", "two", "three", default="one")
    currency: str | None = f.currency()
    at: Any = f.timestamp(choices=("now",))
    note: str | None = f.text(unset=True)


REFUSALS = [
    ({"count": "x"}, "Invalid integer: x", "count", "parameter_invalid_integer"),
    ({"count": "٣"}, "Invalid integer: ٣", "count", "parameter_invalid_integer"),
    ({"count": "1.0"}, "Invalid integer: 1.0", "count", "parameter_invalid_integer"),
    ({"count": "0"}, "This value must be greater than or equal to 1.", "count", None),
    ({"count": "10"}, "This value must be less than or equal to 9.", "count", None),
    ({"count": ""}, "You passed an empty string for 'count'.", "count", "parameter_invalid_empty"),
    ({"kind": "four"}, "Invalid kind: must be one of one, two, or three", "kind", None),
    ({"flag": "yes"}, "Invalid boolean: yes", "flag", None),
    ({"currency": "xxx"}, "Invalid currency: xxx.", "currency", None),
    ({"at": "soon"}, "Invalid timestamp: soon", "at", None),
    ({"inner": "x"}, "Invalid object", "inner", None),
    ({"list_": {"a": "1"}}, "Invalid array", "list_", None),
    ({"list_": [{"rate": "1"}] * 3}, "Invalid array: list_ can contain at most 2", "list_", None),
    ({"inner": {}}, "Missing required param: inner[rate].", "inner[rate]", "parameter_missing"),
    ({"inner": {"rate": "1e500"}}, "Invalid decimal: 1e500", "inner[rate]", None),
    ({"inner": {"rate": "NaN"}}, "Invalid decimal: NaN", "inner[rate]", None),
    ({"inner": {"rate": "."}}, "Invalid decimal: .", "inner[rate]", None),
    (
        {"inner": {"rate": "0.0000000000001"}},
        "must contain at maximum 12 decimal places",
        "inner[rate]",
        None,
    ),
    ({"inner": {"rate": "-0.1"}}, "This value must be greater than or equal to 0.", "inner[rate]", None),
    (
        {"list_": [{"rate": "1"}, {"rate": "1", "label": "too long"}]},
        "must be at most 5 characters",
        "list_[1][label]",
        None,
    ),
    ({"inner": {"rate": "1", "label": " "}}, "is blank", "inner[label]", "parameter_invalid_string_blank"),
    ({"nope": "1"}, "Received unknown parameter: nope", "nope", "parameter_unknown"),
    ({"nope": "1", "no": "2"}, "Received unknown parameters: nope, no", "nope", "parameter_unknown"),
    (
        {"inner": {"rate": "1", "x": "1"}},
        "Received unknown parameter: inner[x]",
        "inner[x]",
        "parameter_unknown",
    ),
]


@pytest.mark.parametrize(("sent", "message", "param", "code"), REFUSALS)
def test_a_refusal_names_the_parameter(
    sent: dict[str, Any], message: str, param: str, code: str | None
) -> None:
    with pytest.raises(Refused) as refused:
        params.read(Outer, sent)
    assert message in refused.value.message
    assert (refused.value.param, refused.value.code, refused.value.status) == (param, code, 400)


def test_decimals_keep_every_digit() -> None:
    exact = "123456789012345678.123456789012"
    read = params.read(Inner, {"rate": exact}).rate
    assert f"{read:f}" == exact
    assert str(params.read(Inner, {"rate": "-0"}).rate) == "0"
    assert params.read(Inner, {"rate": "1.500000000000000"}).rate == Decimal("1.5")


def test_given_tells_what_was_sent_from_what_is_default() -> None:
    wanted = params.read(Outer, {"note": "", "at": "now"})
    assert wanted.given("note") and not wanted.given("count")
    assert (wanted.note, wanted.count, wanted.at) == (None, 3, "now")
    assert wanted.sent() == {"note": None, "at": "now"}


def test_what_is_sent_wrong_is_answered_with_the_whole_error_object(api: Any) -> None:
    answer = api.post("/v1/customers", {"nme": "Ann"})
    assert answer.status == 400
    assert answer == {
        "error": {
            "type": "invalid_request_error",
            "code": "parameter_unknown",
            "message": "Received unknown parameter: nme",
            "param": "nme",
            "doc_url": "https://docs.stripe.com/error-codes/parameter-unknown",
        }
    }
    assert api.post("/v1/products", {})["error"]["message"] == "Missing required param: name."


def test_metadata_is_merged_by_key(api: Any) -> None:
    made = api.post("/v1/customers", {"metadata[a]": "1", "metadata[b]": "2", "metadata[c]": ""})
    assert made["metadata"] == {"a": "1", "b": "2"}
    path = f"/v1/customers/{made['id']}"
    assert api.post(path, {"metadata[b]": "", "metadata[d]": "4"})["metadata"] == {"a": "1", "d": "4"}
    assert api.post(path, {"metadata": ""})["metadata"] == {}


@pytest.mark.parametrize(("key", "value"), [("x" * 41, "1"), ("x", "1" * 501)])
def test_metadata_has_limits(api: Any, key: str, value: str) -> None:
    refused = api.post("/v1/customers", {f"metadata[{key}]": value})
    assert refused.status == 400 and refused["error"]["param"].startswith("metadata")


def test_at_most_fifty_keys_of_metadata(api: Any) -> None:
    made = api.post("/v1/customers", {f"metadata[k{n}]": "1" for n in range(50)})
    assert made.status == 200
    assert api.post(f"/v1/customers/{made['id']}", {"metadata[more]": "1"}).status == 400


def test_the_empty_string_unsets_what_can_be_unset(api: Any) -> None:
    made = api.post("/v1/customers", {"address[city]": "Bern", "name": "Ann"})
    path = f"/v1/customers/{made['id']}"
    assert api.post(path, {"address[country]": "CH"})["address"]["city"] == "Bern"
    assert api.post(path, {"address": ""})["address"] is None
    assert api.post(path, {"name": ""})["name"] is None
    assert api.post("/v1/customers", {"name": "", "email": ""})["email"] is None


def test_the_empty_string_is_refused_for_what_cannot_be_unset(api: Any) -> None:
    product = api.post("/v1/products", {"name": "Cloud"})["id"]
    for path, name in [
        (f"/v1/products/{product}", "name"),
        ("/v1/subscriptions", "customer"),
        ("/v1/customers", "payment_method"),
    ]:
        refused = api.post(path, {name: ""})
        assert (refused["error"]["code"], refused["error"]["param"]) == ("parameter_invalid_empty", name)
    assert api.get(f"/v1/products/{product}")["name"] == "Cloud"
    refused = api.get("/v1/customers", {"email": ""})
    assert refused["error"]["code"] == "parameter_invalid_empty"


@pytest.mark.parametrize("sent", ["8.3E-7", "8.3e-7", "+83e-8", "0.00000083", "0.0083E-4", "8300000000e-16"])
def test_a_decimal_may_have_an_exponent(api: Any, sent: str) -> None:
    product = api.post("/v1/products", {"name": "Cloud"})["id"]
    price = api.post("/v1/prices", {"product": product, "currency": "usd", "unit_amount_decimal": sent})
    assert price["unit_amount_decimal"] == "0.00000083"
    rate = {"display_name": "VAT", "inclusive": "false", "percentage": "1.9E+1"}
    assert api.post("/v1/tax_rates", rate)["percentage"] == 19


@pytest.mark.parametrize(
    "sent", ["1E-13", "1E999999999", "1E51", "1E-51", "1E", "E1", "1E1.0", "1E+-1", "１E1"]
)
def test_an_exponent_does_not_widen_what_a_decimal_may_be(api: Any, sent: str) -> None:
    product = api.post("/v1/products", {"name": "Cloud"})["id"]
    price = api.post("/v1/prices", {"product": product, "currency": "usd", "unit_amount_decimal": sent})
    assert (price.status, price["error"]["param"]) == (400, "unit_amount_decimal")


def test_booleans_may_be_written_as_python_writes_them(api: Any) -> None:
    product = api.post("/v1/products", {"name": "Cloud", "active": "False"})
    assert product["active"] is False
    assert api.get("/v1/products", {"active": "False"})["data"] == [product]
    assert api.get("/v1/products", {"active": "True"})["data"] == []
    assert api.post(f"/v1/products/{product['id']}", {"active": "True"})["active"] is True
    assert api.post("/v1/products", {"name": "Cloud", "active": "TRUE!"}).status == 400


@pytest.mark.parametrize("earlier", ["-1", "-62135596801", "-99999999999", "0"])
def test_a_filter_may_name_a_time_before_1970(api: Any, earlier: str) -> None:
    made = api.post("/v1/customers")
    for sign in ("gt", "gte"):
        assert [one["id"] for one in api.get("/v1/customers", {f"created[{sign}]": earlier})["data"]] == [
            made["id"]
        ]
    for filters in ({"created[lt]": earlier}, {"created[lte]": earlier}, {"created": earlier}):
        assert api.get("/v1/customers", filters)["data"] == []
    for path in ("/v1/invoices", "/v1/events", "/v1/charges", "/v1/subscriptions"):
        assert api.get(path, {"created[gte]": earlier}).status == 200
    assert len(api.get("/v1/customers/search", {"query": f"created>{earlier}"})["data"]) == 1
    answer = api.post("/v1/subscriptions", {"customer": made["id"], "cancel_at": "-1"})
    assert answer["error"]["param"] == "cancel_at"


def test_percentages_are_floats(api: Any) -> None:
    coupon = api.ask("POST", "/v1/coupons", data={"percent_off": "50", "duration": "once"})
    assert isinstance(coupon["percent_off"], float) and coupon["percent_off"] == 50
    rate = {"display_name": "VAT", "inclusive": "true", "percentage": "19"}
    assert isinstance(api.post("/v1/tax_rates", rate)["percentage"], float)


def test_bytes_that_are_no_text_are_refused(api: Any) -> None:
    for body in (b"name=%FF", b"name=\xff", b"name=a%00b", b"metadata[a%00]=1"):
        assert api.post("/v1/customers", body).status == 400, body
    assert api.ask("GET", "/v1/customers?email=%FF").status == 400


def test_json_is_refused_under_v1(api: Any) -> None:
    answer = api.ask("POST", "/v1/customers", data="{}", content_type="application/json")
    assert answer.status == 400 and "application/x-www-form-urlencoded" in answer["error"]["message"]


def test_a_body_of_two_megabytes_is_refused(api: Any) -> None:
    assert api.post("/v1/customers", "name=" + "a" * (2 << 20)).status == 413


@pytest.mark.parametrize("depth", [9, 950, 100_000])
def test_deep_json_is_refused(api: Any, depth: int) -> None:
    body = b'{"event_name": "a", "payload": ' + b"[" * depth + b"]" * depth + b"}"
    answer = api.ask("POST", "/v2/billing/meter_events", data=body, content_type="application/json")
    assert answer.status == 400 and answer["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("number", [b"9" * 5000, b"9" * 100_000, b"1e999", b"-" + b"9" * 400])
def test_endless_numbers_are_refused(api: Any, number: bytes) -> None:
    body = b'{"event_name": "a", "payload": {"value": ' + number + b"}}"
    answer = api.ask("POST", "/v2/billing/meter_events", data=body, content_type="application/json")
    assert answer.status == 400


def test_a_form_has_at_most_ten_thousand_parameters(api: Any) -> None:
    answer = api.post("/v1/customers", "&".join(["metadata[a]=1"] * 10_001))
    assert answer.status == 400 and "10000 parameters" in answer["error"]["message"]
    assert api.post("/v1/customers", "&".join(["metadata[a]=1"] * 10_000)).status == 200


def test_a_body_shorter_than_it_was_said_to_be_is_refused(api: Any) -> None:
    short = {"CONTENT_LENGTH": "100", "wsgi.input_terminated": True}
    for environ in (short, {"CONTENT_LENGTH": "100"}):
        answer = api.ask("POST", "/v1/customers", data="name=Ann", environ_overrides=environ)
        assert answer.status == 400 and "cut off" in answer["error"]["message"]
    assert api.get("/v1/customers")["data"] == []
