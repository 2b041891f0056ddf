"""Is every parameter of the official library declared, or left out for a stated reason?"""

import ast
import re
from types import ModuleType
from typing import Any

from billow.api.operation import verbs
from billow.api.resource import ROUTES
from billow.pages.description import accepted_by
from billow.resources import nouns_not_there
from tests.api.test_nested_parameters import NESTED, declared
from tests.test_tidy import ROOT

PAGE = ROOT / "docs" / "reference" / "left_out.md"
OF_ISSUING = {("GET", "/v1/disputes"): {"status", "transaction"}, ("POST", "/v1/disputes/{}"): {"amount"}}
"""Params of `issuing.dispute`, whose classes have the same names in the library."""
Lacking = dict[tuple[str, str], set[str]]
EMPTY = {path for path, _, _ in nouns_not_there.LISTS}
"""What these lists take is compared by test_empty_lists.py."""
WHOLE = {(verb.method, re.sub(r"\{\w*\}", "{}", verb.path)) for verb, _ in NESTED}
"""The operations whose parameters are compared with all that is within them."""


def shape(path: str) -> str:
    return re.sub(r"\{\w*\}", "{}", path)


def lacking(contract: ModuleType) -> Lacking:
    """What the library has and billow does not declare, by operation; operations that are not there apart."""
    ours = {(verb.method, shape(verb.path)): accepted_by(verb) for verb in verbs(ROUTES)}
    found: Lacking = {}
    for operation in contract.operations():
        key = (operation.verb, shape(operation.path))
        if operation.in_scope and operation.path not in EMPTY and key in ours:
            theirs = parameters(contract, operation) - {"expand"}
            known = set(ours[key])
            if key in WHOLE:
                theirs = within(contract, operation.params) - {"expand"}
                known = {path for name, spec in ours[key].items() for path in declared(spec, name)}
            left = theirs - known - OF_ISSUING.get(key, set())
            if left:
                found[key] = {path for path in left if path.rpartition(".")[0] not in left}
    return found


SESSIONS = {"checkout": "checkout", "billing_portal": "billing_portal"}
"""Three nouns are called sessions, and two configurations: where the library has the params of each."""


def parameters(contract: ModuleType, operation: Any) -> set[str]:
    """The library's top-level parameters of an operation, of the noun that the path names."""
    folder = SESSIONS.get(operation.path.split("/")[2])
    if folder is None:
        return set(contract.parameters(operation))
    files = (contract.ROOT / "params" / folder).glob("*.py")
    classes = {
        one.name: one
        for path in files
        for one in ast.parse(path.read_text()).body
        if isinstance(one, ast.ClassDef)
    }
    found = classes.get(operation.params or "")
    return (
        {
            one.target.id
            for one in found.body
            if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
        }
        if found
        else set()
    )


def within(contract: ModuleType, params: str | None, at: str = "") -> set[str]:
    """The library's parameters with all that is within them: `items`, `items.price`."""
    classes: dict[str, Any] = contract._param_classes()
    found: set[str] = set()
    for one in classes[params].body if params in classes else []:
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            path = f"{at}{one.target.id}"
            inner = set(re.findall(r"\w+", ast.unparse(one.annotation))) & set(classes) - {params}
            found |= {path}.union(*(within(contract, name, f"{path}.") for name in inner))
    return found


def told(text: str) -> Lacking:
    found: Lacking = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[0].startswith("`"):
            method, path = cells[0].strip("`").split()
            assert cells[2], f"{line} gives no reason"
            found.setdefault((method, path), set()).update(re.findall(r"`([\w.]+)`", cells[1]))
    return found


def test_every_parameter_of_the_library_is_declared_or_left_out_with_a_reason(contract: ModuleType) -> None:
    assert lacking(contract) == told(PAGE.read_text())


def test_a_parameter_that_is_on_neither_is_found(contract: ModuleType) -> None:
    text = PAGE.read_text().replace("`forgive`", "`nothing`")
    assert lacking(contract) != told(text)


def test_every_operation_of_the_page_is_compared(contract: ModuleType) -> None:
    """Also those of invoices, their items, payment intents and payment methods."""
    compared = {path.split("/")[2] for _, path in lacking(contract)}
    assert {"invoices", "invoiceitems", "payment_intents", "payment_methods"} <= compared
