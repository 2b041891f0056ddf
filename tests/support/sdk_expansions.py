"""Read from the official library what can be expanded: the fields that it types as expandable."""

import ast
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from billow.api.render import MAX_DEPTH

Chain = tuple[Any, ...]


def expandable(contract: ModuleType, noun: str) -> list[str]:
    """The paths of a noun's expandable fields, in its hashes and lists too, as deep as may be asked for.

    `lines.data.pricing.price_details.price` is one of an invoice.
    """
    chain = contract._objects().get(noun)
    found = sorted(set(_of_class(contract, chain, "", (noun,)))) if chain else []
    return [path for path in found if _depth(path) <= MAX_DEPTH]


def _depth(path: str) -> int:
    return len([name for name in path.split(".") if name != "data"])


def _of_class(contract: ModuleType, chain: Chain, at: str, above: tuple[str, ...]) -> Iterator[str]:
    if _depth(at) > MAX_DEPTH + 1:
        return
    for name, note in contract.fields(chain).items():
        yield from _of_type(contract, note, chain, f"{at}{name}", above)


def _of_type(
    contract: ModuleType, note: ast.expr, chain: Chain, at: str, above: tuple[str, ...]
) -> Iterator[str]:
    if isinstance(note, ast.Constant) and isinstance(note.value, str):
        note = ast.parse(note.value, mode="eval").body
    if isinstance(note, ast.Subscript):
        head = ast.unparse(note.value).split(".")[-1]
        if head == "ExpandableField":
            yield at
        elif head in ("Optional", "List", "list"):
            yield from _of_type(contract, note.slice, chain, at, above)
        elif head == "ListObject":
            yield from _of_type(contract, note.slice, chain, f"{at}.data", above)
        elif head == "Union" and isinstance(note.slice, ast.Tuple):
            for each in note.slice.elts:
                yield from _of_type(contract, each, chain, at, above)
        return
    name = ast.unparse(note).strip("'\"")
    found = None if name in contract.SCALARS else contract._resolve(name, chain)
    noun = _object_name(found[-1]) if found else ""
    if found and noun not in above:  # an object in itself has its own expansions
        yield from _of_class(contract, found, f"{at}.", (*above, noun) if noun else above)


def _object_name(cls: ast.ClassDef) -> str:
    """The `object` that a class of the library is shown as; "" for a hash within one."""
    for statement in cls.body:
        if isinstance(statement, ast.AnnAssign) and ast.unparse(statement.target) == "OBJECT_NAME":
            return str(ast.literal_eval(statement.value)) if statement.value else ""
    return ""
