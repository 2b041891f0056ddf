"""Which characters may stand on paper? All that can be seen; none that steers a printer or a terminal."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, TypeVar
from unicodedata import category

Part = TypeVar("Part")

# Zero-width joiners belong to the spelling of Persian, Hindi and others; all other invisible ones are
# dropped, not least those that turn the direction of writing and can make a name read as another.
JOINERS = "\u200c\u200d"


def printable(part: Part) -> Part:
    """The same tree of dataclasses and tuples, each text without control characters."""
    return with_each_text(part, clean)


def with_each_text(part: Part, change: Callable[[str], str]) -> Part:
    """The same tree, each text changed."""
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
    r"""Line breaks stay, tabs become spaces, the rest of Unicode's categories Cc, Cf and Cs goes.

    >>> clean("Ann\x00a\tB\u202e\ud800\r\n2")
    'Anna B\n2'
    """
    spaced = text.replace("\r\n", "\n").replace("\t", " ")
    return "".join(
        each for each in spaced if each in JOINERS or each == "\n" or category(each) not in ("Cc", "Cf", "Cs")
    )
