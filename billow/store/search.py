"""Turn a search query into a condition in SQL, with its values as parameters."""

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from billow.core.calendar import second
from billow.core.errors import Refused
from billow.core.search import Clause, Query, wrong
from billow.store.tx import Tx


class Searched(NamedTuple):
    """How a field of a query is compared: the kind of comparison, and the SQL of the value in a row.

    `text` is compared by words and substrings; `whole` as a whole, ignoring case; `token` the same for values
    that are all upper or all lower case, by an index; `number`, `instant` and `flag` by value; `metadata` by
    key.
    """

    kind: str
    sql: str = ""


class Condition(NamedTuple):
    """A condition in SQL with its parameters."""

    sql: str
    params: dict[str, Any]


EXACT = (":",)
ORDER = {":": "=", "=": "=", ">": ">", ">=": ">=", "<": "<", "<=": "<="}
# Whatever contains the value has a word with the value's longest word in it; an address or a number, which is
# one word in itself, contains the whole value. The words are read in the index alone, in a fraction of the
# time that objects take. A word that was too long is cut (search_words). A value without a word may be within
# a text without one, which a null tells.
WORDS = """
    with wanted as (
        select lower(%(value)s::text) as whole, coalesce((
            select word from regexp_split_to_table(lower(%(value)s::text), '[^[:alnum:]]+') as word
            order by length(word) desc limit 1), '') as part
    )
    select null from wanted where part = '' union all
    select id from search_terms, wanted where noun = %(noun)s and field = %(field)s and part <> '' and (
        strpos(term, part) > 0 and (strpos(term, whole) > 0 or term !~ '[^[:alnum:]]')
        or length(term) in (200, 500))
    limit %(most)s"""
FEW = 1_000
"""The most objects that are looked up by their words."""
NEEDLE = 3
"""The least number of characters that `~` searches for."""


def condition(tx: Tx, table: str, fields: Mapping[str, Searched], query: Query) -> Condition:
    """Return the condition of a query on a table, from the fields by which it can be searched."""
    parts, params = [], {}
    for place, clause in enumerate(query.clauses):
        if clause.field not in fields:
            raise wrong(f"{table} cannot be searched by {clause.field}, but by {', '.join(fields)}.")
        found = _condition(tx, table, fields[clause.field], clause, f"clause_{place}")
        parts.append(found.sql)
        params.update(found.params)
    return Condition((" and " if query.all else " or ").join(parts), params)


def encode_page(created: datetime, id: str) -> str:
    """Encode where a page ended, as the `page` param of the next request."""
    return base64.urlsafe_b64encode(f"{created.isoformat()} {id}".encode()).decode().rstrip("=")


def decode_page(page: str) -> tuple[datetime, str]:
    """Decode where the previous page ended. Objects that are created later do not change it."""
    try:
        created, _, id = base64.urlsafe_b64decode(page + "=" * (-len(page) % 4)).decode().partition(" ")
        moment = datetime.fromisoformat(created)
    except (binascii.Error, ValueError):
        moment, id = datetime.min, ""
    if moment.tzinfo is None or not id or "\x00" in id:
        raise Refused("Invalid page: pass the next_page of the page before.", param="page")
    return moment, id


def _condition(tx: Tx, table: str, searched: Searched, clause: Clause, mark: str) -> Condition:
    """Return the condition of one clause; its parameters are named after `mark`."""
    signs, compare = KINDS[searched.kind]
    if clause.sign not in signs:
        raise wrong(f"{clause.name} cannot be searched with {clause.sign}, only with {' '.join(signs)}")
    if (clause.key is None) == (searched.kind == "metadata"):
        raise wrong(f'{clause.name} is not searchable; metadata is searched by key: metadata["key"].')
    if clause.value is None and clause.sign != ":":
        raise wrong(f"null can only be used as {clause.field}:null.")
    if clause.value is None and searched.kind != "metadata":
        found = Condition(f"{searched.sql} is null", {})
    else:
        found = compare(table, searched.sql, clause, mark)
        if searched.kind == "text" and clause.sign == "~":
            found = _among_words(tx, table, searched.sql, found, mark)
    # Only a negation has to cover nulls; without it an index can find the rows.
    return Condition(f"({found.sql}) is not true" if clause.negated else f"({found.sql})", found.params)


def _quoted(clause: Clause) -> str:
    """Return the value of a clause, which must be in quotes."""
    if not clause.quoted:
        raise wrong(f"the value of {clause.name} must be in quotes.")
    value = str(clause.value)
    if clause.sign == "~" and len(value) < NEEDLE:
        raise wrong(f"{clause.name}~ needs at least {NEEDLE} characters.")
    return value


def _inside(sql: str, mark: str) -> str:
    return f"strpos(lower({sql}), lower(%({mark})s::text)) > 0"


def _among_words(tx: Tx, table: str, sql: str, found: Condition, mark: str) -> Condition:
    """Narrow a search inside a text to the objects with a word that may match, if they are few.

    Where they are many, the newest of them are found soon by reading the objects themselves.
    """
    ids = [id for (id,) in tx.tuples(WORDS, noun=table, field=sql, value=found.params[mark], most=FEW + 1)]
    if len(ids) > FEW or None in ids:
        return found
    return Condition(f"id = any(%({mark}_ids)s) and {found.sql}", {**found.params, f"{mark}_ids": ids})


def _whole(table: str, sql: str, clause: Clause, mark: str) -> Condition:
    value = _quoted(clause)
    same = _inside(sql, mark) if clause.sign == "~" else f"lower({sql}) = lower(%({mark})s)"
    return Condition(same, {mark: value})


def _text(table: str, sql: str, clause: Clause, mark: str) -> Condition:
    """Compare the words of the value, in order; the indexed terms find the candidates."""
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
    return Condition(f"id in ({noted}) and {phrase}", {mark: value})


def _token(table: str, sql: str, clause: Clause, mark: str) -> Condition:
    value = _quoted(clause)
    return Condition(f"{sql} = any(%({mark})s)", {mark: [value, value.lower(), value.upper()]})


def _number(table: str, sql: str, clause: Clause, mark: str) -> Condition:
    return Condition(f"{sql} {ORDER[clause.sign]} %({mark})s", {mark: _decimal(clause)})


def _decimal(clause: Clause) -> Decimal:
    given = clause.value
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) <= 30:
        return Decimal(given)
    if not isinstance(given, Decimal):
        raise wrong(f"the value of {clause.name} must be a number.")
    return given


def _instant(table: str, sql: str, clause: Clause, mark: str) -> Condition:
    """Compare instants in whole seconds, as the API has them: a second includes all its microseconds."""
    value = _decimal(clause)
    if not -(10**11) < value < 10**11 or value % 1 != 0:  # of more than 28 digits there is no remainder
        raise wrong(f"the value of {clause.name} must be a Unix timestamp in seconds.")
    begin = second(int(value))
    end = begin + timedelta(seconds=1)
    if clause.sign in (":", "="):
        sides = f"{sql} >= %({mark})s and {sql} < %({mark}_end)s"
        return Condition(sides, {mark: begin, f"{mark}_end": end})
    later = clause.sign in (">", "<=")
    return Condition(
        f"{sql} {'>=' if '>' in clause.sign else '<'} %({mark})s", {mark: end if later else begin}
    )


def _flag(table: str, sql: str, clause: Clause, mark: str) -> Condition:
    value = str(clause.value).lower()
    if value not in ("true", "false"):
        raise wrong(f"the value of {clause.name} must be true or false.")
    return Condition(f"{sql} = %({mark})s", {mark: value == "true"})


def _metadata(table: str, sql: str, clause: Clause, mark: str) -> Condition:
    params = {mark: f"metadata.{clause.key}"}
    noted = f"select id from search_terms where noun = '{table}' and field = %({mark})s"
    if clause.value is None:
        return Condition(f"id not in ({noted})", params)
    value = _quoted(clause)
    same = _inside("term", f"{mark}_is") if clause.sign == "~" else f"term = lower(%({mark}_is)s)"
    return Condition(f"id in ({noted} and {same})", {**params, f"{mark}_is": value})


KINDS: dict[str, tuple[tuple[str, ...], Callable[[str, str, Clause, str], Condition]]] = {
    "text": ((":", "~"), _text),
    "whole": ((":", "~"), _whole),
    "token": (EXACT, _token),
    "number": (tuple(ORDER), _number),
    "instant": (tuple(ORDER), _instant),
    "flag": (EXACT, _flag),
    "metadata": ((":", "~"), _metadata),
}
