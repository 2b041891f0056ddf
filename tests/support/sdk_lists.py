"""Read from the official library which lists there are, and what each takes."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints

import stripe
from stripe._request_options import RequestOptions
from typing_extensions import is_typeddict

SIMPLE = {int: "1", bool: "true", float: "1.5"}
OPTIONS = set(RequestOptions.__annotations__)


@dataclass(frozen=True)
class List:
    """One list of the library: its path, and its params with their types."""

    path: str
    params: dict[str, Any]
    required: frozenset[str]

    @property
    def own(self) -> set[str]:
        """The names of its params but for paging and `expand`, which every list has."""
        return set(self.params) - {"limit", "starting_after", "ending_before", "expand"}


def lists() -> Iterator[List]:
    """Every list of v1 whose path names no object above it."""
    for found in pkgutil.walk_packages(stripe.__path__, "stripe."):
        if found.name.endswith("_service"):
            module = importlib.import_module(found.name)
            for cls in vars(module).values():
                if inspect.isclass(cls) and cls.__module__ == found.name and hasattr(cls, "list"):
                    yield from _list(found.name, cls)


def _list(module: str, cls: type) -> Iterator[List]:
    path = re.search(r'"(/v1/[^"{]+)"', inspect.getsource(cls.list))  # type: ignore[attr-defined]
    if path:
        name = module.replace("stripe.", "stripe.params.", 1).removesuffix("_service") + "_list_params"
        own = types(
            getattr(importlib.import_module(name), cls.__name__.removesuffix("Service") + "ListParams")
        )
        needed = {name for name, kind in own.items() if get_origin(kind) is not NotRequired}
        yield List(path[1], own, frozenset(needed))


def types(shape: Any) -> dict[str, Any]:
    """The params of a `TypedDict` of the library with their types, without the options of the client."""
    own = {name: kind for name, kind in shape.__annotations__.items() if name not in OPTIONS}
    bare = type("Bare", (), {"__annotations__": own})
    return get_type_hints(bare, vars(importlib.import_module(shape.__module__)), include_extras=True)


def forms(kind: Any, name: str) -> list[list[tuple[str, str]]]:
    """Each way to send a param of a type, as pairs of a form."""
    return list(_ways(kind, name))


def _ways(kind: Any, name: str) -> Iterator[list[tuple[str, str]]]:
    origin = get_origin(kind)
    if origin in (NotRequired, Required):
        yield from _ways(get_args(kind)[0], name)
    elif origin is Literal:
        yield from ([(name, str(value))] for value in get_args(kind))
    elif origin is list:
        for way in _ways(get_args(kind)[0], name):
            yield [(f"{name}[0]" + at[len(name) :], value) for at, value in way]
    elif is_typeddict(kind):
        inner = types(kind)
        yield [pair for part, of in inner.items() for pair in next(_ways(of, f"{name}[{part}]"))]
    elif origin is Union or not isinstance(kind, type):
        for each in get_args(kind):
            yield from _ways(each, name)
    else:
        text = "ann@example.com" if "email" in name else "x"
        yield [(name, SIMPLE.get(kind, text))]
