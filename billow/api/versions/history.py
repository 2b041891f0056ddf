"""Put the changes in order: which ones lie between a version and the newest."""

import re
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from functools import cache
from inspect import isgeneratorfunction
from typing import Any

from billow.api.versions import (
    older_credit_notes,
    v2022_08_01,
    v2022_11_15,
    v2023_08_16,
    v2024_04_10,
    v2024_09_30_acacia,
    v2025_09_30_clover,
    v2026_03_25_dahlia,
    v2026_09_30_endive,
)
from billow.api.versions.change import Change, Renamed, Sent
from billow.core.errors import Refused

CHANGES: tuple[Change, ...] = (
    v2022_08_01.CHANGE,
    v2022_11_15.CHANGE,
    v2023_08_16.CHANGE,
    v2024_04_10.CHANGE,
    v2024_09_30_acacia.CHANGE,
    older_credit_notes.CHANGE,
    v2025_09_30_clover.CHANGE,
    v2026_03_25_dahlia.CHANGE,
    v2026_09_30_endive.CHANGE,
)
"""From the oldest to the newest; each is in a file of its own."""


@cache
def since(version: str) -> tuple[Change, ...]:
    """Return the changes that came after a version, from the oldest to the newest."""
    return tuple(change for change in CHANGES if change.version > version)


@cache
def expands(version: str) -> Mapping[str, Mapping[str, str]]:
    """Return the fields that a version expands and the newest does not, by object: the noun of each."""
    found: dict[str, dict[str, str]] = {}
    for change in since(version):
        for noun, fields in change.expands.items():
            found.setdefault(noun, {}).update(fields)
    return found


def read(version: str, operation: str, sent: Sent) -> dict[str, str]:
    """Turn the params of a request into those of the newest version; return which were renamed, and to what.

    What needs the database for that is done by `reading.read_in`.
    """
    renamed: dict[str, str] = {}
    for change in since(version):
        for function in change.requests.get(operation, ()):
            if not isgeneratorfunction(function):
                add(renamed, function(sent))
    return renamed


COUNTED = "2025-02-24.acacia"
"""The last version whose lists count their entries, where a request expands or includes `total_count`."""
COUNT = "total_count"


def has_include(version: str) -> bool:
    """Return whether lists take `include[]=total_count`."""
    return version <= COUNTED


def without_count(version: str, tree: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return what is expanded of the entries of a list, and whether they are to be counted."""
    if COUNT not in tree or version > COUNTED:
        return tree, False
    return {name: below for name, below in tree.items() if name != COUNT}, True


def add(renamed: dict[str, str], more: Renamed) -> None:
    """Note further names of params; a name that was renamed before keeps its first name."""
    for name, former in (more or {}).items():
        renamed[name] = renamed.get(former, former)


def name_successor(refused: Refused, version: str, operation: str, sent: Sent) -> None:
    """Let the refusal of a param that a version up to this one has renamed name what took its place."""
    if refused.code != "parameter_unknown" or refused.param is None:
        return
    for change in (one for one in CHANGES if one.version <= version):
        for function in change.requests.get(operation, ()):
            if isgeneratorfunction(function):
                continue
            renamed: dict[str, str] = {}
            with suppress(Refused):  # what was sent is refused already, and not for its values
                add(renamed, function(deepcopy(sent)))
            names = [name for name, former in renamed.items() if former == refused.param]
            if names:
                refused.message += f". Since {change.version} it is {names[0]}."
                return


def former_name(renamed: Renamed, param: str) -> str:
    """Return the name that a param has in the request: `coupon` for `discounts[0][coupon]`."""
    found = [name for name in renamed or {} if param == name or param.startswith(f"{name}[")]
    if renamed is None or not found:
        return param
    nearest = max(found, key=len)
    return renamed[nearest] + param.removeprefix(nearest)


def name_as_sent(refused: Refused, renamed: Renamed) -> None:
    """Let a refusal name its param as the request does, in its message too."""
    if refused.param is not None and (former := former_name(renamed, refused.param)) != refused.param:
        named = rf"(?<![\w\[\]]){re.escape(refused.param)}(?![\w\[\]])"
        refused.message = re.sub(named, lambda _: former, refused.message)
        refused.param = former
