"""Is every change of every noun emitted once, with the values before it?"""

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from billow.api.resource import REGISTRY
from billow.resources import event_types
from billow.store import jobs
from tests.support import credited
from tests.support.connected import enabled

Sent = dict[str, str]
CHANGES = {"create", "update", "delete"}


def paying(api: Any) -> str:
    """A customer with a card that pays."""
    card = {
        "payment_method": "pm_card_visa",
        "invoice_settings[default_payment_method]": "pm_card_visa",
        "name": "Ann",
    }
    return str(api.post("/v1/customers", card)["id"])


def monthly(api: Any) -> str:
    sent = {
        "product_data[name]": "Gold",
        "currency": "usd",
        "unit_amount": "500",
        "recurring[interval]": "month",
    }
    return str(api.post("/v1/prices", sent)["id"])


def attached(api: Any) -> str:
    sent = {"customer": paying(api)}
    return str(api.post("/v1/payment_methods/pm_card_visa/attach", sent)["id"])


def charged(api: Any) -> str:
    sent = {"amount": "500", "currency": "usd", "source": "tok_visa"}
    return str(api.post("/v1/charges", sent)["id"])


def uploaded(api: Any) -> str:
    sent = {"purpose": "dispute_evidence", "file": (BytesIO(b"%PDF-1.7"), "a.pdf")}
    return str(api.post("/v1/files", sent)["id"])


def transferred(api: Any) -> Sent:
    account = enabled(api)
    return {"amount": "5", "currency": "usd", "destination": account, "source_transaction": charged(api)}


def available(api: Any) -> Sent:
    """A payout of what is available at once."""
    api.post("/v1/charges", {"amount": "500", "currency": "usd", "source": "tok_bypassPending"})
    return {"amount": "5", "currency": "usd"}


def disputed(api: Any) -> str:
    """A dispute that the gateway has reported."""
    sent = {"amount": "500", "currency": "usd", "source": "tok_createDispute"}
    charge = api.post("/v1/charges", sent)["id"]
    for _ in range(3):
        jobs.run_due(api.app.db, clock="wall", until=api.app.db.wall(), lane="outside")
    [made] = api.get("/v1/disputes", {"charge": charge})["data"]
    return str(made["id"])


@dataclass(frozen=True)
class Story:
    """How a noun is created and changed, and which events this emits on create, update and delete."""

    path: str
    sent: Sent | Callable[[Any], Sent]
    emits: tuple[str | None, str | None, str | None]
    change: Sent = field(default_factory=lambda: {"metadata[a]": "1"})
    before: dict[str, Any] = field(default_factory=lambda: {"metadata": {"a": None}})
    made: Callable[[Any], str] | None = None
    """For a noun that is not created by its own path."""


def crud(event: str, *left_out: str) -> tuple[str | None, str | None, str | None]:
    names = [None if name in left_out else f"{event}.{name}" for name in ("created", "updated", "deleted")]
    return names[0], names[1], names[2]


NAME = {"change": {"name": "Bob"}, "before": {"name": "Ann"}}
STORIES: dict[str, Story] = {
    "account": Story("/v1/accounts", {"type": "express", "country": "SE"}, (None, "account.updated", None)),
    "billing.credit_grant": Story(
        "/v1/billing/credit_grants",
        lambda api: {
            "customer": paying(api),
            "amount[type]": "monetary",
            "amount[monetary][value]": "500",
            "amount[monetary][currency]": "usd",
            "applicability_config[scope][price_type]": "metered",
        },
        crud("billing.credit_grant", "deleted"),
    ),
    "billing.meter": Story(
        "/v1/billing/meters",
        {"display_name": "Ann", "event_name": "tokens", "default_aggregation[formula]": "sum"},
        crud("billing.meter", "deleted"),
        change={"display_name": "Bob"},
        before={"display_name": "Ann"},
    ),
    "billing.wallet": Story(
        "/v1/billing/wallets",
        lambda api: {
            "customer": paying(api),
            "currency": "usd",
            "applicability_config[scope][price_type]": "metered",
        },
        crud("billing.wallet", "deleted"),
    ),
    "billing_portal.configuration": Story(
        "/v1/billing_portal/configurations",
        {"features[invoice_history][enabled]": "true"},
        crud("billing_portal.configuration", "deleted"),
    ),
    "charge": Story("/v1/charges", {}, ("charge.succeeded", "charge.updated", None), made=charged),
    "checkout.session": Story(
        "/v1/checkout/sessions",
        lambda api: {
            "mode": "subscription",
            "success_url": "https://example.com",
            "line_items[0][price]": monthly(api),
            "line_items[0][quantity]": "1",
        },
        (None, None, None),
    ),
    "coupon": Story("/v1/coupons", {"percent_off": "10", "name": "Ann"}, crud("coupon"), **NAME),
    "credit_note": Story(
        "/v1/credit_notes",
        lambda api: {"invoice": credited.open_invoice(api), "amount": "5", "memo": "Ann"},
        crud("credit_note", "deleted"),
        change={"memo": "Bob"},
        before={"memo": "Ann"},
    ),
    "customer": Story("/v1/customers", {"name": "Ann"}, crud("customer"), **NAME),
    "dispute": Story(
        "/v1/disputes", {}, ("charge.dispute.created", "charge.dispute.updated", None), made=disputed
    ),
    "file": Story("/v1/files", {}, ("file.created", None, None), made=uploaded),
    "invoice": Story("/v1/invoices", lambda api: {"customer": paying(api)}, crud("invoice")),
    "invoiceitem": Story(
        "/v1/invoiceitems",
        lambda api: {"customer": paying(api), "amount": "5", "currency": "usd"},
        crud("invoiceitem", "updated"),
    ),
    "payment_intent": Story(
        "/v1/payment_intents",
        lambda api: {"amount": "500", "currency": "usd", "customer": paying(api)},
        ("payment_intent.created", None, None),
    ),
    "payment_link": Story(
        "/v1/payment_links",
        lambda api: {"line_items[0][price]": monthly(api), "line_items[0][quantity]": "1"},
        crud("payment_link", "deleted"),
    ),
    "payment_method": Story(
        "/v1/payment_methods", {}, ("payment_method.attached", "payment_method.updated", None), made=attached
    ),
    "plan": Story(
        "/v1/plans",
        {"currency": "usd", "interval": "month", "product[name]": "Gold", "amount": "5", "nickname": "Ann"},
        crud("plan"),
        change={"nickname": "Bob"},
        before={"nickname": "Ann"},
    ),
    "price": Story(
        "/v1/prices",
        {"product_data[name]": "Gold", "currency": "usd", "unit_amount": "5", "nickname": "Ann"},
        crud("price", "deleted"),
        change={"nickname": "Bob"},
        before={"nickname": "Ann"},
    ),
    "product": Story("/v1/products", {"name": "Ann"}, crud("product"), **NAME),
    "promotion_code": Story(
        "/v1/promotion_codes",
        lambda api: {
            "promotion[type]": "coupon",
            "promotion[coupon]": api.post("/v1/coupons", {"percent_off": "10"})["id"],
        },
        crud("promotion_code", "deleted"),
    ),
    "quote": Story("/v1/quotes", lambda api: {"customer": paying(api)}, crud("quote", "updated", "deleted")),
    "refund": Story(
        "/v1/refunds", lambda api: {"charge": charged(api)}, ("refund.created", "refund.updated", None)
    ),
    "reporting.report_run": Story(
        "/v1/reporting/report_runs",
        {
            "report_type": "balance.summary.1",
            "parameters[interval_start]": "1",
            "parameters[interval_end]": "9",
        },
        (None, None, None),
    ),
    "setup_intent": Story(
        "/v1/setup_intents", {"usage": "off_session"}, ("setup_intent.created", None, None)
    ),
    "subscription": Story(
        "/v1/subscriptions",
        lambda api: {"customer": paying(api), "items[0][price]": monthly(api)},
        crud("customer.subscription"),
    ),
    "subscription_schedule": Story(
        "/v1/subscription_schedules",
        lambda api: {"customer": paying(api), "phases[0][items][0][price]": monthly(api)},
        crud("subscription_schedule", "deleted"),
    ),
    "tax_id": Story(
        "/v1/tax_ids",
        lambda api: {
            "owner[type]": "customer",
            "owner[customer]": paying(api),
            "type": "eu_vat",
            "value": "DE136695976",
        },
        crud("customer.tax_id", "updated"),
    ),
    "tax_rate": Story(
        "/v1/tax_rates",
        {"display_name": "VAT", "percentage": "7.7", "inclusive": "false"},
        crud("tax_rate", "deleted"),
    ),
    "test_helpers.test_clock": Story(
        "/v1/test_helpers/test_clocks",
        {"frozen_time": "1800000000"},
        crud("test_helpers.test_clock", "updated"),
    ),
    "payout": Story("/v1/payouts", available, crud("payout", "deleted")),
    "transfer": Story("/v1/transfers", transferred, crud("transfer", "deleted")),
}
#: Nouns of which Stripe emits nothing either, or emits an event of another noun.
SILENT = {
    "api_key": "who may ask is no event of the account's business",
    "billing.feedback_option": "Stripe has no event for it",
    "entitlements.feature": "Stripe emits what customers are entitled to",
    "file_link": "Stripe has no event for it",
    "invoice_rendering_template": "Stripe has no event for it",
    "payment_method_configuration": "Stripe has no event for it",
    "product_catalog.trial_offer": "Stripe has no event for it",
    "shipping_rate": "Stripe has no event for it",
    "tax.registration": "Stripe has no event for it",
    "payment_method_domain": "Stripe has no event for it",
    "subscription_item": "emitted as a change of its subscription",
    "webhook_endpoint": "Stripe has no event for it",
}


def changing() -> dict[str, set[str]]:
    """Return every noun that is created, changed or deleted by its own path, with these verbs."""
    found = {name: {verb.kind for verb in cls.verbs} & CHANGES for name, cls in REGISTRY.items()}
    return {name: kinds for name, kinds in found.items() if kinds}


def test_every_noun_that_changes_is_tested_here() -> None:
    assert sorted(changing()) == sorted({*STORIES, *SILENT}), "a new noun needs its line in this file"


def events_of(api: Any, made: Any) -> list[Any]:
    """List the events of an object, the oldest first. A plan has the id of its price."""
    events = api.get("/v1/events", {"limit": 100})["data"]
    same = (made["id"], made["object"])
    return [
        event
        for event in reversed(events)
        if (event["data"]["object"].get("id"), event["data"]["object"]["object"]) == same
    ]


@pytest.mark.parametrize("noun", sorted(STORIES))
def test_a_change_is_emitted_once_with_the_values_before(api: Any, noun: str) -> None:
    story, kinds = STORIES[noun], changing()[noun]
    if story.made:
        id = story.made(api)
        made = api.get(f"{story.path}/{id}")
    else:
        made = api.post(story.path, story.sent(api) if callable(story.sent) else story.sent)
        assert made.status == 200, made
        id = made["id"]
    created, updated, deleted = story.emits
    first = [event for event in events_of(api, made) if event["type"] == created]
    assert len(first) == (1 if created else 0)
    for event in first:
        assert event["data"]["object"]["object"] == made["object"]
        assert "previous_attributes" not in event["data"]
    path = f"{story.path}/{id}"
    if "update" in kinds:
        count = len(events_of(api, made))
        changed = api.post(path, story.change)
        assert changed.status == 200, changed
        after = events_of(api, made)[count:]
        assert [event["type"] for event in after] == ([updated] if updated else [])
        for event in after:
            before = event["data"]["previous_attributes"]
            assert {name: before[name] for name in story.before} == story.before
            assert set(before) <= {*story.before, "updated"}
            for name in story.before:
                assert event["data"]["object"][name] == changed[name]
        api.post(path, story.change)
        assert len(events_of(api, made)) == count + len(after), (
            "an update that changes nothing is not emitted"
        )
    if "delete" in kinds and deleted:
        count = len(events_of(api, made))
        assert api.delete(path).status == 200
        assert [event["type"] for event in events_of(api, made)[count:]] == [deleted]


def known_types() -> set[str]:
    """Return every event type that the official client knows."""
    from stripe.params import _webhook_endpoint_create_params as params

    tree = ast.parse(Path(params.__file__).read_text())
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return {text for text in texts if isinstance(text, str) and "." in text and " " not in text}


def test_every_event_type_is_one_of_stripes_or_of_a_noun_of_ours() -> None:
    known = known_types()
    ours = {f"{noun}.{what}" for noun, said in event_types.OURS.items() for what in said.split()}
    assert not ours & known
    known |= ours
    assert "invoice.paid" in known and "invoice.eaten" not in known
    for story in STORIES.values():
        assert {type for type in story.emits if type} <= known
    assert [noun for noun in SILENT if REGISTRY[noun].events] == []
