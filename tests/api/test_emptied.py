"""Can every parameter that the official library lets be empty be emptied?"""

import ast
import re
from types import ModuleType
from typing import Any

from billow.api.fields import Field
from billow.api.operation import verbs
from billow.api.resource import ROUTES
from billow.pages.description import accepted_by
from tests.api.test_left_out import shape
from tests.api.test_nested_parameters import within


def emptied(contract: ModuleType, params: str | None, at: str = "") -> set[str]:
    """The library's parameters whose type has the empty string, with those within others."""
    classes: dict[str, Any] = contract._param_classes()
    found: set[str] = set()
    for one in classes[params].body if params in classes else []:
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            path, note = f"{at}{one.target.id}", ast.unparse(one.annotation).replace("\\", "")
            found |= {path} if "Literal['']" in note else set()
            inner = set(re.findall(r"\w+", note)) & set(classes) - {params}
            found = found.union(*(emptied(contract, name, f"{path}.") for name in inner))
    return found


def with_parts(spec: Field, at: str) -> dict[str, Field]:
    parts = {at: spec}
    for name, part in within(spec).items():
        parts |= with_parts(part, f"{at}.{name}")
    return parts


def test_what_the_library_lets_be_empty_can_be_emptied(contract: ModuleType) -> None:
    ours = {(verb.method, shape(verb.path)): accepted_by(verb) for verb in verbs(ROUTES)}
    checked, refused = 0, set()
    for operation in contract.operations():
        declared = ours.get((operation.verb, shape(operation.path)), {})
        known = {
            path: part for name, spec in declared.items() for path, part in with_parts(spec, name).items()
        }
        for path in emptied(contract, operation.params) & known.keys():
            checked += 1
            if not known[path].unset and known[path].kind not in ("metadata", "map"):
                refused.add((operation.verb, operation.path, path))
    assert refused == set() and checked > 200
