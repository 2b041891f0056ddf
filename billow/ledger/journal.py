"""Print the journal in beancount's format, so that an independent program can check the books."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any
from zlib import crc32

from billow.core.money import minor_digits
from billow.ledger.chart import kind_of
from billow.store.tx import Tx

ROOTS = {"asset": "Assets", "liability": "Liabilities", "income": "Income", "expense": "Expenses"}


@dataclass
class Use:
    """The first use of an account in the journal, and its currencies."""

    first: datetime
    currencies: set[str]


def journal(tx: Tx, numbers: Mapping[str, Collection[str]] | None = None) -> str:
    """Print all postings, oldest first, with their accounts. The same books always print the same text.

    `numbers` are those that an account of the ledger has in the account's chart: several where what is
    booked on it differs by tax treatment.
    """
    transfers = tx.all(
        "select created, source, event, debit, credit, amount, currency from ledger_transfers"
        " order by created, source, event, sequence"
    )
    uses = _uses(transfers)
    names = _names(sorted(uses))
    currencies = sorted({transfer["currency"].upper() for transfer in transfers})
    lines = [
        'option "title" "billow"',
        *(f'option "operating_currency" "{currency}"' for currency in currencies),
        "",
        *_openings(uses, names, numbers or {}),
    ]
    for _, posted in groupby(transfers, lambda transfer: (transfer["source"], transfer["event"])):
        lines += ["", *_transaction(list(posted), names)]
    return "\n".join(lines) + "\n"


def _uses(transfers: Sequence[dict[str, Any]]) -> dict[str, Use]:
    """Find the first use and currencies of each account; the transfers are ordered oldest first."""
    uses: dict[str, Use] = {}
    for transfer in transfers:
        for key in (transfer["debit"], transfer["credit"]):
            uses.setdefault(key, Use(transfer["created"], set())).currencies.add(transfer["currency"].upper())
    return uses


def _openings(
    uses: dict[str, Use], names: dict[str, str], numbers: Mapping[str, Collection[str]]
) -> Iterator[str]:
    for key in sorted(uses, key=names.__getitem__):
        yield f"{uses[key].first:%Y-%m-%d} open {names[key]} {','.join(sorted(uses[key].currencies))}"
        if key in numbers:
            yield f"  number: {_quoted(', '.join(sorted(numbers[key])))}"


def _transaction(posted: Sequence[dict[str, Any]], names: dict[str, str]) -> Iterator[str]:
    """Print one posting, with each account once per currency: debits are positive, credits negative."""
    totals: dict[tuple[str, str], int] = {}
    for transfer in posted:
        for side, sign in (("debit", 1), ("credit", -1)):
            place = (names[transfer[side]], transfer["currency"])
            totals[place] = totals.get(place, 0) + sign * transfer["amount"]
    first = posted[0]
    yield f"{first['created']:%Y-%m-%d} * {_quoted(first['event'])} {_quoted(first['source'])}"
    for (name, currency), amount in totals.items():
        yield f"  {name}  {major_units(amount, currency)} {currency.upper()}"


def major_units(amount: int, currency: str) -> str:
    """Print minor units with the decimals of the currency: 1999 usd is 19.99, 500 jpy is 500."""
    return f"{Decimal(amount).scaleb(-minor_digits(currency)):f}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# ------------------------------------------------------------------------------------- names


def _names(keys: Sequence[str]) -> dict[str, str]:
    """Name each account. Where two keys would share a name, each gets a checksum."""
    names = {key: _name(key) for key in keys}
    shared = {name for name, count in Counter(names.values()).items() if count > 1}
    return {
        key: f"{name}-{crc32(key.encode()):08x}" if name in shared else name for key, name in names.items()
    }


def _name(key: str) -> str:
    """Name an account as beancount requires: receivable:cus_1 is Assets:Receivable:Cus1."""
    parts = [ROOTS[kind_of(key).type], *(_capitals(part) for part in key.split(":", 1))]
    return ":".join(parts)


def _capitals(text: str) -> str:
    words = re.findall(r"[A-Za-z0-9]+", text)
    return "".join(word[0].upper() + word[1:] for word in words) or "X"
