"""2022-11-15: payment intents show their latest charge, not all; charges show refunds when expanded."""

from billow.api.versions.change import Change, Needs, Several, View

CHANGE = Change("2022-11-15", expands={"payment_intent": {"charges": "charge"}})
FIRST = 10
"""How many entries a list inside an object shows."""


def _list(data: list[View], url: str) -> View:
    """Return the list that an object shows inside: its first entries, the newest first."""
    return {
        "object": "list",
        "data": data[:FIRST],
        "has_more": len(data) > FIRST,
        "total_count": len(data),
        "url": url,
    }


@CHANGE.shows("payment_intent")
def charges(view: View) -> Needs:
    """Show all charges of a payment intent in `charges`."""
    found = yield Several("charge", "payment_intent", view["id"], shown=True)
    url = f"/v1/charges?payment_intent={view['id']}"
    view["charges"] = None if found is None else _list(found, url)


@CHANGE.shows("charge")
def refunds(view: View) -> Needs:
    """Show the refunds of a charge in `refunds`, whether or not they are expanded."""
    if "refunds" not in view:
        found = yield Several("refund", "charge", view["id"], shown=True)
        view["refunds"] = None if found is None else _list(found, f"/v1/charges/{view['id']}/refunds")
