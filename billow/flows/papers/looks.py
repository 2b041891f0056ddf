"""Say how the papers of an invoice look: as the invoice has it, and else as its template does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from billow.api import rows
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.invoice_rendering_template import InvoiceRenderingTemplate
from billow.store.tx import Tx

EXCLUDE = "exclude_tax"
PAGES = {"letter": "us-letter"}
"""What the compiler of papers calls a size of pages; all others are A4."""


@dataclass(frozen=True, slots=True)
class Looks:
    """How papers look, with what the template adds where the invoice says nothing."""

    custom_fields: tuple[tuple[str, str], ...] = ()
    footer: str = ""
    line_order: str = "as_billed"
    memo: str = ""
    page: str = "a4"
    without_tax: bool = False

    def in_order(self, lines: Sequence[InvoiceLine]) -> list[InvoiceLine]:
        """Return lines in the order of papers: as billed, or those of a product or period together."""
        if self.line_order == "as_billed":
            return list(lines)
        keys = [_key(line, self.line_order) for line in lines]
        first = {key: place for place, key in reversed(list(enumerate(keys)))}
        pairs = zip(keys, lines, strict=True)
        return [line for _, line in sorted(pairs, key=lambda pair: first[pair[0]])]


def _key(line: InvoiceLine, order: str) -> Any:
    return line.product or line.id if order == "product" else (line.period_start, line.period_end)


def looks_of(tx: Tx, invoice: Invoice) -> Looks:
    """Return how the papers of an invoice look, by the version of its template that it keeps."""
    rendering = invoice.rendering or {}
    said = said_by_template(tx, rendering)
    fields = invoice.custom_fields or said.get("custom_fields") or []
    size = (rendering.get("pdf") or {}).get("page_size")
    size = said.get("page_size") if size in (None, "auto") else size
    return Looks(
        custom_fields=tuple((one["name"], one["value"]) for one in fields),
        footer=invoice.footer or said.get("footer") or "",
        line_order=said.get("line_order") or "as_billed",
        memo=invoice.description or said.get("memo") or "",
        page=PAGES.get(size or "", "a4"),
        without_tax=(rendering.get("amount_tax_display") or said.get("amount_tax_display")) == EXCLUDE,
    )


def said_by_template(tx: Tx, rendering: Mapping[str, Any]) -> Mapping[str, Any]:
    id = rendering.get("template")
    found = rows.find_many(tx, InvoiceRenderingTemplate, [id]).get(id) if id else None
    if found is None:
        return {}
    said: Mapping[str, Any] = found.versions[(rendering.get("template_version") or found.version) - 1]
    return said


def frozen(tx: Tx, invoices: Sequence[Invoice]) -> dict[str, dict[str, Any]]:
    """Return the rendering of each invoice with a template, with the version that it keeps from now on."""
    named = {
        one.id: rendering
        for one in invoices
        if (rendering := one.rendering or {}).get("template") and not rendering.get("template_version")
    }
    if not named:
        return {}
    known = rows.find_many(tx, InvoiceRenderingTemplate, [one["template"] for one in named.values()])
    return {
        id: {**rendering, "template_version": known[rendering["template"]].version}
        for id, rendering in named.items()
        if rendering["template"] in known
    }
