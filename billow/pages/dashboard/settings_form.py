"""Describe the forms of the settings: their fields, what writes them, and what is said beside them."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from billow.core.errors import Refused
from billow.pages.dashboard.layout import Cell
from billow.pages.dashboard.visit import Visit
from billow.store.tx import Tx

Form = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form. Its kind is text, area, choose, tick, file, colour, mail or secret."""

    name: str
    label: str
    value: str = ""
    kind: str = "text"
    hint: str = ""
    options: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """Something that is there already, with what can be done to it: each an act and its words."""

    id: str
    title: str
    text: str = ""
    badge: Cell | None = None
    acts: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """What a section shows beside its fields: facts, what cannot be changed, and what is there already."""

    fields: Sequence[Field] = ()
    pairs: Sequence[tuple[str, Cell]] = ()
    fixed: Sequence[str] = ()
    items: Sequence[Item] = ()
    logo: str = ""
    """The logo as an address of data, for a preview."""
    colors: Sequence[str] = ()
    button: str = "Save"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the settings. `write` stores a form, and returns what the audit log says of it."""

    title: str
    about: str
    show: Callable[[Visit, Tx], Shown]
    write: Callable[[Visit, Tx, Form], dict[str, Any]]
    uploads: bool = field(default=False)


class Stale(Refused):
    """A refusal of a form that shows what is not stored any more: it would take somebody's change back."""


def digest_of(fields: Sequence[Field]) -> str:
    """Return a digest of the values that a form is shown with; it comes back with the form."""
    shown = json.dumps([(one.name, one.value) for one in fields])
    return hashlib.sha256(shown.encode()).hexdigest()[:32]


def check_fresh(fields: Sequence[Field], form: Form) -> None:
    """Refuse a form that was shown with other values than the stored ones, unless it says the same as they.

    It does where somebody sends a form twice.
    """
    if form.get("shown") == digest_of(fields):
        return
    unticked = any(one.kind == "tick" and ticked(form, one.name) != (one.value == "yes") for one in fields)
    if unticked or changes(fields, form):
        raise Stale("Somebody changed this meanwhile. Look at it again.")


def ticked(form: Form, name: str) -> bool:
    return form.get(name) == "yes"


def changes(fields: Sequence[Field], form: Form) -> dict[str, str]:
    """Return what a form changes of the fields that it was shown with.

    What is not changed is not stored, so that a default of the installation stays one.
    """
    shown = {one.name: one.value for one in fields}
    given = {name: "\n".join(lines(text)) for name, text in form.items() if name in shown}
    return {name: text for name, text in given.items() if text != shown[name]}


def lines(text: str) -> list[str]:
    """Return the lines of a text that are not empty."""
    return [one.strip() for one in text.splitlines() if one.strip()]
