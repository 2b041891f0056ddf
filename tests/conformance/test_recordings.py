"""Does the server answer as Stripe was recorded to answer? A replay of recordings, as a ratchet.

Two things cannot match, and are left out by rule rather than by hand: steps that name an object of the
recording's own account (made before it began, so no server but theirs has it), and the fields of NEWER, which
the recordings of late 2025 still show and the contract of `2026-10-28.endive` has no more.
"""

import json
import sys
import urllib.parse
from typing import Any

import pytest

from tests.conftest import Api, shared

#: Fields that the contract has dropped since: `absent` from every SDK type of 16.1.0.
NEWER = {
    "charge.destination", "charge.dispute", "charge.order", "charge.source",
    "charge.payment_method_details.card.ds_transaction_id", "invoice.lines.total_count", "invoiceitem.plan",
    "payment_method.shared_payment_granted_token", "product.attributes", "subscription.items.total_count",
    "subscription.plan", "subscription.quantity",
}  # fmt: skip
#: Shares of what can match, in percent. They may only rise.
STATUS, KEYS, VALUES = 98, 94, 93


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


def test_recorded_requests_are_answered_as_recorded(api: Api, http_url: str, replay: Any) -> None:
    player = replay.Replay(http_url, api.key)
    for recording in json.loads(shared("recordings", "stripe_traffic.json").read_text()):
        player.run(recording["name"], answerable(replay, recording["steps"]))
    for field in NEWER:
        player.keys["missing"] -= player.differ.get(field, {}).get("missing", 0)
    shares = {
        "status": 100 * player.status["same"] / (player.status["same"] + player.status["differ"]),
        "keys": 100 * player.keys["present"] / (player.keys["present"] + player.keys["missing"]),
        "values": 100 * player.values["same"] / (player.values["same"] + player.values["differ"]),
    }
    told = {where: dict(said.most_common(1)) for where, said in player.differ.items() if where not in NEWER}
    report = "\n".join([*player.failures, str(shares), *(f"{where}: {said}" for where, said in told.items())])
    assert shares["status"] >= STATUS and shares["keys"] >= KEYS and shares["values"] >= VALUES, report
