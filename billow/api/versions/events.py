"""Show the objects of events in the version of each event, or in that of the endpoint that receives it."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from billow.api import render
from billow.api.versions import showing
from billow.api.versions.change import View
from billow.api.versions.known import NEWEST
from billow.store.tx import Tx


def show_in(tx: Tx, answer: Any) -> None:
    """Turn the data of the events in an answer, which is one or a list of them, into the form of each."""
    found = answer if isinstance(answer, dict) else {}
    entries = found.get("data") if found.get("object") == "list" else [found]
    if isinstance(entries, list) and entries and entries[0].get("object") == showing.EVENT:
        show_data(tx, entries)


def show_data(tx: Tx, events: Sequence[View], version: str | None = None) -> None:
    """Turn the data of shown events, in place, into the form of each event's version, or of the one given.

    Events are stored in the form of the newest version. An object shows what is stored; what an older form
    adds from other objects (the payment intent of an invoice, the coupon of a discount) is read now, for all
    events of a version together.
    """
    formers: list[tuple[View, View]] = []
    objects: dict[str, list[View]] = {}
    for event in events:
        if version is not None:
            event["api_version"] = version
        if event["api_version"] == NEWEST or "object" not in (event.get("data") or {}):
            continue
        object, previous = event["data"]["object"], event["data"].get("previous_attributes")
        group = objects.setdefault(event["api_version"], [])
        group.append(object)
        if previous is not None:
            former = _merged(deepcopy(object), previous)
            group.append(former)
            formers.append((event, former))
    for each, group in objects.items():
        showing.show(tx, each, group)
    for event, former in formers:
        object = event["data"]["object"]
        changed = {
            name: render.difference(value, object.get(name))
            for name, value in former.items()
            if value != object.get(name)
        }
        event["data"] = {"object": object, "previous_attributes": changed}


def _merged(now: Any, previous: Any) -> Any:
    """Return what a value was, from what it is and what the previous attributes say of it."""
    if isinstance(now, dict) and isinstance(previous, dict):
        return {**now, **{name: _merged(now.get(name), value) for name, value in previous.items()}}
    return previous
