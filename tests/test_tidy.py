"""Does the code keep the rules of STYLE.md and ARCHITECTURE.md that a machine can check?

A rule is a function from a file's path and text to what is wrong there, so each can be shown a bad sample.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from billow.core import lifecycle

ROOT = Path(__file__).parent.parent
FILE_LINES, CORE_FILE_LINES, FUNCTION_LINES, PARAMETERS = 500, 300, 60, 7

#: Offences that were there before their rule, as the rule words them. The list may only shrink.
RATCHET: set[str] = set()

BANNED_WORDS = re.compile(
    r"(manager|service|handler|helper|processor|util|default)s?|base|common|impl|data|info", re.IGNORECASE
)
SQL_CLOCKS = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\(\s*\)"
    r"|\b(current_timestamp|current_date|current_time|localtimestamp|localtime)\b",
    re.IGNORECASE,
)
MAY_ASK = {"billow/store/clocks.py", "billow/store/ids.py"}
ASKS = re.compile(r"\b(datetime\.(now|utcnow|today)|date\.today|time\.time(_ns)?)$")
MACHINE_PATHS = re.compile(r"(?<![\w.~$}>])/(home|Users|root|work|tmp|opt|mnt|private)/\w")
REGISTRIES = re.compile(
    r"(pypi\.org|pythonhosted\.org|npmjs\.(org|com)|registry\.yarnpkg|deb\.debian\.org)", re.IGNORECASE
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Rule(NamedTuple):
    applies: Callable[[str], bool]
    offences: Callable[[str, str], Iterator[str]]


def tracked() -> list[str]:
    """Files of the project: what git knows or would add; without git, all but what tools leave behind."""
    asked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode == 0:
        return [name for name in asked.stdout.splitlines() if (ROOT / name).is_file()]
    left = {".git", ".venv", "data", "build", "__pycache__", "node_modules"}
    files = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return [str(path) for path in files if not left & set(path.parts) and ".egg-info" not in str(path)]


def text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def texts(tree: ast.AST) -> Iterator[ast.Constant]:
    """String constants that are not docstrings; what an f-string says between its holes is one too."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | Function)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node


# ------------------------------------------------------------------------------------- rules


def is_command(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    calls = (d.func for d in function.decorator_list if isinstance(d, ast.Call))
    return any(isinstance(call, ast.Attribute) and call.attr == "command" for call in calls)


def too_big(path: str, text: str) -> Iterator[str]:
    limit = CORE_FILE_LINES if path.startswith("billow/core/") else FILE_LINES
    if (lines := len(text.splitlines())) > limit:
        yield f"{path} is longer than {limit} lines ({lines})"
    for function in functions(ast.parse(text)):
        where = f"{path}: {function.name}"
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > FUNCTION_LINES:
            yield f"{where} is longer than {FUNCTION_LINES} lines ({lines})"
        given = function.args
        names = [
            a.arg
            for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)
            if a.arg not in ("self", "cls")
        ]
        # An option of the command line is a parameter of its function; a test has its fixtures and its case.
        counted = not path.startswith("tests/") and not is_command(function)
        if counted and len(names) > PARAMETERS:
            yield f"{where} has more than {PARAMETERS} parameters ({len(names)})"


def impure(path: str, text: str) -> Iterator[str]:
    """In core/: no clock, no chance, no float. A parameter may be called `now`; `datetime.now` asks."""
    for node in ast.walk(ast.parse(text)):
        name = getattr(node, "attr", getattr(node, "id", None))
        asks = isinstance(node, ast.Attribute) and name in {"now", "utcnow", "today"}
        module = getattr(node, "module", None) or " ".join(alias.name for alias in getattr(node, "names", []))
        imports = isinstance(node, ast.Import | ast.ImportFrom)
        line = getattr(node, "lineno", 0)
        if asks or name in {"float", "random"}:
            yield f"{path}:{line} uses {name}"
        if imports and {"time", "random", "secrets", "uuid", "os"} & set(module.split()):
            yield f"{path}:{line} imports {module}"
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield f"{path}:{line} has the float {node.value}"


def asks_the_time(path: str, text: str) -> Iterator[str]:
    """Only store/clocks.py asks the machine what time it is; ids ask too, for their order only."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and ASKS.search(asked := ast.unparse(node)):
            yield f"{path}:{node.lineno} asks {asked}"


def sql_reads_a_clock(path: str, text: str) -> Iterator[str]:
    if path.endswith(".sql"):
        said = [(number, line.split("--")[0]) for number, line in enumerate(text.splitlines(), 1)]
    else:
        said = [(node.lineno, str(node.value)) for node in texts(ast.parse(text))]
    for number, words in said:
        if found := SQL_CLOCKS.search(words):
            yield f"{path}:{number} says {found.group()}"


def vague_name(path: str, text: str) -> Iterator[str]:
    """Words that mean nothing are no file names."""
    for word in re.split(r"[_.]", Path(path).name)[:-1]:
        if BANNED_WORDS.fullmatch(word):
            yield f"{path} is called {word}"


def hidden_yield(path: str, text: str) -> Iterator[str]:
    """In flows/ a yield is a commit: at the top of a verb, and it takes the next transaction.

    So it reads `tx, x = yield …`; or `yield from`, where a verb goes on as another; or it is the last thing.
    """
    tree = ast.parse(text)
    allowed: set[int] = set()
    for verb in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        inner = {id(node) for part in functions(verb) if part is not verb for node in ast.walk(part)}
        for node in ast.walk(verb):
            if id(node) in inner:
                continue
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            rebinds = isinstance(target, ast.Tuple) and getattr(target.elts[0], "id", None) == "tx"
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Yield) and rebinds:
                allowed.add(id(node.value))
            if isinstance(node, ast.YieldFrom):
                allowed.add(id(node))
        allowed |= _last_wishes(verb)
    for node in ast.walk(tree):
        if isinstance(node, ast.Yield | ast.YieldFrom) and id(node) not in allowed:
            yield f"{path}:{node.lineno} yields where no verb takes the next transaction"


def _last_wishes(verb: ast.FunctionDef) -> set[int]:
    """A yield after which nothing but the end comes needs no next transaction."""
    for statement in reversed(verb.body):
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Yield):
            return {id(statement.value)}
        if not isinstance(statement, ast.Return) or ast.unparse(statement) not in ("return", "return None"):
            break
    return set()


def writes_another_noun(path: str, text: str) -> Iterator[str]:
    """A noun writes its own table only: no `rows.insert`, `update` or `delete` of another's."""
    tree = ast.parse(text)
    foreign = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("billow.resources")
        for alias in node.names
    }
    for function in functions(tree):
        kinds = _kinds(function)
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            written = call.args[1] if len(call.args) > 1 else None
            if written is None or not re.fullmatch(
                r"rows\.(insert|update|delete)(_many)?", ast.unparse(call.func)
            ):
                continue
            words = set(re.findall(r"\w+", ast.unparse(written)))
            words |= {kind for word in words for kind in kinds.get(word, ())}
            for noun in sorted(words & foreign):
                yield f"{path}:{call.lineno} writes {noun}"


def _kinds(function: Function) -> dict[str, set[str]]:
    """For each name in a function the words of its annotation and of what is assigned to it."""
    kinds: dict[str, set[str]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.arg) and node.annotation:
            kinds.setdefault(node.arg, set()).update(re.findall(r"\w+", ast.unparse(node.annotation)))
        if isinstance(node, ast.Assign):
            for target in node.targets:
                for name in re.findall(r"\w+", ast.unparse(target)):
                    kinds.setdefault(name, set()).update(re.findall(r"\w+", ast.unparse(node.value)))
    return kinds


def opens_without_a_sentence(path: str, text: str) -> Iterator[str]:
    said = (ast.get_docstring(ast.parse(text)) or "").strip()
    if not re.fullmatch(r"\S.*[.?:]", " ".join(said.split("\n\n")[0].split())):
        yield f"{path} does not open with a sentence"


def names_a_machine(path: str, text: str) -> Iterator[str]:
    """What is published knows no path of a machine and no registry; a lock knows no address at all."""
    for number, line in enumerate(text.splitlines(), 1):
        if found := MACHINE_PATHS.search(line) or REGISTRIES.search(line):
            yield f"{path}:{number} names {found.group()}"
        if path.endswith(".lock") and "://" in line:
            yield f"{path}:{number} has an address"


def asserts(path: str, text: str) -> Iterator[str]:
    """In production code nothing is guarded by `assert`, which Python leaves out when told to optimize."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assert):
            yield f"{path}:{node.lineno} asserts"
        if isinstance(node, ast.Raise) and node.exc and "AssertionError" in ast.unparse(node.exc):
            yield f"{path}:{node.lineno} raises AssertionError"


def unformatted(path: str, text: str) -> Iterator[str]:
    """The formatter is off only at tables of data: constants of a module and the cases of a test."""
    tree = ast.parse(text)
    tables = [
        node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign) and _is_table(node.value)
    ]
    cases = [
        decorator
        for function in functions(tree)
        for decorator in function.decorator_list
        if "parametrize" in ast.unparse(decorator)
    ]
    ends = {node.end_lineno for node in (*tables, *cases)}
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(r"(^|\s)# fmt: (skip|off)\b", line) and number not in ends:
            yield f"{path}:{number} switches the formatter off"


def _is_table(node: ast.expr | None) -> bool:
    """Whether a value is a collection that is written out, perhaps in a call as `frozenset({…})`."""
    if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        node = node.args[0]
    return isinstance(node, ast.Dict | ast.List | ast.Set | ast.Tuple)


SETS = {frozenset(getattr(lifecycle, name)): name for name in ("ENDED", "RENEWING", "STARTED", "PAYABLE")}


def copies_states(path: str, text: str) -> Iterator[str]:
    """The sets of states that several files ask for are named once, in core/lifecycle.py."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            found = frozenset(part.value for part in node.elts if isinstance(part, ast.Constant))
            if len(found) == len(node.elts) and found in SETS:
                yield f"{path}:{node.lineno} copies lifecycle.{SETS[found]}"


def _in(folder: str, *endings: str) -> Callable[[str], bool]:
    return lambda path: path.startswith(folder) and path.endswith(endings or (".py",))


RULES = {
    "sizes": Rule(lambda path: path.endswith(".py"), too_big),
    "pure core": Rule(_in("billow/core/"), impure),
    "one clock": Rule(lambda path: _in("billow/")(path) and path not in MAY_ASK, asks_the_time),
    "no clock in SQL": Rule(
        lambda path: _in("billow/", ".py", ".sql")(path) and path != "billow/store/clocks.py",
        sql_reads_a_clock,
    ),
    "no assert": Rule(_in("billow/"), asserts),
    "formatter": Rule(lambda path: path.endswith(".py"), unformatted),
    "states": Rule(lambda path: _in("billow/")(path) and path != "billow/core/lifecycle.py", copies_states),
    "file names": Rule(lambda path: path.startswith(("billow/", "tests/", "bench/")), vague_name),
    "yield": Rule(_in("billow/flows/"), hidden_yield),
    "own table": Rule(_in("billow/resources/"), writes_another_noun),
    "first sentence": Rule(lambda path: path.endswith(".py"), opens_without_a_sentence),
    "no machine": Rule(
        lambda path: not path.endswith((".png", ".pdf", ".woff2", ".ttf", ".ico")), names_a_machine
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_every_file_keeps_the_rule(name: str) -> None:
    rule = RULES[name]
    offences = [o for path in tracked() if rule.applies(path) for o in rule.offences(path, text_of(path))]
    assert [offence for offence in offences if offence not in RATCHET] == []


def test_the_ratchet_holds_only_what_still_offends() -> None:
    found = {
        o
        for rule in RULES.values()
        for p in tracked()
        if rule.applies(p) and any(p in offence for offence in RATCHET)
        for o in rule.offences(p, text_of(p))
    }
    assert found >= RATCHET


def unloaded(paths: list[str], loaded: Collection[str]) -> list[str]:
    """Files of resources/ and flows/, at any depth, that are not among the loaded modules."""
    nouns_and_flows = [path for path in paths if re.match(r"billow/(resources|flows)/.*\.py$", path)]
    names = {
        path: path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in nouns_and_flows
    }
    return [path for path, name in names.items() if name not in loaded]


def test_every_noun_and_flow_is_loaded_by_app() -> None:
    """A group without `__init__.py` would not be walked, and its routes and jobs would be missing."""
    asked = [sys.executable, "-c", "import sys, billow.app; print(*sys.modules)"]
    loaded = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert unloaded(tracked(), loaded) == []


# ------------------------------------------------------------------------------------- the rules themselves

LONG = "def f():\n" + "    x = 1\n" * 60
BAD = [
    ("sizes", "billow/flows/x.py", LONG),
    ("sizes", "billow/flows/x.py", "x = 1\n" * 501),
    ("sizes", "billow/core/x.py", "x = 1\n" * 301),
    ("sizes", "billow/flows/x.py", "def f(a, b, c, d, *, e, f, g, h): ..."),
    ("pure core", "billow/core/x.py", "share = 0.5"),
    ("pure core", "billow/core/x.py", "def f(x): return float(x)"),
    ("pure core", "billow/core/x.py", "from datetime import datetime\nnow = datetime.now"),
    ("pure core", "billow/core/x.py", "from time import monotonic"),
    ("one clock", "billow/flows/x.py", "due = datetime.now(UTC)"),
    ("one clock", "billow/flows/x.py", "seconds = time.time()"),
    ("no clock in SQL", "billow/flows/x.py", "tx.run('update x set at = now()')"),
    ("no clock in SQL", "billow/flows/x.py", "tx.run(f'select {x} from y where at < CURRENT_TIMESTAMP')"),
    ("no clock in SQL", "billow/store/schema.sql", "at timestamptz default clock_timestamp ( ),"),
    ("no assert", "billow/flows/x.py", "assert row is not None"),
    ("no assert", "billow/core/x.py", "raise AssertionError('never')"),
    ("formatter", "billow/flows/x.py", f"def f(x):\n    return g(x,\n        1)  # fmt: {'skip'}"),
    ("formatter", "billow/flows/x.py", f"def f(x):\n    y = [1,\n        2]  # fmt: {'skip'}"),
    ("formatter", "billow/flows/x.py", f"# fmt: {'off'}\nX = [1,\n    2]"),
    ("states", "billow/flows/x.py", "if status in ('incomplete_expired', 'canceled'): ..."),
    ("file names", "billow/flows/invoice_service.py", ""),
    ("file names", "billow/core/utils.py", ""),
    (
        "yield",
        "billow/flows/x.py",
        "def v(tx):\n    def inner():\n        tx, a = yield ask(f)\n    return inner",
    ),
    ("yield", "billow/flows/x.py", "def v(tx):\n    answer = yield ask(f)"),
    ("yield", "billow/flows/x.py", "def v(tx):\n    yield ask(f)\n    rows.insert(tx, x)"),
    ("yield", "billow/flows/x.py", "def v(tx):\n    return [1 for x in (lambda: (yield x))()]"),
    (
        "own table",
        "billow/resources/coupon.py",
        "from billow.resources.invoice import Invoice\ndef f(tx, i: Invoice): rows.update(tx, i, a=1)",
    ),
    (
        "own table",
        "billow/resources/coupon.py",
        "from billow.resources.invoice import Invoice\ndef f(tx): rows.insert(tx, Invoice(total=1))",
    ),
    (
        "own table",
        "billow/resources/coupon.py",
        "from billow.resources.invoice import Invoice\n"
        "def f(tx):\n    i = rows.find(tx, Invoice, 'in_1')\n    rows.delete(tx, i)",
    ),
    ("first sentence", "billow/flows/x.py", "x = 1"),
    ("first sentence", "billow/flows/x.py", '"""helpers"""'),
    ("no machine", "docs/x.md", f"see /{'home'}/ann/billow"),
    ("no machine", "docs/x.md", f"pip install -i https://{'pypi'}.org/simple"),
    ("no machine", "requirements.lock", "--index-url https://example.test/simple"),
]
GOOD = [
    ("sizes", "billow/flows/x.py", LONG.replace("x = 1\n", "x = 1\n", 1).rsplit("    x", 1)[0]),
    ("sizes", "billow/flows/x.py", "class C:\n    def f(self, a, b, c, d, e, f, g): ..."),
    ("pure core", "billow/core/x.py", "def f(now):\n    return now + timedelta(1)"),
    ("one clock", "billow/flows/x.py", "due = tx.now + timedelta(days=1)"),
    (
        "no clock in SQL",
        "billow/flows/x.py",
        '"""SQL never says now()."""\ntx.run("select frozen_time")  # now()',
    ),
    ("no clock in SQL", "billow/store/schema.sql", "at timestamptz not null,  -- never now()"),
    ("no assert", "billow/flows/x.py", "ensure(row, 'the row')  # never assert"),
    ("formatter", "billow/core/x.py", f"CODES = frozenset({{'a', 'b',\n    'c'}})  # fmt: {'skip'}"),
    (
        "formatter",
        "tests/x.py",
        f"@pytest.mark.parametrize('a', [1,\n    2])  # fmt: {'skip'}\ndef f(a): ...",
    ),
    ("states", "billow/flows/x.py", "if status in ('canceled', name): ..."),
    ("file names", "billow/resources/balance_transaction.py", ""),
    ("yield", "billow/flows/x.py", "def v(tx):\n    while more:\n        tx, a = yield ask(f)\n    return a"),
    ("yield", "billow/flows/x.py", "def v(tx):\n    yield ask(f)\n    return None"),
    ("yield", "billow/flows/x.py", "def v(tx):\n    return (yield from collect(tx))"),
    (
        "own table",
        "billow/resources/coupon.py",
        "from billow.resources.invoice import Invoice\n"
        "def f(tx, c: Coupon, i: Invoice):\n    rows.update(tx, c, total=i.total)",
    ),
    ("first sentence", "billow/flows/x.py", '"""How is a card charged: once.\n\nMore."""'),
    ("no machine", "docs/x.md", "curl http://127.0.0.1:8420/v1/customers, see docs/work/it and ~/home/x"),
]


@pytest.mark.parametrize(("name", "path", "text"), BAD)
def test_a_rule_finds_its_bad_sample(name: str, path: str, text: str) -> None:
    assert RULES[name].applies(path)
    assert list(RULES[name].offences(path, text))


@pytest.mark.parametrize(("name", "path", "text"), GOOD)
def test_a_rule_lets_its_good_sample_pass(name: str, path: str, text: str) -> None:
    assert RULES[name].applies(path)
    assert list(RULES[name].offences(path, text)) == []


def test_every_rule_has_a_bad_and_a_good_sample() -> None:
    assert {name for name, _, _ in BAD} == {name for name, _, _ in GOOD} == set(RULES)


def test_a_file_that_app_does_not_load_is_found() -> None:
    paths = [
        f"billow/{name}.py" for name in ("resources/coupon", "flows/billing/drafts", "flows/payments/refunds")
    ]
    loaded = {"billow.resources.coupon", "billow.flows.billing.drafts"}
    assert unloaded(paths, loaded) == ["billow/flows/payments/refunds.py"]
