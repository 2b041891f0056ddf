"""What does a search find, what does it refuse, and does no query cause an SQL error?"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billow.api import search as searches
from billow.api.resource import REGISTRY
from billow.core import search
from billow.core.errors import Refused
from billow.store import search as store
from tests.conftest import new_caller

NOUNS = ["charges", "customers", "invoices", "payment_intents", "prices", "products", "subscriptions"]


def names(api: Any, query: str, noun: str = "customers", **more: Any) -> list[str]:
    answer = api.get(f"/v1/{noun}/search", {"query": query, **more})
    assert answer.status == 200, answer
    return [found["name"] for found in answer["data"]]


@pytest.fixture
def people(api: Any) -> dict[str, str]:
    """Four customers, the newest first in what a search finds: Zoë, Bob, Ann-Marie, Ann."""
    made = {}
    for name, email, phone, order in (
        ("Ann Smith", "ann@example.com", "+41 44 000 00 01", "6735"),
        ("Ann-Marie O'Neil", "Marie@Example.com", "", "Big One"),
        ('Bob "the" Builder', "", "", "6735"),
        ("Zoë Ångström", "zoe@sub.example.org", "+41 44 000 00 02", ""),
    ):
        sent = {"name": name, "metadata[order]": order}
        sent |= {"email": email} if email else {}
        sent |= {"phone": phone} if phone else {}
        made[name] = api.post("/v1/customers", sent)["id"]
    return made


ANN, MARIE, BOB, ZOE = "Ann Smith", "Ann-Marie O'Neil", 'Bob "the" Builder', "Zoë Ångström"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('email:"ann@example.com"', [ANN]),
        ('email:"MARIE@example.com"', [MARIE]),
        ("email:'ann@example.com'", [ANN]),
        ('email:"example.com"', []),
        ('email~"example.com"', [MARIE, ANN]),
        ('email~"EXAMPLE"', [ZOE, MARIE, ANN]),
        ('-email~"example"', [BOB]),
        ("email:null", [BOB]),
        ("-email:null", [ZOE, MARIE, ANN]),
        ('name:"ann"', [MARIE, ANN]),
        ('name:"ann smith"', [ANN]),
        ('name:"smith ann"', []),
        ('name:"Ann Marie"', [MARIE]),
        ('name:"an"', []),
        ('name~"mar"', [MARIE]),
        ('name:"o\'neil"', [MARIE]),
        (r"name:'o\'neil'", [MARIE]),
        (r'name:"bob \"the\" builder"', [BOB]),
        ('name:"ångström"', [ZOE]),
        ('name:"!!!"', []),
        ('phone:"+41 44 000 00 01"', [ANN]),
        ('phone~"000 00"', [ZOE, ANN]),
        ('metadata["order"]:"6735"', [BOB, ANN]),
        ("metadata['order']:'big one'", [MARIE]),
        ('metadata["order"]~"big"', [MARIE]),
        ('metadata["order"]:null', [ZOE]),
        ('-metadata["order"]:null', [BOB, MARIE, ANN]),
        ('-metadata["order"]:"6735"', [ZOE, MARIE]),
        ('metadata["other"]:"6735"', []),
        ('name:"ann" AND metadata["order"]:"6735"', [ANN]),
        ('name:"ann" metadata["order"]:"6735"', [ANN]),
        ('name:"ann" and -metadata["order"]:"6735"', [MARIE]),
        ('name:"smith" OR name:"bob"', [BOB, ANN]),
        ('name:"smith" or email:null or phone~"00 02"', [ZOE, BOB, ANN]),
        ("created>0", [ZOE, BOB, MARIE, ANN]),
        ("created<1000", []),
        ('name:"100%_"', []),
    ],
)
def test_a_query_finds_what_it_says(api: Any, people: Any, query: str, found: list[str]) -> None:
    assert names(api, query) == found


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "cannot be unset"),
        ("   ", "blank"),
        ("ann", "ends too early"),
        ('email:"ann" OR name:"bob" AND name:"x"', "AND and OR cannot be combined"),
        ('email:"ann" OR name:"bob" name:"x"', "AND and OR cannot be combined"),
        ('(email:"ann")', "parentheses"),
        ('email:"ann" AND', "ends too early"),
        ('email:"ann', "cannot be read from"),
        ("email:ann", "must be in quotes"),
        ('email>"ann"', "only with : ~"),
        ('colour:"red"', "cannot be searched by colour"),
        ('email~"an"', "at least 3 characters"),
        ("created:yesterday", "must be a number"),
        (f"created:{10**28}", "must be a Unix timestamp"),
        ("created>1.5", "timestamp"),
        ("created>99999999999999", "timestamp"),
        ('created~"123"', "only with"),
        ("email~null", "null can only be used as email:null"),
        ('metadata:"x"', "by key"),
        ('email["x"]:"y"', "by key"),
        ('metadata[order]:"y"', "cannot be read from"),
        (" OR ".join(['name:"ann"'] * 11), "more than 10 clauses"),
    ],
)
def test_a_bad_query_is_refused_in_words(api: Any, query: str, says: str) -> None:
    answer = api.get("/v1/customers/search", {"query": query})
    assert answer.status == 400 and answer["error"]["param"] == "query", answer
    assert answer["error"]["type"] == "invalid_request_error" and says in answer["error"]["message"], answer


def test_ten_clauses_are_not_too_many(api: Any, people: Any) -> None:
    assert names(api, " OR ".join(['name:"smith"'] * 10)) == [ANN]


def test_a_query_is_required_and_nothing_else_is_known(api: Any) -> None:
    missing = api.get("/v1/customers/search")
    assert (missing.status, missing["error"]["code"]) == (400, "parameter_missing")
    unknown = api.get("/v1/customers/search", {"query": "created>0", "starting_after": "cus_1"})
    assert unknown["error"]["code"] == "parameter_unknown"
    for limit in (0, 101):
        assert api.get("/v1/customers/search", {"query": "created>0", "limit": limit}).status == 400
    for page in ("x", "Zm9v", "MjAyNi0wMS0wMVQwMDowMDowMCBhYmM", "é"):
        answer = api.get("/v1/customers/search", {"query": "created>0", "page": page})
        assert (answer.status, answer["error"]["param"]) == (400, "page"), page


def test_what_changes_is_found_by_its_new_words_only(api: Any, people: Any) -> None:
    api.post(f"/v1/customers/{people[ANN]}", {"name": "Anna", "metadata[order]": "1", "metadata[x]": "2"})
    assert names(api, 'name:"smith"') == [] and names(api, 'name:"anna"') == ["Anna"]
    assert names(api, 'metadata["order"]:"6735"') == [BOB]
    assert names(api, 'metadata["order"]:"1" metadata["x"]:"2"') == ["Anna"]
    api.delete(f"/v1/customers/{people[ANN]}")
    assert names(api, 'name:"anna"') == [] and names(api, "created>0") == [ZOE, BOB, MARIE]


def test_a_long_value_is_found_whole(api: Any) -> None:
    long = "ß" * 500
    api.post("/v1/customers", {"name": "Long", "metadata[" + "k" * 40 + "]": long})
    assert names(api, f'metadata["{"k" * 40}"]:"{long}"') == ["Long"]
    assert names(api, f'metadata["{"k" * 40}"]:"{long[:-1]}"') == []


def test_nobody_finds_what_is_anothers(api: Any, other: Any, people: Any) -> None:
    assert names(other, 'name:"ann" OR metadata["order"]:"6735" OR created>0') == []


def test_pages_follow_each_other_and_new_objects_change_nothing(api: Any, contract: Any) -> None:
    for number in range(7):
        api.post("/v1/customers", {"name": f"Same {number}", "metadata[n]": "1"})
    seen, page = [], None
    for _ in range(4):
        sent = {"query": 'metadata["n"]:"1"', "limit": 2, "expand[]": "total_count"}
        answer = api.get("/v1/customers/search", sent | ({"page": page} if page else {}))
        assert (answer["object"], answer["url"]) == ("search_result", "/v1/customers/search")
        assert answer["has_more"] == (answer["next_page"] is not None)
        assert contract.problems(answer) == []
        seen += [found["name"] for found in answer["data"]]
        page = answer["next_page"]
        api.post("/v1/customers", {"name": "Later", "metadata[n]": "1"})
    assert seen == [f"Same {number}" for number in range(6, -1, -1)] and page is None


def test_the_total_is_told_only_to_those_who_expand_it(api: Any, people: Any) -> None:
    sent = {"query": 'name:"ann"', "limit": 1}
    assert "total_count" not in api.get("/v1/customers/search", sent)
    counted = api.get("/v1/customers/search", {**sent, "expand[]": "total_count"})
    assert (counted["total_count"], len(counted["data"]), counted["has_more"]) == (2, 1, True)
    below = api.get("/v1/customers/search", {**sent, "expand[]": "data.subscriptions"})
    assert below["data"][0]["subscriptions"]["object"] == "list"
    assert api.get("/v1/customers/search", {**sent, "expand[]": "customer"}).status == 400


def test_prices_and_products_are_found(api: Any) -> None:
    product = api.post(
        "/v1/products",
        {"name": "Small Server", "description": "Two cores. Fast!", "url": "https://example.com/small"},
    )
    api.post("/v1/products", {"name": "Box", "active": "false", "shippable": "true"})
    for query in ('name:"server"', 'description:"two cores"', 'url~"/small"', "active:true", "active:'true'"):
        assert names(api, query, "products") == ["Small Server"], query
    for query in ('active:"false"', "shippable:true", "-shippable:null", '-name:"server"'):
        assert names(api, query, "products") == ["Box"], query
    price = api.post(
        "/v1/prices",
        {
            "product": product["id"],
            "currency": "eur",
            "unit_amount": 5,
            "lookup_key": "Small",
            "metadata[a]": "b",
        },
    )
    api.post("/v1/prices", {"product": product["id"], "currency": "usd", "unit_amount": 5})
    for query in (
        'currency:"EUR"',
        'lookup_key:"small"',
        'metadata["a"]:"B"',
        f'product:"{product["id"]}" AND currency:"eur"',
        'type:"one_time" -currency:"usd"',
    ):
        found = api.get("/v1/prices/search", {"query": query})
        assert [entry["id"] for entry in found["data"]] == [price["id"]], query


def test_what_a_subscription_makes_is_found(api: Any) -> None:
    customer = api.post("/v1/customers", {"name": "Payer"})["id"]
    method = api.post("/v1/payment_methods/pm_card_visa/attach", {"customer": customer})["id"]
    api.post(f"/v1/customers/{customer}", {"invoice_settings[default_payment_method]": method})
    product = api.post("/v1/products", {"name": "Server"})["id"]
    price = api.post(
        "/v1/prices",
        {"product": product, "currency": "usd", "unit_amount": 2000, "recurring[interval]": "month"},
    )["id"]
    subscription = api.post(
        "/v1/subscriptions", {"customer": customer, "items[0][price]": price, "metadata[team]": "growth"}
    )
    invoice = api.get(f"/v1/invoices/{subscription['latest_invoice']}")
    for noun, query in (
        ("subscriptions", 'status:"active" AND metadata["team"]:"growth"'),
        ("subscriptions", "canceled_at:null"),
        ("invoices", f'number:"{invoice["number"].lower()}"'),
        ("invoices", f'total=2000 AND customer:"{customer}" AND subscription:"{subscription["id"]}"'),
        ("invoices", "total>1999 total<=2000 total>=2000.0 -total<2000 total>1999.5"),
        ("invoices", "receipt_number:null last_finalization_error_code:null"),
        ("payment_intents", 'amount:2000 currency:"usd" status:"succeeded"'),
        ("charges", 'payment_method_details.card.last4:"4242" AND payment_method_details.card.brand:"visa"'),
        ("charges", "payment_method_details.card.exp_month>0 refunded:false disputed:false"),
        ("charges", 'billing_details.address.postal_code:null status:"succeeded" amount:"2000"'),
    ):
        found = api.get(f"/v1/{noun}/search", {"query": query})
        assert len(found.get("data", [])) == 1, (noun, query, found)
    assert api.get("/v1/invoices/search", {"query": "total>2000"})["data"] == []
    exact = subscription["created"]
    for query, count in (
        (f"created:{exact}", 1),
        (f"created>{exact}", 0),
        (f"created<={exact}", 1),
        (f"created<{exact}", 0),
        (f"created>={exact}", 1),
    ):
        found = api.get("/v1/subscriptions/search", {"query": query})["data"]
        assert len(found) == count, query


# ------------------------------------------------------------------------------------- any text

PIECES = st.sampled_from(
    [*("email", "name", "metadata", '["k"]', "created", "total", "status", "active", "é", " ", "("),
     *("-", ":", "~", ">", "<=", "=", '"abc"', "'x y'", "null", "true", "12", "-3.5", "9" * 29, " AND "),
     *(" or ", '"', "\\", "%s", "%(x)s", "\u0000", "'; drop table customers; --", '"{}"')]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=60), st.lists(PIECES, min_size=1, max_size=12).map("".join))


@given(TEXTS)
def test_any_text_is_a_query_or_is_refused(text: str) -> None:
    try:
        found = len(search.read(text).clauses)
    except Refused as refused:
        found = 1 if (refused.status, refused.param) == (400, "query") else 0
    assert 1 <= found <= search.MOST


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(text=TEXTS, noun=st.sampled_from(NOUNS))
def test_no_text_is_an_sql_error(api: Any, text: str, noun: str) -> None:
    answer = api.get(f"/v1/{noun}/search", {"query": text.encode("utf-8", "replace").decode()})
    assert answer.status in (200, 400), (text, answer)


VALUES = st.one_of(
    st.text(max_size=20).map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'),
    st.integers(-(10**29), 10**29).map(str),
    st.decimals(-(10**9), 10**9, places=4).map(lambda value: format(value, "f")),
    st.sampled_from(["null", "true", "false"]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(data=st.data(), noun=st.sampled_from(NOUNS))
def test_no_clause_is_an_sql_error(api: Any, data: Any, noun: str) -> None:
    fields = [name if name != "metadata" else 'metadata["k"]' for name in _searched(noun)]
    signs = st.sampled_from([":", "~", ">", "<", ">=", "<=", "="])
    clause = st.builds("{}{}{}{}".format, st.sampled_from(["", "-"]), st.sampled_from(fields), signs, VALUES)
    query = " OR ".join(data.draw(st.lists(clause, min_size=1, max_size=4)))
    answer = api.get(f"/v1/{noun}/search", {"query": query.encode("utf-8", "replace").decode()})
    assert answer.status in (200, 400), (query, answer)


def test_numbers_are_compared_however_long_they_are(api: Any) -> None:
    for value in ("9" * 29, "-" + "9" * 29, "1." + "0" * 12, "0.000000000001", "9" * 29 + ".5"):
        for sign in (":", ">", "<="):
            found = api.get("/v1/invoices/search", {"query": f"total{sign}{value}"})
            assert found.status == 200, (sign, value, found)
    assert api.get("/v1/invoices/search", {"query": "total>" + "9" * 31}).status == 400


def _searched(noun: str) -> list[str]:
    return [name for cls in REGISTRY.values() if cls.table == noun for name in cls.searched]


# ------------------------------------------------------------------------------------- fields and indexes

FIELDS = {
    "charges": "amount billing_details.address.postal_code created currency customer disputed metadata"
    " refunded status payment_method_details.card.last4",
    "customers": "created email metadata name phone",
    "invoices": "created currency customer last_finalization_error_code last_finalization_error_type metadata"
    " number receipt_number status subscription total",
    "payment_intents": "amount created currency customer metadata status",
    "prices": "active currency lookup_key metadata product type",
    "products": "active description metadata name shippable url",
    "subscriptions": "created metadata status canceled_at",
}


@pytest.mark.parametrize("noun", NOUNS)
def test_each_noun_is_searched_by_the_fields_of_the_contract(app: Any, noun: str) -> None:
    assert set(FIELDS[noun].split()) <= set(_searched(noun))


def test_names_and_metadata_are_found_by_an_index(api: Any) -> None:
    from billow.resources.customer import Customer

    noted = "insert into search_terms (noun, field, term, id) select 'customers', 'name', 'w' || n, 'c' || n"
    with api.app.db.transaction(api.tenant) as tx:
        tx.run(f"{noted} from generate_series(1, 5000) as n")
        tx.run("analyze search_terms")
        for query in ('email:"ann@example.com"', 'name:"ann"', 'metadata["a"]:"b"'):
            sql, values = store.condition(tx, Customer.table, Customer.searched, search.read(query))
            plan = tx.all(f"explain select id from customers where {sql}", **values)
            told = "\n".join(line["QUERY PLAN"] for line in plan)
            assert "search_terms_pkey" in told and "Seq Scan" not in told, told


@contextmanager
def unreadable(url: str) -> Iterator[None]:
    """Searches of customers take as long as they may."""
    with psycopg.connect(url) as conn:
        conn.execute("lock table billow.customers in access exclusive mode")
        yield


@pytest.mark.parametrize("more", [{}, {"expand[]": "total_count"}])
def test_a_search_that_reads_for_too_long_is_refused(
    api: Any, server_url: str, monkeypatch: pytest.MonkeyPatch, more: dict[str, str]
) -> None:
    monkeypatch.setattr(searches, "READING_MS", 20)
    query = {"query": 'email~"ann"', **more}
    with unreadable(server_url):
        answer = api.get("/v1/customers/search", query)
    assert (answer.status, answer["error"]["param"]) == (400, "query")
    assert "stopped after 0.02 seconds" in answer["error"]["message"]
    assert api.get("/v1/customers/search", query).status == 200


def test_few_searches_inside_words_read_at_the_same_time(
    api: Any, server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches, "INSIDE", threading.BoundedSemaphore(1))
    searches.INSIDE.acquire()
    answer = api.get("/v1/customers/search", {"query": 'email~"ann"'})
    assert (answer.status, answer["error"]["code"]) == (429, "rate_limit")
    assert answer.headers["Stripe-Rate-Limited-Reason"] == "endpoint-concurrency"
    assert api.get("/v1/customers/search", {"query": 'email:"ann"'}).status == 200
    searches.INSIDE.release()
    for _ in range(3):
        assert api.get("/v1/customers/search", {"query": 'email~"ann"'}).status == 200


PARTS = st.sampled_from(
    [
        *("ann", "Ann", "smith", "O'Neil", "Zoë", "ÅNGSTRÖM", "44", "000", "example", ".com", "x" * 199),
        *("-", "@", ".", "+", "(", " ", "  ", "é", "ß", "İ", "²", "%", "_", "\\"),
    ]
)
TEXTS = st.lists(PARTS, min_size=1, max_size=8).map("".join).filter(str.strip)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS, min_size=1, max_size=5), data=st.data())
def test_the_words_find_inside_a_text_what_the_objects_do(app: Any, texts: list[str], data: Any) -> None:
    text = data.draw(st.sampled_from(texts))
    start = data.draw(st.integers(0, max(len(text) - 3, 0)))
    needle = data.draw(TEXTS | st.just(text[start : start + data.draw(st.integers(3, 300))]))
    escaped = needle.replace("\\", "\\\\")
    caller = new_caller(app)
    made = [caller.post("/v1/products", {"name": each})["id"] for each in texts]
    answers = []
    for few in (store.FEW, -1, 1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "FEW", few)
            for sign in ("", "-"):
                asked = {"query": f'{sign}name~"{escaped}"', "limit": 100}
                answer = caller.get("/v1/products/search", asked)
                answers.append((answer.status, [one["id"] for one in answer.get("data", [])]))
    assert answers[:2] == answers[2:4] == answers[4:]
    if answers[0][0] == 200:
        assert sorted(answers[0][1] + answers[1][1]) == sorted(made)
