"""Keep and list the lines that the amount of a payment intent is made of."""

from collections.abc import Mapping, Sequence
from typing import Any

from billow.api import listing, rows
from billow.api.params import Params
from billow.core import amount_parts
from billow.core.errors import Refused
from billow.resources.payment_intent import PaymentIntent
from billow.store.ids import new_id
from billow.store.tx import Tx

NOUN, PREFIX = "payment_intent_amount_details_line_item", "uli_"
USUAL = {
    "discount_amount": None,
    "payment_method_options": None,
    "product_code": None,
    "tax": None,
    "unit_of_measure": None,
}
"""What a line shows of which nothing was sent."""


def kept(intent: str, details: Params | None, amount: int) -> dict[str, Any]:
    """Return what an amount is made of, as its intent keeps and shows it; lines get ids of their own.

    Parts that do not add up to the amount are refused, or noted where the request says so.
    """
    given = {name: rows.plain_value(one) for name, one in (details.sent() if details else {}).items()}
    enforced = given.pop("enforce_arithmetic_validation", None) is not False
    if found := checked(given, amount, enforced):
        given["error"] = {"code": found.code, "message": found.message}
    if given.get("line_items"):
        lines = [{"id": new_id(PREFIX), "object": NOUN, **USUAL, **one} for one in given["line_items"]]
        given["line_items"] = page_of(intent, lines, False)
    return {"tip": {}, **given}


def checked(given: Mapping[str, Any], amount: int, enforced: bool) -> amount_parts.Wrong | None:
    """Return what is wrong with the parts of an amount; refuse it unless the request says otherwise."""
    if twice := amount_parts.said_twice(given):
        raise Refused(
            "An amount's tax and discount are said of the whole or of its line items, not of both.",
            param=f"amount_details[{twice}]",
            code="parameters_exclusive",
        )
    found = amount_parts.wrong_with(amount, given)
    if found and enforced:
        raise Refused(found.message, param="amount_details", code=found.code)
    return found


def page_of(intent: str, lines: Sequence[dict[str, Any]], has_more: bool) -> dict[str, Any]:
    url = f"{PaymentIntent.path}/{intent}/amount_details_line_items"
    return {"object": "list", "data": [*lines], "has_more": has_more, "url": url}


@PaymentIntent.below("GET", "amount_details_line_items", listing.Paging, of=PaymentIntent)
def list_lines(tx: Tx, intent: PaymentIntent, wanted: listing.Paging) -> dict[str, Any]:
    """List the lines that the amount of a payment intent is made of, in their order."""
    found = (intent.amount_details or {}).get("line_items") or {}
    lines = found["data"] if isinstance(found, dict) and found else []  # older intents have bare lines
    limit, after, before = listing.checked_limit(wanted.limit), wanted.starting_after, wanted.ending_before
    if before:
        rest = lines[: place(lines, before, "ending_before")]
        return page_of(intent.id, rest[-limit:], len(rest) > limit)
    rest = lines[place(lines, after, "starting_after") + 1 :] if after else lines
    return page_of(intent.id, rest[:limit], len(rest) > limit)


def place(lines: Sequence[dict[str, Any]], id: str, param: str) -> int:
    """Return the place of a line that a request names."""
    for number, line in enumerate(lines):
        if line["id"] == id:
            return number
    raise Refused(f"No such {NOUN}: '{id}'", param=param, code="resource_missing")
