"""Which SQL statements does the program contain, found in its source without running it?"""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from billow.api.resource import Resource

ROOT = Path(__file__).parents[2]
BEGINS = re.compile(
    r"\s*(select\b|insert into\b|update \S+( as)?( \w+)? set\b|delete from\b|with( recursive)? \w+ as\b)",
    re.IGNORECASE,
)
HOLE = re.compile(r"\{(\w+)?\}(?![^']*'(?:[^']*'[^']*')*[^']*$)")
"""A place that `format` fills in: not in quotes, where {} is JSON."""
EXECUTING = {"run", "one", "all", "tuples", "execute"}
OTHER_LANGUAGE = "billow/providers/gateways/simulated"
"""How the files begin that keep the attempts of the simulated gateway in SQLite."""


@dataclass(frozen=True)
class Statement:
    """A statement, or one whose text is known only when it runs (`sql` is None)."""

    path: str
    function: str
    source: str
    sql: str | None

    @property
    def name(self) -> str:
        """How a list names it: without a line number, which every change moves."""
        return f"{self.path}: {self.function}"


@dataclass(frozen=True)
class Scope:
    """A function or a module: where names are looked up."""

    path: str
    module: ModuleType
    function: str
    local: dict[str, ast.expr]
    hidden: frozenset[str]
    """Names that only a call of the function gives a value."""
    noun: str
    """The resource whose rows a condition without a table is about."""

    def value(self, node: ast.expr) -> Any:
        """Evaluate what module constants and single assignments alone determine; or raise NameError."""
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        if names & self.hidden:
            raise NameError(str(names & self.hidden))
        known = {name: self.value(self.local[name]) for name in names & self.local.keys()}
        code = compile(ast.fix_missing_locations(ast.Expression(node)), self.path, "eval")
        return eval(code, {**vars(self.module), **known})  # noqa: S307


def all_statements() -> list[Statement]:
    """Collect the statements of all Python and SQL files of the program but migrations and the schema."""
    found: list[Statement] = []
    for file in sorted((ROOT / "billow").rglob("*.py")):
        path = str(file.relative_to(ROOT))
        if not path.startswith(OTHER_LANGUAGE):
            found += of_module(path, file.read_text())
    for file in sorted((ROOT / "billow").rglob("*.sql")):
        if file.name != "schema.sql" and file.parent.name != "migrations":
            path = str(file.relative_to(ROOT))
            found.append(Statement(path, "", path, file.read_text()))
    return found


def of_module(path: str, text: str, module: ModuleType | None = None) -> Iterator[Statement]:
    """Find the statements of one module and its functions."""
    if module is None:
        module = importlib.import_module(path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    tree = ast.parse(text)
    nouns = [
        node.name for node in tree.body if isinstance(node, ast.ClassDef) and _is_noun(module, node.name)
    ]
    yield from _in_scope(Scope(path, module, "", {}, frozenset(), nouns[0] if nouns else ""), tree)


def _is_noun(module: ModuleType, name: str) -> bool:
    value = getattr(module, name, None)
    return isinstance(value, type) and issubclass(value, Resource)


def _in_scope(scope: Scope, node: ast.AST) -> Iterator[Statement]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _in_scope(_scope_of(scope, child), child)
        elif (found := _statement(near := _near(scope, child), child)) is not None:
            yield found
        elif not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)):  # no docstrings
            yield from _in_scope(near, child)


def _near(scope: Scope, node: ast.AST) -> Scope:
    """In a call that names a noun, a condition is about that noun."""
    if isinstance(node, ast.Call):
        for part in node.args:
            if isinstance(part, ast.Name) and _is_noun(scope.module, part.id):
                return replace(scope, noun=part.id)
    return scope


def _scope_of(outer: Scope, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Scope:
    """The function's names: what is assigned once can be looked up, everything else only a call knows."""
    given = function.args
    hidden = {one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
    hidden |= {one.arg for one in (given.vararg, given.kwarg) if one}
    assigned: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            assigned.setdefault(node.targets[0].id, []).append(node.value)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            assigned.setdefault(node.id, [])
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            hidden.add(node.target.id)
    local = {name: values[0] for name, values in assigned.items() if len(values) == 1}
    hidden |= outer.hidden | {name for name, values in assigned.items() if len(values) != 1}
    nouns = re.findall(r"(\w+)\.listing\b", " ".join(ast.unparse(one) for one in function.decorator_list))
    if not nouns and not outer.noun:
        named = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
        mentioned = [name for name in sorted(named) if _is_noun(outer.module, name)]
        nouns = mentioned if len(mentioned) == 1 else []
    name = f"{outer.function}.{function.name}".strip(".")
    return Scope(
        outer.path,
        outer.module,
        name,
        {**outer.local, **local},
        frozenset(hidden - local.keys()),
        nouns[0] if nouns else outer.noun,
    )


def _statement(scope: Scope, node: ast.AST) -> Statement | None:
    """The statement that this expression is, if it is one."""
    if isinstance(node, ast.Call) and (template := _condition(scope, node)):
        return _evaluated(scope, ast.unparse(node), template)
    if isinstance(node, ast.expr) and BEGINS.match(_beginning(node)):
        return _evaluated(scope, ast.unparse(node), node)
    if isinstance(node, ast.Call) and _executes(node) and not isinstance(node.args[0], ast.Constant):
        first = node.args[0]
        if BEGINS.match(_beginning(first)) or _is_known(scope, first):
            return None
        return Statement(scope.path, scope.function, ast.unparse(node), None)
    return None


def _executes(node: ast.Call) -> bool:
    """Whether a call sends a statement to the database; commands such as `grant` have no columns to check."""
    if not (isinstance(node.func, ast.Attribute) and node.func.attr in EXECUTING and node.args):
        return False
    if command := re.match(r"sql\.SQL\(['\"](\w+)", ast.unparse(node.args[0])):
        return command.group(1) in ("select", "insert", "update", "delete", "with")
    receiver = ast.unparse(node.func.value).split(".")[-1]
    return node.func.attr == "execute" or receiver == "tx"


def _is_known(scope: Scope, node: ast.expr) -> bool:
    try:
        return isinstance(scope.value(node), str)
    except Exception:
        return False


def _beginning(node: ast.AST) -> str:
    """The first words of a string, an f-string or a sum of them."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _beginning(node.left)
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
        return "".join(str(part) for part in parts)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _condition(scope: Scope, node: ast.Call) -> list[ast.expr] | None:
    """For a call that takes a condition: the noun, the condition, and what follows it."""
    name = ast.unparse(node.func)
    if name in ("rows.select", "rows.delete_where") and len(node.args) >= 3:
        return node.args[1:4]
    takes = name == "Where" or (isinstance(node.func, ast.Attribute) and node.func.attr == "also")
    if takes and node.args:
        return [ast.Name(scope.noun or "noun_of_the_condition", ast.Load()), node.args[0]]
    return None


def _evaluated(scope: Scope, source: str, what: ast.expr | list[ast.expr]) -> Statement:
    try:
        if isinstance(what, list):
            noun, condition, *tail = (scope.value(part) for part in what)
            sql = f"select * from {noun.table} where {condition} {tail[0] if tail else ''}"
        else:
            sql = str(scope.value(what))
    except (NameError, AttributeError):
        sql = None
    if sql and HOLE.search(sql):
        sql = None
    return Statement(scope.path, scope.function, source, sql)
