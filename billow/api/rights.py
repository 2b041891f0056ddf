"""Check what an API key may do: everything, some nouns, or only what a browser may."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from billow.api import confined, params
from billow.api.render import Tree
from billow.api.resource import REGISTRY, Resource, Verb
from billow.api.written import written
from billow.core.errors import Refused
from billow.store.keys import Key

Fn = TypeVar("Fn", bound=Callable[..., Any])
SECRET = (
    "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a"
    " list of your API keys with `billow keys`."
)
OWN = "api_keys"
"""Only secret keys can create, roll and delete keys: a restricted key could give itself more rights.

The same holds for ephemeral keys.
"""

EPHEMERAL = "ephemeral_keys"
KEYS = frozenset({OWN, EPHEMERAL})

#: The verbs that a publishable key may call, and the fields that it is shown; no names mean all fields.
BROWSER: dict[Callable[..., Any], tuple[str, ...]] = {}


def browser(*shown: str) -> Callable[[Fn], Fn]:
    """Open a verb to publishable keys. One that takes a `client_secret` must be sent it."""

    def declare(run: Fn) -> Fn:
        BROWSER[run] = shown
        return run

    return declare


def nouns(verbs: Sequence[Verb]) -> dict[str, str]:
    """Return the noun of rights for each path: `/v1/billing/meters/{id}/deactivate` is `billing_meters`.

    A path below another noun's declares its own noun: `/v1/charges/{id}/refunds` is `refunds`.
    """
    heads = sorted({_head(verb.path) for verb in verbs}, key=len)
    return {
        verb.path: verb.noun
        or next(h for h in heads if f"{_head(verb.path)}/".startswith(f"{h}/")).replace("/", "_")
        for verb in verbs
    }


def _head(path: str) -> str:
    return "/".join(path.split("{")[0].strip("/").split("/")[1:])


Fields = Mapping[str, Mapping[str, str]]
"""Fields by the `object` that has them: the noun that each names."""
NONE: Fields = MappingProxyType({})


def judge(
    key: Key, verb: Verb, sent: Mapping[str, Any], tree: Tree, nouns: Mapping[str, str], former: Fields = NONE
) -> None:
    """Refuse what the key has no right to. Expanding needs read rights, and some params write other nouns.

    `former` has the fields that only the older version of the request expands.
    """
    if key.kind == "publishable":
        takes = "client_secret" in params.specs(verb.params) if verb.params else False
        if verb.run not in BROWSER or tree or (takes and not sent.get("client_secret")):
            raise Refused(SECRET, status=401, code="secret_key_required")
    if key.kind == "ephemeral":
        confined.check_operation(key, verb, sent, tree)
    if key.kind != "restricted":
        return
    wanted = [(nouns[verb.path], "read" if verb.method == "GET" else "write")]
    wanted += [(REGISTRY[object].right(), "write") for object in written(verb, sent)]
    wanted += [(OPENED[noun], "read") for noun, right in wanted if right == "write" and noun in OPENED]
    named = [cls for cls in REGISTRY.values() if cls.right() == wanted[0][0]]
    grantable = set(nouns.values())
    read = _read(verb.resource, named, tree, grantable) | _read_before(former, tree, grantable)
    wanted += [(right, "read") for right in sorted(read)]
    for noun, right in wanted:
        require_right(key, noun, right)


def require_right(key: Key, noun: str, right: str) -> None:
    """Refuse a restricted or publishable key without the right to read or write a noun."""
    allowed = key.kind == "secret" or (key.permissions.get(noun) in (right, "write") and noun not in KEYS)
    if not allowed:
        raise Refused(
            f"The provided key '{key.hint}' does not have the required permissions for this endpoint on"
            f" account '{key.tenant.split('/')[0]}'. Having permissions[{noun}]={right} would allow this"
            " request to continue.",
            status=403,
        )


OPENED = {"file_links": "files"}
"""Nouns that give others access: to create or extend a link, a key must be able to read the file."""

PARTS = {
    "cards": "payment_methods",
    "invoice_lines": "invoices",
    "line_items": "quotes",
    "discounts": "customers",
    "portal_sessions": "billing_portal_sessions",
    "product_features": "products",
    "event_destinations": "events",
    "webhook_deliveries": "webhook_endpoints",
}
"""The right to a part is the right to the whole. Other nouns without a path are never shown."""


def _read(
    cls: type[Resource] | None, named: Sequence[type[Resource]], tree: Tree, grantable: set[str]
) -> set[str]:
    """Return the rights to everything that a tree of expansions may show.

    A path may answer with rows of another noun (the lines of an invoice). A name that the path's noun does
    not have counts for every noun that has it, so that none is missed.
    """
    rights = set()
    for name, below in _names(tree):
        own = [*_shown(name, below, [one for one in (cls, *named) if one])]
        shown = own or _shown(name, below, REGISTRY.values())
        rights |= {PARTS.get(to.right(), to.right()) for to in shown} & grantable
    return rights


def _read_before(former: Fields, tree: Tree, grantable: set[str]) -> set[str]:
    """Return the rights to what only an older version expands, and to what is expanded below it.

    A name counts wherever it is in the tree.
    """
    found: set[str] = set()
    for name, below in _all_names(tree) if former else ():
        for nouns in former.values():
            for field, noun in nouns.items():
                if field.split(".")[-1] == name:
                    right = REGISTRY[noun].right()
                    found |= {PARTS.get(right, right)} | _read(REGISTRY[noun], [], below, grantable)
    return found


def _all_names(tree: Tree) -> Iterator[tuple[str, Tree]]:
    for name, below in tree.items():
        yield name, below
        yield from _all_names(below)


def _shown(name: str, below: Tree, nouns: Iterable[type[Resource]]) -> Iterator[type[Resource]]:
    for cls in nouns:
        if name in cls.specs:
            yield from _pointed(cls.specs[name], below)


def _names(tree: Tree) -> Iterator[tuple[str, Tree]]:
    for name, below in tree.items():
        if name == "data":
            yield from _names(below)
        else:
            yield name, below


def _expanded(cls: type[Resource], tree: Tree) -> Iterator[type[Resource]]:
    """Return the nouns that a tree of expansions shows of a noun."""
    for name, below in _names(tree):
        if name in cls.specs:
            yield from _pointed(cls.specs[name], below)


def _pointed(spec: Any, below: Tree) -> Iterator[type[Resource]]:
    if spec.refs:
        yield from _held(spec.refs, below)
        return
    to = REGISTRY.get(spec.to or (spec.item.to if spec.item else ""))
    if to:
        yield to
        yield from _expanded(to, below)
    elif spec.shape:
        inner = params.specs(spec.shape)
        for name, deeper in below.items():
            if name in inner:
                yield from _pointed(inner[name], deeper)


def may_read(key: Key, object: str) -> bool:
    """Return whether a key may read a noun that an older version of the API shows in another."""
    right = REGISTRY[object].right()
    wanted = PARTS.get(right, right)
    if key.kind == "ephemeral":
        return object in ("customer", "payment_method")
    return key.kind != "restricted" or key.permissions.get(wanted) in ("read", "write")


def _held(refs: Any, below: Tree) -> Iterator[type[Resource]]:
    """Return the nouns that are shown where a value holds ids: all that may lie at a place."""
    if isinstance(refs, Mapping):
        for name, deeper in below.items():
            if name in refs:
                yield from _held(refs[name], deeper)
        return
    for noun in refs.split():
        if to := REGISTRY.get(noun):
            yield to
            yield from _expanded(to, below)


def visible(key: Key, verb: Verb, shown: Any) -> Any:
    """Return what a publishable key is shown of an answer, or of the object in an error."""
    names = BROWSER.get(verb.run, ()) if key.kind == "publishable" else ()
    ours = isinstance(shown, dict) and verb.resource and shown.get("object") == verb.resource.object
    return {name: shown[name] for name in names if name in shown} if names and ours else shown
