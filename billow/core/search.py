"""Parse a search query into clauses, all joined by `and` or all by `or` (§1.7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput, UnexpectedToken

from billow.core.errors import Inconsistent, Refused, require

MOST = 10

# A space between two clauses means AND. After a sign only a value can follow, and before it only a field: the
# contextual lexer therefore never takes `-5` for a negation, nor `null` for a field.
GRAMMAR = r"""
    start: clause (joint? clause)*
    joint: AND | OR
    clause: [MINUS] NAME ["[" QUOTED "]"] SIGN (QUOTED | NUMBER | WORD)

    AND.2: /and(?![\w.\[])/i
    OR.2: /or(?![\w.\[])/i
    MINUS: "-"
    SIGN: ">=" | "<=" | ">" | "<" | "=" | ":" | "~"
    NAME: /[a-zA-Z_]\w*(\.\w+)*/
    WORD: /[^\W\d]\w*/
    NUMBER: /-?[0-9]{1,30}(\.[0-9]{1,12})?(?![\w.])/
    QUOTED: /"(\\.|[^"\\])*"|'(\\.|[^'\\])*'/s
    %ignore /\s+/
"""
PARSER = Lark(GRAMMAR, parser="lalr", lexer="contextual")


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition: `-metadata["key"]:"value"`. A `value` of None is null, a bare word is not `quoted`."""

    field: str
    key: str | None
    sign: str
    value: str | Decimal | None
    negated: bool
    quoted: bool

    @property
    def name(self) -> str:
        return self.field if self.key is None else f'{self.field}["{self.key}"]'


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query: an object matches all of the clauses, or any."""

    clauses: tuple[Clause, ...]
    all: bool


def wrong(message: str) -> Refused:
    return Refused(f"Invalid search query: {message}", param="query")


def read(text: str) -> Query:
    """Parse a query; refuse a text that is none, with a message that says where."""
    try:
        tree = PARSER.parse(text)
    except UnexpectedInput as error:
        raise _unread(text, error) from None
    clauses = [_clause(node) for node in tree.children if _is(node, "clause")]
    joints = {_joint(node) for node in tree.children if _is(node, "joint")}
    require(len(clauses) <= MOST, f"Invalid search query: it has more than {MOST} clauses.", param="query")
    # A space is an AND; only where it stands beside an OR does it matter that it does.
    spaces = sum(_is(node, "joint") for node in tree.children) < len(clauses) - 1
    if len(joints) > 1 or (spaces and "OR" in joints):
        raise wrong("AND and OR cannot be combined in one query.")
    return Query(tuple(clauses), "OR" not in joints)


def _unread(text: str, error: UnexpectedInput) -> Refused:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return wrong('it ends too early; a clause is field:"value".')
    rest = text[error.pos_in_stream or 0 :][:20]
    if rest[:1] in ("(", ")"):
        return wrong("parentheses are not supported.")
    return wrong(f'it cannot be read from {rest!r} on; a clause is field:"value".')


def _is(node: object, rule: str) -> bool:
    return isinstance(node, Tree) and node.data == rule


def _joint(node: Tree[Token] | Token) -> str:
    if not isinstance(node, Tree):
        raise Inconsistent(f"The grammar made a leaf of {node}.")
    return str(node.children[0]).upper()


def _clause(node: Tree[Token] | Token) -> Clause:
    if not isinstance(node, Tree):
        raise Inconsistent(f"The grammar made a leaf of {node}.")
    parts: Sequence[Tree[Token] | Token | None] = node.children
    minus, name, key, sign, value = parts
    if not isinstance(value, Token):
        raise Inconsistent(f"The grammar made no leaf of {value}.")
    return Clause(
        str(name),
        None if key is None else _text(str(key)),
        str(sign),
        _value(value),
        minus is not None,
        value.type == "QUOTED",
    )


def _value(token: Token) -> str | Decimal | None:
    if token.type == "QUOTED":
        return _text(str(token))
    if token.type == "NUMBER":
        return Decimal(str(token))
    return None if token.lower() == "null" else str(token)


def _text(quoted: str) -> str:
    """Return the text between quotes; a backslash escapes the next character."""
    text, taken = "", False
    for character in quoted[1:-1]:
        taken = character == "\\" and not taken
        text += "" if taken else character
    return text
