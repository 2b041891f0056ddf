"""Preview the next invoice at the addresses that versions before 2025-03-31.basil have."""

from typing import Any

from billow.api import fields as f
from billow.api import listing, params
from billow.api.resource import route
from billow.core.errors import Refused
from billow.flows.previews.create_preview import create_preview
from billow.flows.previews.params import Preview
from billow.store.tx import Tx

PATH = "/v1/invoices/upcoming"
LAST = "2025-02-24.acacia"


class UpcomingLines(Preview):
    limit: int = f.integer(default=10)
    starting_after: str | None = f.text()
    ending_before: str | None = f.text()


@route("GET", PATH, Preview, until=LAST)
def upcoming(tx: Tx, wanted: Preview) -> dict[str, Any]:
    """Show the next invoice of a customer, subscription or schedule, or the invoice of a change.

    It has no id: programs of that time take an invoice with one for one that exists.
    """
    return {name: value for name, value in create_preview(tx, wanted).items() if name != "id"}


@route("GET", f"{PATH}/lines", UpcomingLines, until=LAST)
def upcoming_lines(tx: Tx, wanted: UpcomingLines) -> dict[str, Any]:
    """List the first lines of the next invoice, up to a limit: their ids are new in each answer."""
    shown = create_preview(tx, without_paging(wanted))
    if wanted.starting_after is not None or wanted.ending_before is not None:
        raise Refused(
            "The lines of an upcoming invoice have no ids that last: list them with a limit of up to 100.",
            param="starting_after" if wanted.starting_after is not None else "ending_before",
        )
    lines: dict[str, Any] = shown["lines"]
    limit = listing.checked_limit(wanted.limit)
    return {
        **lines,
        "data": lines["data"][:limit],
        "has_more": len(lines["data"]) > limit,
        "url": f"{PATH}/lines",
    }


def without_paging(wanted: UpcomingLines) -> Preview:
    names = params.specs(Preview)
    return params.made(Preview, **{name: value for name, value in wanted.sent().items() if name in names})
