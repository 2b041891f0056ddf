"""Write XML from plain trees: a name, and a text or the elements inside."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lxml import etree

from billow.core.money import decimal_text
from billow.providers.documents.printable import clean

NO_CHARACTER = re.compile("[\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Element:
    """An element: its name has a prefix of the document's namespaces."""

    name: str
    inside: "str | tuple[Element | None, ...]"
    attributes: tuple[tuple[str, str], ...] = ()


def leaf(name: str, text: str, **attributes: str) -> Element | None:
    """Return an element with a text; None without one, which is left out."""
    return Element(name, text, tuple(attributes.items())) if text else None


def node(name: str, *inside: Element | None) -> Element | None:
    """Return an element with elements in it; None where there are none."""
    return Element(name, inside) if any(inside) else None


def written(root: str, namespaces: Mapping[str, str], inside: Iterable[Element | None]) -> bytes:
    """Return a document in UTF-8; `namespaces` are by prefix, the empty one that of names without any."""
    known: dict[str | None, str] = {prefix or None: uri for prefix, uri in namespaces.items()}
    made = etree.Element(qualified(root, namespaces), nsmap=known)
    for one in inside:
        append(made, one, namespaces)
    return bytes(etree.tostring(made, xml_declaration=True, encoding="UTF-8"))


def append(parent: "etree._Element", one: Element | None, namespaces: Mapping[str, str]) -> None:
    if one is None:
        return
    made = etree.SubElement(parent, qualified(one.name, namespaces), dict(one.attributes))
    if isinstance(one.inside, str):
        made.text = NO_CHARACTER.sub("", clean(one.inside))
        return
    for child in one.inside:
        append(made, child, namespaces)


def qualified(name: str, namespaces: Mapping[str, str]) -> str:
    prefix, _, local = name.rpartition(":")
    return f"{{{namespaces[prefix]}}}{local}"


def money(amount: Decimal) -> str:
    """Write an amount with two decimals, which all that the standard knows have at most."""
    return f"{amount:.2f}"


def plain(value: Decimal) -> str:
    return decimal_text(value)


def compact(on: date | None) -> str:
    """Write a date as CII does: 20250131."""
    return f"{on:%Y%m%d}" if on else ""


def iso(on: date | None) -> str:
    return on.isoformat() if on else ""
