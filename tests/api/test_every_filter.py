"""Does every filter of every list work? Each is tested with two objects that differ in it.

The filters come from the registry of operations. A field that can be set at creation makes its two objects by
itself; the tables below say how the others are made. Search queries are tested in test_search.py.
"""

from collections.abc import Callable
from typing import Any

import pytest

from billow.api import listing
from billow.api.fields import Field
from billow.api.resource import REGISTRY, Resource, Verb, Where
from billow.pages.description import accepted_by
from tests.conftest import Api
from tests.support import subscription_filter_pairs as subscription_filters
from tests.support.filter_pairs import (
    HOUR,
    PAIRS,
    FilterCase,
    ListPair,
    cards,
    deliveries,
    entitlements_pair,
    meter_summaries,
    pair_of,
)
from tests.support.one_of_each import Maker, Sent
from tests.support.tested_paths import operations

LISTS = [verb for verb in operations("GET") if verb.kind != "search" and accepted_by(verb)]
CASES = [(verb, name) for verb in LISTS for name in accepted_by(verb)]
Key = tuple[str, str]


def named(case: Any) -> str:
    return case.path if isinstance(case, Verb) else str(case)


# ------------------------------------------------------------------------------------- what tells them apart


def updated(noun: str, name: str, sent: Sent, **query: str) -> Callable[[Maker], list[FilterCase]]:
    """One of two is changed after it was made."""

    def apart(maker: Maker) -> list[FilterCase]:
        path = REGISTRY[noun].path
        changed, same = (str(maker.make(noun)["id"]) for _ in range(2))
        maker.request(f"{path}/{changed}{sent.get('', '')}", {key: sent[key] for key in sent if key})
        return [
            FilterCase({name: query["changed"]}, changed, same),
            FilterCase({name: query["same"]}, same, changed),
        ]

    return apart


def made(noun: str, query: Sent, first: Sent, second: Sent) -> Callable[[Maker], list[FilterCase]]:
    """Two that are made in different ways, of which a query finds the first."""

    def apart(maker: Maker) -> list[FilterCase]:
        found, lost = (str(maker.make(noun, **more)["id"]) for more in (first, second))
        asked = {name: maker.fill(value).replace("FOUND", found) for name, value in query.items()}
        return [FilterCase(asked, found, lost)]

    return apart


def coupons(maker: Maker) -> list[FilterCase]:
    one, other = maker.make("promotion_code"), maker.make("coupon")["id"]
    second = maker.make("promotion_code", promotion={"type": "coupon", "coupon": other})["id"]
    return [
        FilterCase({"coupon": other}, second, one["id"]),
        FilterCase({"code": one["code"].lower()}, one["id"], second),
    ]


def intents(maker: Maker, noun: str) -> list[FilterCase]:
    from tests.support.valid_params import paid_intent

    intent = paid_intent(maker)
    charge = maker.api.get("/v1/charges", {"payment_intent": intent})["data"][0]["id"]
    if noun == "charge":
        return [FilterCase({"payment_intent": intent}, charge, maker.make("charge")["id"])]
    found = maker.make("refund", charge=charge)["id"]
    return [FilterCase({"payment_intent": intent}, found, maker.make("refund")["id"])]


def money(maker: Maker) -> list[FilterCase]:
    charge = maker.make("charge")
    taken = charge["balance_transaction"]
    given = maker.make("refund", charge=charge["id"])["balance_transaction"]
    euro = maker.make("charge", currency="eur")["balance_transaction"]
    return [
        FilterCase({"type": "refund"}, given, taken),
        FilterCase({"source": charge["id"]}, taken, euro),
        FilterCase({"currency": "eur"}, euro, taken),
    ]


def clocks(maker: Maker) -> list[FilterCase]:
    first, second = (
        (str(maker.make("quote", customer=None, test_clock=clock)["id"]), clock)
        for clock in [str(maker.make("test_helpers.test_clock")["id"]) for _ in range(2)]
    )
    return [FilterCase({"test_clock": first[1]}, first[0], second[0])]


def owners(maker: Maker) -> list[FilterCase]:
    own, customer = maker.make("tax_id")["id"], maker.existing("customer")
    theirs = maker.make("tax_id", owner={"type": "customer", "customer": customer})["id"]
    asked = {"owner[type]": "customer", "owner[customer]": customer}
    return [FilterCase(asked, theirs, own), FilterCase({"owner[type]": "self"}, own, theirs)]


def events(maker: Maker) -> list[FilterCase]:
    early = str(maker.make("product")["id"])
    maker.existing("webhook_endpoint")
    late = str(maker.make("product")["id"])
    told = {event["data"]["object"]["id"]: event["id"] for event in maker.api.get("/v1/events")["data"]}
    first, second = told[early], told[late]
    maker.make("coupon")
    third = maker.api.get("/v1/events")["data"][0]["id"]
    return [
        FilterCase({"object_id": early}, first, second),
        FilterCase({"type": "coupon.*"}, third, first),
        FilterCase({"types[]": "coupon.created"}, third, first),
        FilterCase({"delivery_success": "true"}, first, second),
        FilterCase({"delivery_success": "false"}, second, first),
    ]


def features(maker: Maker) -> list[FilterCase]:
    return updated("entitlements.feature", "archived", {"active": "false"}, changed="true", same="false")(
        maker
    )


def trial_offers(maker: Maker) -> list[FilterCase]:
    prices = [maker.make("price")["id"] for _ in range(2)]
    found, lost = (maker.make("product_catalog.trial_offer", price=price)["id"] for price in prices)
    return [FilterCase({"prices[]": prices[0]}, found, lost)]


def entitlements(maker: Maker) -> list[FilterCase]:
    pair = entitlements_pair(maker)
    other = maker.make("customer")["id"]
    return [FilterCase(pair.query, pair.newer, ""), FilterCase({"customer": other}, None, pair.newer)]


def balances(maker: Maker) -> list[FilterCase]:
    """One by hand, and one that an invoice used."""
    customer = maker.existing("customer")
    path = f"/v1/customers/{customer}/balance_transactions"
    by_hand = maker.request(path, {"amount": "-10", "currency": "usd"})["id"]
    maker.make("invoiceitem")
    invoice = maker.make("invoice")["id"]
    maker.request(f"/v1/invoices/{invoice}/finalize", {})
    [used] = [row["id"] for row in maker.api.get(path)["data"] if row["id"] != by_hand]
    return [FilterCase({"invoice": invoice}, used, by_hand, path)]


def hours(maker: Maker) -> list[FilterCase]:
    pair = meter_summaries(maker)
    start, end = pair.query["start_time"], pair.query["end_time"]
    other = maker.make("customer")["id"]
    asked = [
        FilterCase({"start_time": end - HOUR}, pair.newer, pair.older),
        FilterCase({"end_time": start + HOUR}, pair.older, pair.newer),
        FilterCase({"customer": other}, None, pair.newer),
    ]
    return [FilterCase({**pair.query, **apart.query}, apart.found, apart.lost, pair.path) for apart in asked]


def statuses(maker: Maker) -> list[FilterCase]:
    pair = deliveries(maker)
    with maker.api.app.db.transaction(maker.api.tenant) as tx:
        tx.run(
            "update webhook_deliveries set status = 'failed', next_attempt_at = null where id = %(id)s",
            id=pair.older,
        )
    return [
        FilterCase({"status": "failed"}, pair.older, pair.newer, pair.path),
        FilterCase({"status": "pending"}, pair.newer, pair.older, pair.path),
    ]


def shown_again(maker: Maker) -> list[FilterCase]:
    pair = cards(maker)
    return [FilterCase({"allow_redisplay": "always"}, pair.newer, pair.older, pair.path)]


def source_objects(maker: Maker) -> list[FilterCase]:
    customer = maker.existing("customer")
    found = []
    for tail in ("sources", "cards"):
        path = f"/v1/customers/{customer}/{tail}"
        card = maker.request(path, {"source": "tok_visa"})["id"]
        found += [FilterCase({"object": "bank_account"}, None, card, path)]
    return found


def thin_events(maker: Maker) -> list[FilterCase]:
    product = maker.make("product")["id"]
    first = maker.api.get("/v2/core/events")["data"][0]
    maker.make("coupon")
    second = maker.api.get("/v2/core/events")["data"][0]
    return [
        FilterCase({"object_id": product}, first["id"], second["id"]),
        FilterCase({"types[]": second["type"]}, second["id"], first["id"]),
        FilterCase({"created[gte]": first["created"]}, first["id"], ""),
        FilterCase({"created[lt]": first["created"]}, None, first["id"]),
    ]


MONTHLY, ONCE = {"recurring": {"interval": "month"}}, {"recurring": None}
YEARLY = {"recurring": {"interval": "year"}}
#: By path and name: what is asked, what is found, what is not.
FILTER_CASES: dict[Key, Callable[[Maker], list[FilterCase]]] = {
    **subscription_filters.FILTER_CASES,
    ("/v1/balance_transactions", "currency"): money,
    ("/v1/balance_transactions", "source"): money,
    ("/v1/balance_transactions", "type"): money,
    ("/v1/billing/meters", "status"): updated(
        "billing.meter", "status", {"": "/deactivate"}, changed="inactive", same="active"
    ),
    ("/v1/billing/meters/{id}/event_summaries", "customer"): hours,
    ("/v1/billing/meters/{id}/event_summaries", "end_time"): hours,
    ("/v1/billing/meters/{id}/event_summaries", "start_time"): hours,
    ("/v1/charges", "payment_intent"): lambda maker: intents(maker, "charge"),
    ("/v1/customers/{id}/balance_transactions", "invoice"): balances,
    ("/v1/customers/{id}/payment_methods", "allow_redisplay"): shown_again,
    ("/v1/customers/{id}/cards", "object"): source_objects,
    ("/v1/customers/{id}/sources", "object"): source_objects,
    ("/v1/entitlements/active_entitlements", "customer"): entitlements,
    ("/v1/entitlements/features", "archived"): features,
    ("/v1/events", "delivery_success"): events,
    ("/v1/events", "object_id"): events,
    ("/v1/events", "type"): events,
    ("/v1/events", "types"): events,
    ("/v1/file_links", "expired"): updated(
        "file_link", "expired", {"expires_at": "now"}, changed="true", same="false"
    ),
    ("/v1/files", "purpose"): made("file", {"purpose": "pci_document"}, {"purpose": "pci_document"}, {}),
    ("/v1/prices", "lookup_keys"): made("price", {"lookup_keys[]": "k"}, {"lookup_key": "k"}, {}),
    ("/v1/prices", "recurring"): made("price", {"recurring[interval]": "year"}, YEARLY, MONTHLY),
    ("/v1/prices", "type"): made("price", {"type": "one_time"}, ONCE, MONTHLY),
    ("/v1/product_catalog/trial_offers", "prices"): trial_offers,
    ("/v1/products", "ids"): made("product", {"ids[]": "FOUND"}, {}, {}),
    ("/v1/promotion_codes", "code"): coupons,
    ("/v1/promotion_codes", "coupon"): coupons,
    ("/v1/quotes", "status"): updated("quote", "status", {"": "/cancel"}, changed="canceled", same="draft"),
    ("/v1/quotes", "test_clock"): clocks,
    ("/v1/refunds", "payment_intent"): lambda maker: intents(maker, "refund"),
    ("/v1/shipping_rates", "active"): updated(
        "shipping_rate", "active", {"active": "false"}, changed="false", same="true"
    ),
    ("/v1/shipping_rates", "currency"): made(
        "shipping_rate", {"currency": "chf"}, {"fixed_amount": {"amount": "9", "currency": "chf"}}, {}
    ),
    ("/v1/tax_ids", "owner"): owners,
    ("/v1/webhook_endpoints/{id}/deliveries", "status"): statuses,
    ("/v2/core/events", "created"): thin_events,
    ("/v2/core/events", "object_id"): thin_events,
    ("/v2/core/events", "types"): thin_events,
}


def by_field(maker: Maker, cls: type[Resource], spec: Field) -> list[FilterCase]:
    """Two that were made with different values of the field."""
    values = {
        "boolean": ("true", "false"),
        "choice": spec.choices[:2],
        "currency": ("usd", "chf"),
        "text": ("https://example.com/a", "https://example.com/b"),
    }
    if spec.format == "email":
        values["text"] = ("a@example.com", "b@example.com")
    one, other = values[spec.kind] if spec.kind != "ref" else (str(maker.make(spec.to)["id"]) for _ in "12")
    first, second = (str(maker.make(cls.object, **{spec.name: value})["id"]) for value in (one, other))
    return [FilterCase({spec.name: one}, first, second), FilterCase({spec.name: other}, second, first)]


# ------------------------------------------------------------------------------------- what is no filter


def ids(api: Api, path: str, query: Sent) -> list[str]:
    answer = api.get(path, query)
    assert answer.status == 200, (path, query, answer)
    return [entry["id"] for entry in answer["data"]]


def limited(api: Api, pair: ListPair) -> None:
    assert ids(api, pair.path, {**pair.query, "limit": 1}) == [pair.newer]
    assert {pair.newer, pair.older} <= set(ids(api, pair.path, {**pair.query, "limit": 2}))


def after(api: Api, pair: ListPair) -> None:
    found = ids(api, pair.path, {**pair.query, "starting_after": pair.newer})
    assert pair.older in found and pair.newer not in found


def before(api: Api, pair: ListPair) -> None:
    found = ids(api, pair.path, {**pair.query, "ending_before": pair.older})
    assert pair.newer in found and pair.older not in found


def created(api: Api, pair: ListPair) -> None:
    shown = next(entry for entry in api.get(pair.path, pair.query)["data"] if entry["id"] == pair.newer)
    with api.app.db.transaction(api.tenant) as tx:
        [cls] = [cls for cls in REGISTRY.values() if cls.object == shown["object"]]
        [(at,)] = tx.tuples(f"select created from {cls.table} where id = %(id)s", id=pair.newer)
    second = int(at.timestamp())
    for sign, bound, is_found in (
        ("gte", second, True),
        ("gt", second, False),
        ("lte", second, True),
        ("lt", second, False),
    ):
        found = ids(api, pair.path, {**pair.query, f"created[{sign}]": bound})
        assert (pair.newer in found) is is_found, sign


def paged(api: Api, pair: ListPair) -> None:
    first = api.get(pair.path, {"limit": 1})
    path, query = first["next_page_url"].split("?")
    second = api.get(path, dict(part.split("=") for part in query.split("&")))
    assert [entry["id"] for entry in (*first["data"], *second["data"])] == [pair.newer, pair.older]


def included(api: Api, pair: ListPair) -> None:
    for path in (pair.path, f"{pair.path}/{pair.newer}"):
        answers = [
            api.get(path, {"include[]": name} if name else {}) for name in ("", "webhook_endpoint.url")
        ]
        hidden, told = (answer["data"][0] if "data" in answer else answer for answer in answers)
        assert (hidden["webhook_endpoint"]["url"], told["webhook_endpoint"]["url"] is None) == (None, False)


def grouped(api: Api, pair: ListPair) -> None:
    whole = {name: value for name, value in pair.query.items() if name != "value_grouping_window"}
    assert len(ids(api, pair.path, pair.query)) == 2 and len(ids(api, pair.path, whole)) == 1


def refused(api: Api, pair: ListPair) -> None:
    answer = api.get(pair.path, {"payout": "po_none"})
    assert (answer.status, answer["error"]["code"]) == (400, "resource_missing")


def nobodys(api: Api, pair: ListPair) -> None:
    assert ids(api, pair.path, {"customer_account": "acct_none"}) == []


def untaxed(api: Api, pair: ListPair) -> None:
    """Tax is worked out for none."""
    assert {pair.newer, pair.older} <= set(ids(api, pair.path, {"automatic_tax[enabled]": "false"}))
    assert ids(api, pair.path, {"automatic_tax[enabled]": "true"}) == []


def cards_only(api: Api, pair: ListPair) -> None:
    assert pair.newer in ids(api, pair.path, {"type": "card"})
    assert ids(api, pair.path, {"type": "sepa_debit"}) == [], "there are no others"
    assert api.get(pair.path, {"type": "cowries"})["error"]["param"] == "type"


OF_LISTS: dict[str, Callable[[Api, ListPair], None]] = {
    "created": created,
    "ending_before": before,
    "limit": limited,
    "page": paged,
    "starting_after": after,
}
OTHERWISE: dict[Key, Callable[[Api, ListPair], None]] = {
    ("/v1/balance_transactions", "payout"): refused,
    ("/v1/billing/meters/{id}/event_summaries", "value_grouping_window"): grouped,
    ("/v1/customers/{id}/payment_methods", "type"): cards_only,
    ("/v1/promotion_codes", "customer_account"): nobodys,
    ("/v1/quotes", "customer_account"): nobodys,
    ("/v1/subscription_schedules", "customer_account"): nobodys,
    ("/v1/subscriptions", "automatic_tax"): untaxed,
    ("/v1/subscriptions", "customer_account"): nobodys,
    ("/v2/core/event_destinations", "include"): included,
}
#: Told by other tests: the feed is read in its order, and a destination is read as its list is.
ELSEWHERE = {
    "/v1/events/feed": "test_events_sequence.py",
    "/v2/core/event_destinations/{id}": "`included`, here",
}


@pytest.fixture
def maker(api: Api) -> Maker:
    return Maker(api)


@pytest.mark.parametrize(
    ("verb", "name"), [case for case in CASES if case[0].path not in ELSEWHERE], ids=named
)
def test_a_filter_separates(maker: Maker, verb: Verb, name: str) -> None:
    separates(maker, verb, name)


def separates(maker: Maker, verb: Verb, name: str) -> None:
    key = (verb.path, name)
    check = OTHERWISE.get(key) or (OF_LISTS.get(name) if key not in FILTER_CASES else None)
    if check:
        return check(maker.api, pair_of(maker, verb))
    if key in FILTER_CASES:
        every = FILTER_CASES[key](maker)
    else:
        [create] = [made for made in operations("POST") if (made.path, made.kind) == (verb.path, "create")]
        assert verb.resource and name in accepted_by(create), f"FILTER_CASES has no entry for {key}"
        every = by_field(maker, verb.resource, verb.resource.specs[name])
    of_this = [apart for apart in every if name in {asked.split("[")[0] for asked in apart.query}]
    assert of_this, f"{key} is not asked"
    for apart in of_this:
        found = ids(maker.api, apart.path or verb.path, {"limit": 100, **apart.query})
        assert apart.found is None or apart.found in found, (apart, found)
        assert apart.lost not in found, (apart, found)


def test_the_tables_name_what_is_there() -> None:
    keys = {(verb.path, name) for verb, name in CASES}
    assert {*FILTER_CASES, *OTHERWISE} - keys == set()
    assert {*PAIRS, *ELSEWHERE} - {verb.path for verb in LISTS} == set()


@pytest.mark.parametrize(
    ("path", "name"), [("/v1/products", "active"), ("/v1/prices", "lookup_keys"), ("/v1/coupons", "created")]
)
def test_a_filter_that_is_taken_and_ignored_is_found(
    maker: Maker, monkeypatch: pytest.MonkeyPatch, path: str, name: str
) -> None:
    """Planted: lists that narrow by nothing."""
    inner = listing.page

    def broad(tx: Any, cls: Any, where: Where, sent: Any) -> Any:
        return inner(tx, cls, Where(), sent)

    monkeypatch.setattr(listing, "page", broad)
    with pytest.raises(AssertionError):
        separates(maker, next(verb for verb in LISTS if verb.path == path), name)
