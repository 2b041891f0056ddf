"""Remove invisible characters from a document, such as those that control a printer or a terminal."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, TypeVar
from unicodedata import category

Part = TypeVar("Part")

# Zero-width joiners are part of the spelling of Persian, Hindi and others; all other invisible characters
# are removed, above all those that change the direction of writing and can disguise a name.
JOINERS = "\u200c\u200d"


def printable(part: Part) -> Part:
    """Return a copy of a tree of dataclasses and tuples, its texts without control characters."""
    return with_each_text(part, clean)


def with_each_text(part: Part, change: Callable[[str], str]) -> Part:
    """Return a copy of a tree, with each text changed."""
    return changed(part, change)  # type: ignore[no-any-return]


def changed(part: Any, change: Callable[[str], str]) -> Any:
    if isinstance(part, str):
        return change(part)
    if isinstance(part, tuple):
        return tuple(changed(member, change) for member in part)
    if hasattr(part, "__dataclass_fields__"):
        return replace(
            part, **{field.name: changed(getattr(part, field.name), change) for field in fields(part)}
        )
    return part


def clean(text: str) -> str:
    r"""Remove Unicode's categories Cc, Cf and Cs from a text; line breaks stay, tabs become spaces.

    >>> clean("Ann\x00a\tB\u202e\ud800\r\n2")
    'Anna B\n2'
    """
    spaced = text.replace("\r\n", "\n").replace("\t", " ")
    return "".join(
        each for each in spaced if each in JOINERS or each == "\n" or category(each) not in ("Cc", "Cf", "Cs")
    )
