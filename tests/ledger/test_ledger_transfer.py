"""Can the journal be read and filtered through the API, and not be written?"""

from datetime import UTC, datetime

import pytest

from billow.api import listing, render, rows
from billow.core.errors import Refused
from billow.ledger import entries
from billow.ledger.entries import Line
from billow.ledger.post import Posting, post
from billow.resources.ledger_transfer import LedgerTransfer

FIRST, SECOND = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def books(tx):
    finalized = entries.invoice_finalized("cus_1", "usd", [Line("il_1", "prod_1", 1_000)], [])
    paid = entries.payment_succeeded("simulated", "cus_1", "usd", 1_000)
    post(
        tx,
        [
            Posting("invoice.finalized", "in_1", FIRST, finalized, "cus_1", "in_1"),
            Posting("payment.succeeded", "pi_1", SECOND, paid, "cus_1", "in_1"),
            Posting("payout", "po_1", SECOND, entries.payout_sent("simulated", "usd", 1_000)),
        ],
    )
    return tx


def listed(tx, **sent):
    where = listing.where_of(tx, LedgerTransfer, sent)
    return listing.page(tx, LedgerTransfer, where, sent)[0]


def test_a_transfer_is_shown_with_its_accounts_and_its_cause(books):
    shown = render.one(books, listed(books, source="in_1")[0])
    assert shown.pop("id").startswith("ltr_")
    assert shown == {
        "object": "ledger_transfer",
        "created": 1767225600,
        "livemode": False,
        "debit": "receivable:cus_1",
        "credit": "deferred_revenue",
        "amount": 1_000,
        "currency": "usd",
        "event": "invoice.finalized",
        "source": "in_1",
        "sequence": 0,
        "customer": "cus_1",
        "invoice": "in_1",
        "line": "il_1",
        "dated": None,
    }


@pytest.mark.parametrize(("sent", "sources"), [
    ({}, ["po_1", "pi_1", "in_1"]), ({"event": "payout"}, ["po_1"]), ({"source": "pi_1"}, ["pi_1"]),
    ({"source": "pi_1", "event": "payout"}, []), ({"created": {"lt": "1767312000"}}, ["in_1"]),
])  # fmt: skip
def test_a_list_is_narrowed_by_its_filters_newest_first(books, sent, sources):
    assert [transfer.source for transfer in listed(books, **sent)] == sources


def test_the_journal_of_one_customer_is_read_through_the_api(app, api):
    anna, bo = (api.post("/v1/customers", {"name": name})["id"] for name in ("Anna", "Bo"))
    with app.db.transaction(api.tenant) as tx:
        for customer in (anna, bo):
            paid = entries.payment_succeeded("simulated", customer, "usd", 5)
            post(tx, [Posting("payment.succeeded", f"pi_{customer}", FIRST, paid, customer)])
    found = api.get("/v1/ledger_transfers", {"customer": anna, "expand[]": "data.customer"})
    assert [(shown["credit"], shown["customer"]["name"]) for shown in found["data"]] == [
        (f"receivable:{anna}", "Anna")
    ]
    one = api.get(f"/v1/ledger_transfers/{found['data'][0]['id']}")
    assert one["customer"] == anna
    assert api.get("/v1/ledger_transfers", {"customer": "cus_nobody"}).status == 400


def test_the_api_offers_nothing_to_change_a_transfer(app, api):
    with app.db.transaction(api.tenant) as tx:
        post(tx, [Posting("payout", "po_1", FIRST, entries.payout_sent("simulated", "usd", 5))])
    path = f"/v1/ledger_transfers/{api.get('/v1/ledger_transfers')['data'][0]['id']}"
    assert api.post("/v1/ledger_transfers", {"amount": "1"}).status == 404
    assert api.post(path, {"amount": "1"}).status == 404
    assert api.delete(path).status == 404
    assert api.get(path)["amount"] == 5


def test_an_unknown_transfer_is_not_found(books):
    with pytest.raises(Refused, match="No such ledger transfer: 'ltr_none'"):
        rows.find(books, LedgerTransfer, "ltr_none")
