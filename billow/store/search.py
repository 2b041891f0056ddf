"""Which rows does a clause of a search find: conditions in SQL, whose values are always parameters."""

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from billow.core.errors import Refused
from billow.core.search import Clause, read, wrong


class Searched(NamedTuple):
    """What a field of a query is in a row: the SQL that gives it, and how it is compared.

    `text` is compared by words and by what is in it; `whole` as a whole, in any case; `token` the same for
    what is all upper or all lower case, by its index; `number`, `instant` and `flag` by value; `metadata` by
    key.
    """

    kind: str
    sql: str = ""


class Found(NamedTuple):
    sql: str
    params: dict[str, Any]


EXACT = (":",)
ORDER = {":": "=", "=": "=", ">": ">", ">=": ">=", "<": "<", "<=": "<="}
NEEDLE = 3
"""The least number of characters that `~` looks for."""


def condition(table: str, fields: Mapping[str, Searched], text: str) -> Found:
    """The condition of a query, over what a table can be searched by."""
    query = read(text)
    parts, params = [], {}
    for place, clause in enumerate(query.clauses):
        if clause.field not in fields:
            raise wrong(f"{table} cannot be searched by {clause.field}, but by {', '.join(fields)}.")
        found = _condition(table, fields[clause.field], clause, f"clause_{place}")
        parts.append(found.sql)
        params.update(found.params)
    return Found((" and " if query.all else " or ").join(parts), params)


def sealed(created: datetime, id: str) -> str:
    """Where a page ended, as text that the next page is asked for with."""
    return base64.urlsafe_b64encode(f"{created.isoformat()} {id}".encode()).decode().rstrip("=")


def opened(page: str) -> tuple[datetime, str]:
    """Where the page before ended. Objects that come later change nothing of it."""
    try:
        created, _, id = base64.urlsafe_b64decode(page + "=" * (-len(page) % 4)).decode().partition(" ")
        moment = datetime.fromisoformat(created)
    except (binascii.Error, ValueError):
        moment, id = datetime.min, ""
    if moment.tzinfo is None or not id or "\x00" in id:
        raise Refused("Invalid page: pass the next_page of the page before.", param="page")
    return moment, id


def _condition(table: str, searched: Searched, clause: Clause, mark: str) -> Found:
    """The condition of one clause; its parameters are named after `mark`."""
    signs, compare = KINDS[searched.kind]
    if clause.sign not in signs:
        raise wrong(f"{clause.name} cannot be searched with {clause.sign}, only with {' '.join(signs)}")
    if (clause.key is None) == (searched.kind == "metadata"):
        raise wrong(f'{clause.name} is not searchable; metadata is searched by key: metadata["key"].')
    if clause.value is None and clause.sign != ":":
        raise wrong(f"null goes with {clause.field}:null only.")
    if clause.value is None and searched.kind != "metadata":
        found = Found(f"{searched.sql} is null", {})
    else:
        found = compare(table, searched.sql, clause, mark)
    # Only the negation names what is null: where it is not negated, an index may find the rows.
    return Found(f"({found.sql}) is not true" if clause.negated else f"({found.sql})", found.params)


def _quoted(clause: Clause) -> str:
    if not clause.quoted:
        raise wrong(f"the value of {clause.name} must be in quotes.")
    value = str(clause.value)
    if clause.sign == "~" and len(value) < NEEDLE:
        raise wrong(f"{clause.name}~ needs at least {NEEDLE} characters.")
    return value


def _inside(sql: str, mark: str) -> str:
    return f"strpos(lower({sql}), lower(%({mark})s::text)) > 0"


def _whole(table: str, sql: str, clause: Clause, mark: str) -> Found:
    value = _quoted(clause)
    same = _inside(sql, mark) if clause.sign == "~" else f"lower({sql}) = lower(%({mark})s)"
    return Found(same, {mark: value})


def _text(table: str, sql: str, clause: Clause, mark: str) -> Found:
    """The words of the value, one after the other; the terms that are noted find the candidates."""
    value = _quoted(clause)
    if clause.sign == "~" or not any(character.isalnum() for character in value):
        return _whole(table, sql, clause, mark)
    words = f"search_words(%({mark})s::text)"
    # The longest word is likely the rarest; what it finds is then compared word by word.
    longest = f"select word from unnest({words}) as word order by length(word) desc limit 1"
    noted = f"select id from search_terms where noun = '{table}' and field = '{sql}' and term = ({longest})"
    phrase = (
        f"strpos(' ' || array_to_string(search_words({sql}), ' ') || ' ',"
        f" ' ' || array_to_string({words}, ' ') || ' ') > 0"
    )
    return Found(f"id in ({noted}) and {phrase}", {mark: value})


def _token(table: str, sql: str, clause: Clause, mark: str) -> Found:
    value = _quoted(clause)
    return Found(f"{sql} = any(%({mark})s)", {mark: [value, value.lower(), value.upper()]})


def _number(table: str, sql: str, clause: Clause, mark: str) -> Found:
    return Found(f"{sql} {ORDER[clause.sign]} %({mark})s", {mark: _decimal(clause)})


def _decimal(clause: Clause) -> Decimal:
    given = clause.value
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) <= 30:
        return Decimal(given)
    if not isinstance(given, Decimal):
        raise wrong(f"the value of {clause.name} must be a number.")
    return given


def _instant(table: str, sql: str, clause: Clause, mark: str) -> Found:
    """Rows keep microseconds and the API counts whole seconds: a second is all that is in it."""
    value = _decimal(clause)
    if not 0 <= value < 10**11 or value % 1 != 0:  # of more than 28 digits there is no remainder
        raise wrong(f"the value of {clause.name} must be a Unix timestamp in seconds.")
    begin = datetime.fromtimestamp(int(value), UTC)
    end = begin + timedelta(seconds=1)
    if clause.sign in (":", "="):
        sides = f"{sql} >= %({mark})s and {sql} < %({mark}_end)s"
        return Found(sides, {mark: begin, f"{mark}_end": end})
    later = clause.sign in (">", "<=")
    return Found(f"{sql} {'>=' if '>' in clause.sign else '<'} %({mark})s", {mark: end if later else begin})


def _flag(table: str, sql: str, clause: Clause, mark: str) -> Found:
    value = str(clause.value).lower()
    if value not in ("true", "false"):
        raise wrong(f"the value of {clause.name} must be true or false.")
    return Found(f"{sql} = %({mark})s", {mark: value == "true"})


def _metadata(table: str, sql: str, clause: Clause, mark: str) -> Found:
    params = {mark: f"metadata.{clause.key}"}
    noted = f"select id from search_terms where noun = '{table}' and field = %({mark})s"
    if clause.value is None:
        return Found(f"id not in ({noted})", params)
    value = _quoted(clause)
    same = _inside("term", f"{mark}_is") if clause.sign == "~" else f"term = lower(%({mark}_is)s)"
    return Found(f"id in ({noted} and {same})", {**params, f"{mark}_is": value})


KINDS: dict[str, tuple[tuple[str, ...], Callable[[str, str, Clause, str], Found]]] = {
    "text": ((":", "~"), _text),
    "whole": ((":", "~"), _whole),
    "token": (EXACT, _token),
    "number": (tuple(ORDER), _number),
    "instant": (tuple(ORDER), _instant),
    "flag": (EXACT, _flag),
    "metadata": ((":", "~"), _metadata),
}
