"""Compile a noun's declaration into two functions that show its rows.

    print(compiled.source(Invoice, frozenset()))

prints them as if a person had written them (docs/decisions/0022-rows-as-structs.md says why).
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from billow.api.fields import TURNED, Field
from billow.api.resource import Resource

View = dict[str, Any]


class Functions(NamedTuple):
    """How rows of a noun are shown before their references are expanded, and what is computed afterwards."""

    show: Callable[[Any, bool], View]
    """Show a row, given whether it is in live mode: every name in its place, computed ones still null."""
    compute: Callable[[Any, datetime, View], None]
    """Fill in the computed fields of a row, at an instant, from what is shown of it so far."""


@cache
def functions(cls: type[Resource], included: frozenset[str]) -> Functions:
    """Return the functions of a noun that show these of the fields which are left out by default."""
    names: dict[str, Any] = {f"as_{kind}": turn for kind, turn in TURNED.items()}
    for name, spec in cls.specs.items():
        names |= {f"constant_{name}": spec.constant[0]} if spec.constant else {}
        names |= {f"compute_{name}": spec.compute} if spec.compute else {}
    names["typed"] = [name for name, spec in cls.specs.items() if spec.typed]
    exec(compile(source(cls, included), f"<{cls.object}>", "exec"), names)  # noqa: S102
    return Functions(names["show"], names["compute"])


def source(cls: type[Resource], included: frozenset[str]) -> str:
    """Return the source of the functions. `id` and `object` come first, the rest in alphabetical order."""
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
    typed = any(spec.typed for spec in specs.values())
    leave_out = [
        "    for name in typed:",
        "        if name != row.type:",
        "            shown.pop(name, None)",
    ]
    return "\n".join(
        [
            "def show(row, livemode):",
            "    return {",
            *(f'        "{name}": {text},' for name, text in entries.items()),
            "    }",
            "",
            "def compute(row, now, shown):",
            *(f'    shown["{name}"] = compute_{name}(row, now, shown)' for name in computed),
            *(leave_out if typed else []),
            "    return None",
            "",
        ]
    )


def _value(spec: Field) -> str:
    """Return the expression that shows a field."""
    if spec.constant:
        value = spec.constant[0]
        return (
            repr(value) if value is None or isinstance(value, bool | int | str) else f"constant_{spec.name}"
        )
    if not spec.stored:
        return "None"
    return f"as_{spec.kind}(row.{spec.name})" if spec.kind in TURNED else f"row.{spec.name}"
