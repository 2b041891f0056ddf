"""Name what the ledger only has ids of: accounts by customers and products, documents by their numbers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from billow.ledger.chart import CHART
from billow.pages.dashboard.layout import Cell
from billow.pages.dashboard.lists import Place
from billow.store.tx import Tx

SCREENS = {
    "in_": ("/invoices", "Invoice"),
    "cn_": ("/credit-notes", "Credit note"),
    "po_": ("/payouts", "Payout"),
    "pi_": ("/payments", "Payment"),
    "dp_": ("/disputes", "Dispute"),
    "bte_": ("/bank/entries", "Bank entry"),
}
"""The screens of documents, by the beginnings of their ids, and what those without a number are called."""


@dataclass(frozen=True, slots=True)
class Names:
    """Names and numbers by id, and of charges and such the payment or the entry that they belong to."""

    texts: Mapping[str, str]
    of: Mapping[str, str]


def load(tx: Tx, accounts: Iterable[str], documents: Iterable[str | None]) -> Names:
    """Load what accounts and documents are called, in a fixed number of statements."""
    ids = {key.partition(":")[2] for key in accounts} | {plain(one) for one in documents if one}
    found = tx.tuples(
        "select id, coalesce(name, email, id), null from customers where id = any(%(ids)s)"
        " union all select id, name, null from products where id = any(%(ids)s)"
        " union all select id, number, null from invoices where id = any(%(ids)s)"
        " union all select id, number, null from credit_notes where id = any(%(ids)s)"
        " union all select id, null, payment_intent from charges where id = any(%(ids)s)"
        " union all select id, null, payment_intent from refunds where id = any(%(ids)s)"
        " union all select id, null, entry from bank_applications where id = any(%(ids)s)"
        " union all select id, coalesce(name, bank_reference), null from bank_entries"
        " where id = any(%(ids)s)",
        ids=sorted(ids - {""}),
    )
    return Names({id: text for id, text, _ in found if text}, {id: owner for id, _, owner in found if owner})


def plain(source: str) -> str:
    """Return the id in a source that has an instant or a version behind it: il_1@1740000000 is il_1."""
    return source.partition("@")[0]


def account(names: Names, key: str) -> tuple[str, str]:
    """Return what an account is called: its kind in words, and whose it is."""
    kind, _, of = key.partition(":")
    return CHART[kind].title, "" if of in ("", "none") else names.texts.get(of, of)


def account_cell(place: Place, names: Names, key: str, currency: str) -> Cell:
    """Return an account with a link to what moved on it."""
    kind, _, of = key.partition(":")
    title, whose = account(names, key)
    return Cell(
        title, link=place.visit.to(f"/ledger/accounts/{kind}", of=of or None, currency=currency), below=whose
    )


def document(place: Place, names: Names, source: str, invoice: str | None) -> Cell:
    """Return what a posting is about, by its number, with a link to its screen where it has one."""
    id = plain(source)
    id = names.of.get(id, id)
    if invoice and id not in names.texts:
        id = invoice
    path, word = next((one for start, one in SCREENS.items() if id.startswith(start)), (None, id))
    return Cell(names.texts.get(id, word), link=place.visit.to(f"{path}/{id}") if path else None)


def happened(event: str) -> str:
    """Say an event of the ledger in words: invoice.finalized is Invoice finalized."""
    return event.replace(".", " ").replace("_", " ").capitalize()
