"""Write docs/reference/versions.md from the changes: `python -m billow.api.versions.page`."""

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from billow.api.versions.change import Change
from billow.api.versions.history import CHANGES
from billow.api.versions.known import KNOWN, NEWEST

INTRODUCTION = f"""# Versions of Stripe's API

Look up which versions billow speaks, and what it translates for a client that is pinned to an older one.
This page is made from the files in `billow/api/versions/` (`python -m billow.api.versions.page`), one for
each version that changed something.

A request names its version in the header `Stripe-Version`; every SDK since 2023 does so by itself. Without
the header it is written in the default version of the account, `{NEWEST}` unless
`billow accounts --api-version` sets another. A version that is not listed here is refused with
`Invalid Stripe API version`.
The answer names the version that was used.

A webhook endpoint that is created with an `api_version` gets its events in that version, others in the one
that the account had when the event happened. `GET /v1/events` always shows an event in the latter.

Translation is at the edge: amounts, dates and states are calculated in the newest version only. So a
subscription that a newer client created in flexible billing mode shows its amounts by the rules of that
mode to older clients too.

## Known versions

"""
DIFFERENT = """
## What differs from Stripe

- The coupon of a customer (`coupon` and `promotion_code` of `POST /v1/customers`) is refused: give it to
  the subscription or invoice.
- Usage records are events of a meter. A metered price without a meter gets a meter of its own. `action=set`
  is refused, and so is usage of an item whose meter another running item of the customer has, since both
  would bill it.
- `aggregate_usage` is `sum` or `last_during_period`; `max` and `last_ever` are refused.
- The lines of an upcoming invoice are listed up to a limit of 100, without cursors.
- What an older form of an event's object adds from other objects (the charge of an invoice, the coupon of a
  discount) is read when the event is shown or delivered; the object itself never changes.
- An older version that shows whole objects inside others (prices, coupons, charges) shows a restricted key
  null where it has no right to read them.
"""


def text() -> str:
    """Return the page."""
    known = "\n".join(f"- `{version}`" for version in reversed(KNOWN))
    parts = [section(change) for change in reversed(CHANGES)]
    return f"{INTRODUCTION}{known}\n" + "".join(parts) + DIFFERENT


def section(change: Change) -> str:
    """Return what is translated for the versions before a change."""
    shown = rows(change.objects)
    read = rows(change.requests)
    expanded = [
        f"| `{noun}` | {', '.join(f'`{name}`' for name in sorted(fields))} |"
        for noun, fields in sorted(change.expands.items())
    ]
    parts = [f"\n## Before {change.version}\n"]
    for title, lines in (
        ("| in answers | objects |", shown),
        ("| in requests | operations |", read),
        ("| object | fields that only older versions expand |", expanded),
    ):
        if lines:
            parts.append("\n".join(["", title, "| --- | --- |", *lines, ""]))
    if len(parts) == 1:
        parts.append("\nNothing is translated: what it changed, billow does not have.\n")
    return "".join(parts)


def rows(functions: Mapping[str, Iterable[Callable[..., Any]]]) -> list[str]:
    """Return a row of a table for each function: its docstring, and what it applies to."""
    applied: dict[Callable[..., Any], list[str]] = {}
    for name, found in functions.items():
        for function in found:
            applied.setdefault(function, []).append(name)
    return [
        f"| {' '.join((function.__doc__ or '').split())} | {', '.join(f'`{name}`' for name in names)} |"
        for function, names in applied.items()
    ]


if __name__ == "__main__":
    sys.stdout.write(text())
