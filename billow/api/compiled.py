"""What does a noun's declaration become: two functions, written out once, that show its rows.

    print(compiled.source(Invoice, frozenset()))

shows them as a person would have written them (docs/decisions/0022-rows-as-structs.md says why).
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from billow.api.fields import TURNED, Field
from billow.api.resource import Resource

View = dict[str, Any]


class Functions(NamedTuple):
    """How rows of a noun are shown, before what they refer to is expanded, and what is computed after it."""

    show: Callable[[Any, bool], View]
    """Show a row, given whether it is in live mode: every name in its place, computed ones still null."""
    compute: Callable[[Any, datetime, View], None]
    """Fill in what is computed of a row, at an instant, from what is shown of it so far."""


@cache
def functions(cls: type[Resource], included: frozenset[str]) -> Functions:
    """The functions of a noun, with these of the fields that are left out by default."""
    names: dict[str, Any] = {f"as_{kind}": turn for kind, turn in TURNED.items()}
    for name, spec in cls.specs.items():
        names |= {f"constant_{name}": spec.constant[0]} if spec.constant else {}
        names |= {f"compute_{name}": spec.compute} if spec.compute else {}
    exec(compile(source(cls, included), f"<{cls.object}>", "exec"), names)  # noqa: S102
    return Functions(names["show"], names["compute"])


def source(cls: type[Resource], included: frozenset[str]) -> str:
    """The text of the functions. `id` and `object` come first, the rest by the alphabet, as Stripe has it."""
    specs = {
        spec.name: spec
        for spec in cls.specs.values()
        if not (spec.hidden or spec.order) and (not spec.include or spec.name in included)
    }
    own = {"created": "as_timestamp(row.created)", "livemode": "livemode"}
    shown = {name: _value(spec) for name, spec in specs.items() if name != "id"}
    shown |= {name: text for name, text in own.items() if name not in cls.lacks}
    entries = {"id": "row.id", "object": repr(cls.object), **dict(sorted(shown.items()))}
    computed = [spec.name for spec in specs.values() if spec.compute]
    return "\n".join(
        [
            "def show(row, livemode):",
            "    return {",
            *(f'        "{name}": {text},' for name, text in entries.items()),
            "    }",
            "",
            "def compute(row, now, shown):",
            *(f'    shown["{name}"] = compute_{name}(row, now, shown)' for name in computed),
            "    return None",
            "",
        ]
    )


def _value(spec: Field) -> str:
    """What stands for a field where a row is shown."""
    if spec.constant:
        value = spec.constant[0]
        return (
            repr(value) if value is None or isinstance(value, bool | int | str) else f"constant_{spec.name}"
        )
    if not spec.stored:
        return "None"
    return f"as_{spec.kind}(row.{spec.name})" if spec.kind in TURNED else f"row.{spec.name}"
