"""Declare what a version of the API changed: how an older request is read, and an older answer shown."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from billow.core.errors import Refused

View = dict[str, Any]
"""An object as it is shown. A function sets its fields; a hash inside it is replaced, never changed."""
Sent = dict[str, Any]
"""The params of a request, nested, before they are parsed."""
Renamed = Mapping[str, str] | None
"""Names of params in the newest version that stand for others in the request: an error names those."""


@dataclass(frozen=True, slots=True)
class One:
    """A need for the row of a noun with an id, or, `shown`, for the object as the version shows it."""

    noun: str
    id: str
    shown: bool = False


@dataclass(frozen=True, slots=True)
class Several:
    """A need for the rows of a noun that name an id in their column `by`, the newest first."""

    noun: str
    by: str
    id: str
    shown: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A need for a new row of a noun, created from these params before the request is carried out."""

    noun: str
    sent: Sent


@dataclass(frozen=True, slots=True)
class Addressed:
    """A need for the id in the path of the request."""


Need = One | Several | Made | Addressed
Needs = Generator[Need, Any, None]
"""What a function is that needs other objects: it yields a need and is sent what was found, or None.

None also stands for what the key of the request may not read.

The needs of all objects of an answer are met together, with one query for each noun.
"""
Reads = Callable[[Sent], Any]
"""Returns which params it renamed, or is a generator that does so after its needs are met."""
Shows = Callable[[View], Needs | None]
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Change:
    """What a version changed. `version` is the first without the old form."""

    version: str
    requests: dict[str, list[Reads]] = field(default_factory=dict)
    """By operation (`POST /v1/subscriptions`), functions that turn older params into newer ones."""
    objects: dict[str, list[Shows]] = field(default_factory=dict)
    """By the `object` of a noun, functions that turn a shown object into its older form."""
    expands: dict[str, dict[str, str]] = field(default_factory=dict)
    """By the `object` of a noun, the fields that only older versions expand, and the noun that each names.

    `total_tax_amounts.tax_rate` is the field of the hashes in a list.
    """

    def reads(self, *operations: str) -> Callable[[F], F]:
        """Declare a function that reads an older request for these operations."""
        return _noted(self.requests, operations)

    def shows(self, *objects: str) -> Callable[[F], F]:
        """Declare a function that shows the older form of these objects."""
        return _noted(self.objects, objects)


def _noted(among: dict[str, list[Any]], names: tuple[str, ...]) -> Callable[[F], F]:
    def declare(function: F) -> F:
        for name in names:
            among.setdefault(name, []).append(function)
        return function

    return declare


def copied(view: View, source: Any, *names: str) -> None:
    """Copy fields of a hash, which may be null, to an object; those that it does not have become null."""
    view.update({name: (source or {}).get(name) for name in names})


def exclusive(name: str, other: str) -> Refused:
    """Return the refusal of a param that stands beside another with the same meaning."""
    return Refused(
        f"You may only specify one of these parameters: {name}, {other}.",
        param=name,
        code="parameters_exclusive",
    )
