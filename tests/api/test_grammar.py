"""Does the grammar hold only what several nouns say? What one noun alone needs belongs to that noun."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import fields
from inspect import Parameter, signature
from typing import Any

from billow import app  # noqa: F401  declares all nouns
from billow.api import fields as f
from billow.api.fields import SHOWN, Field, declared
from billow.api.params import Params
from billow.api.resource import REGISTRY, ROUTES, Resource

UNUSED: set[str] = set()
"""Options that no noun uses. The list may only shrink."""
KEPT_AS = {"event": "event_prefix"}
"""Keywords that a class keeps under another name, since columns have theirs."""
SAID_IN_THE_BODY = ("owner", "lacks", "order", "searched", "among")


def nouns_with_params() -> Iterator[tuple[str, type]]:
    """Each noun with its own declaration and those of the requests that it takes."""
    for cls in REGISTRY.values():
        yield cls.object, cls
        yield from ((cls.object, verb.params) for verb in cls.verbs if verb.params)
    yield from ((verb.path, verb.params) for verb in ROUTES if verb.params)


def options_of(spec: Field) -> Iterator[str]:
    """The options of a field, and of what is in it, that differ from what a field has by itself."""
    for option in fields(Field):
        if getattr(spec, option.name) != option.default:
            yield option.name
    if spec.item:
        yield from options_of(spec.item)
    for inner in declared(spec.shape).values() if spec.shape else ():
        yield from options_of(inner)


def specs_of(cls: type) -> dict[str, Field]:
    return cls.specs if issubclass(cls, Resource) else declared(cls)


def nouns_by_option(declarations: Sequence[tuple[str, type]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {option.name: set() for option in fields(Field)}
    for noun, cls in declarations:
        for spec in specs_of(cls).values():
            for option in options_of(spec):
                found[option].add(noun)
    return found


def nouns_by_keyword(nouns: Sequence[type[Resource]]) -> dict[str, set[str]]:
    """For each keyword of `Resource`, and each name that its body may give, the nouns that say it."""
    said = signature(Resource._register).parameters.values()
    optional = [one.name for one in said if one.default is not Parameter.empty]
    found: dict[str, set[str]] = defaultdict(set)
    for cls in nouns:
        usual: dict[str, Any] = {"table": f"{cls.noun}s", "event": cls.object, "path": None}
        usual["events"] = ("created", "updated", "deleted")
        for name in (*optional, *SAID_IN_THE_BODY):
            given = getattr(cls, KEPT_AS.get(name, name)) != usual.get(name, getattr(Resource, name, None))
            found[name] |= {cls.object} if given else set()
    return found


def rare(found: dict[str, set[str]]) -> set[str]:
    return {name for name, nouns in found.items() if len(nouns) < 2}


def test_every_option_of_a_field_is_used_by_two_nouns() -> None:
    assert rare(nouns_by_option(list(nouns_with_params()))) == UNUSED


def test_every_keyword_of_a_resource_is_used_by_two_nouns() -> None:
    assert rare(nouns_by_keyword(list(REGISTRY.values()))) == set()


class Inner(Params):
    share: int = f.integer(min=1)


class First(Params):
    inner: Inner = f.nested(SHOWN, Inner)
    names: list[str] = f.array(SHOWN, f.text(max=3), max=7)


class Second(Params):
    share: int = f.integer(min=1)


def test_an_option_of_one_noun_alone_is_found() -> None:
    """Also where it stands within a nested object, or about the items of an array."""
    found = nouns_by_option([("first", First), ("second", Second)])
    assert found["min"] == {"first", "second"} and found["max"] == {"first"}
    assert "max" in rare(found) and "min" not in rare(found)
