"""Does the server answer as Stripe did in recordings? The number of matching steps may only grow.

Steps that name an object of the recorded account are left out by a rule: the object was created before the
recording began, so only Stripe's server has it. Other steps are left out by name, each with its reason: no
server with `2026-10-28.endive` and an account of its own can answer them.
"""

import json
import sys
import urllib.parse
from collections import Counter
from typing import Any

import pytest

from tests.conftest import Api, shared

NEWER = "the contract has it no more: it is in no type of the SDK 16.1.0"
DATED = "a test card runs a year from the month in which it is made, and theirs was made in another"
REDACTED = "the recorder blanked it; what was sent blank is kept by neither"
THEIRS = "it leans on what else their account has"
ADDRESS = "an address of their web site; ours is there, with our host"
NO_LOG = "no log of requests is kept that could be linked to; the header Request-Id names the request"
#: What cannot be equal, and why: the field as replay.py names it.
CANNOT = {
    "card.email": NEWER,
    "card.phone": NEWER,
    "card.wallet": NEWER,
    "charge.destination": NEWER,
    "charge.dispute": NEWER,
    "charge.order": NEWER,
    "charge.payment_method_details.card.ds_transaction_id": NEWER,
    "customer.subscriptions.total_count": NEWER,
    "invoice.lines.total_count": NEWER,
    "list.count": NEWER,
    "payment_method.shared_payment_granted_token": NEWER,
    "product.attributes": NEWER,
    "subscription.items.total_count": NEWER,
    "subscription.plan": NEWER,
    "subscription.quantity": NEWER,
    "card.exp_month": DATED,
    "card.exp_year": DATED,
    "charge.payment_method_details.card.exp_month": DATED,
    "charge.payment_method_details.card.exp_year": DATED,
    "payment_method.card.exp_month": DATED,
    "payment_method.card.exp_year": DATED,
    "product.metadata": REDACTED,
    "invoice.invoice_pdf": ADDRESS,
    "invoice.webhooks_delivered_at": THEIRS,
    "invoiceitem.pricing": THEIRS,  # an amount alone was given the hidden price of an earlier item
    "list.data[]": THEIRS,  # an e-mail address that another recording has taken by then
    "list.has_more": THEIRS,
    "/v1/customers/{id}.error.request_log_url": NO_LOG,
    "/v1/invoices.error.request_log_url": NO_LOG,
    "/v1/products/prod_mock.error.request_log_url": NO_LOG,
    "/v1/products/{id}.error.request_log_url": NO_LOG,
    "/v1/subscriptions/{id}.error.request_log_url": NO_LOG,
}
#: Shares of what can match, in percent. They may only rise.
STATUS, KEYS, VALUES = 98, 94, 94


@pytest.fixture
def replay() -> Any:
    folder = str(shared("recordings", "replay.py").resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    pytest.importorskip("httpx")
    import replay

    return replay


def answerable(replay: Any, steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The steps that name what the recording has made by then, what every account has, or what nobody has."""
    made: set[str] = set()
    found = []
    for step in steps:
        named = set(replay.ANY_ID.findall(urllib.parse.unquote(step["path"] + " " + step["body"])))
        own = [id for id in named if id not in made and not id.startswith(replay.TEST_IDS)]
        missing = (step["response"].get("error") or {}).get("code") == "resource_missing"
        if own and not missing:
            continue
        found.append(step)
        leaves = [leaf for _, leaf in replay.walk(step["response"]) if isinstance(leaf, str)]
        made |= {leaf for leaf in leaves if replay.ID.match(leaf)}
    return found


def named(api: Api) -> None:
    """A seller has a name, as theirs has."""
    with api.app.db.connection() as conn:
        conn.execute("update accounts set name = 'Nimbus Ltd' where id = %s", (api.account,))


def share(count: Counter[str], good: str, bad: str) -> float:
    return 100 * count[good] / (count[good] + count[bad])


def test_recorded_requests_are_answered_as_recorded(api: Api, http_url: str, replay: Any) -> None:
    named(api)
    player = replay.Replay(http_url, api.key)
    for recording in json.loads(shared("recordings", "stripe_traffic.json").read_text()):
        player.run(recording["name"], answerable(replay, recording["steps"]))
    for field in CANNOT:
        said = player.differ.pop(field, Counter())
        player.keys["missing"] -= said["missing"]
        player.values["differ"] -= said.total() - said["missing"]
    shares = {
        "status": share(player.status, "same", "differ"),
        "keys": share(player.keys, "present", "missing"),
        "values": share(player.values, "same", "differ"),
    }
    told = {where: dict(said.most_common(1)) for where, said in player.differ.items()}
    report = "\n".join([*player.failures, str(shares), *(f"{where}: {said}" for where, said in told.items())])
    assert shares["status"] >= STATUS and shares["keys"] >= KEYS and shares["values"] >= VALUES, report


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        where.split(".")
        for where, why in CANNOT.items()
        if why is NEWER and where.count(".") == 1 and not where.startswith("list.")
    ],
)
def test_what_is_called_newer_is_in_no_type_of_the_contract(contract: Any, kind: str, field: str) -> None:
    told = contract.problems({"object": kind, field: None})
    assert any(field in problem for problem in told), told
