"""Render a document as plain text, as in a mail or a diff."""

import re
from textwrap import wrap
from unicodedata import combining, east_asian_width

from billow.providers.documents import DocumentLine, InvoiceDocument, Party, Section
from billow.providers.documents.printable import printable
from billow.providers.documents.wording import facts, notes, stamp, title, transfer, word

WIDTH, GAP = 78, 2
LEFT_HALF = WIDTH // 2
LEAST_DESCRIPTION = 24


def render(document: InvoiceDocument) -> str:
    """Render a document in 78 columns, or more if its amounts are too long; no line ends in a space."""
    paper = printable(document)
    blocks = [
        heading(paper),
        *([folded(paper.header, WIDTH)] if paper.header else []),
        parties(paper),
        *([table(paper)] if paper.lines or not paper.sections else []),
        totals(paper),
        *map(section, paper.sections),
        *([taxes(paper)] if paper.taxes else []),
        *([payment(paper)] if paper.transfer else []),
        *([[f"{word(paper, 'online')}:", *folded(paper.pay_at, WIDTH)]] if paper.pay_at else []),
        *[folded(note, WIDTH) for note in (*notes(paper), paper.footer) if note],
    ]
    lines = [
        line.rstrip() for number, block in enumerate(blocks) for line in (*([""] if number else []), *block)
    ]
    return "\n".join(lines) + "\n"


def heading(document: InvoiceDocument) -> list[str]:
    crossed = stamp(document)
    labels = max(columns(label) for label, _ in facts(document)) + GAP
    return [
        title(document).upper() + (f"  *** {crossed} ***" if crossed else ""),
        "",
        *[padded(label, labels) + text for label, text in facts(document)],
    ]


def parties(document: InvoiceDocument) -> list[str]:
    """Render seller and buyer side by side."""
    left = [word(document, "seller"), *address(document.seller, LEFT_HALF - GAP)]
    right = [word(document, "buyer"), *address(document.buyer, WIDTH - LEFT_HALF)]
    height = max(len(left), len(right))
    left += [""] * (height - len(left))
    right += [""] * (height - len(right))
    return [padded(one, LEFT_HALF) + other for one, other in zip(left, right, strict=True)]


def address(party: Party, width: int) -> list[str]:
    mail = [party.email] if party.email else []
    parts = (party.name, *party.lines, *mail, *party.tax_ids, *party.details)
    return [line for part in parts for line in folded(part, width)]


def table(document: InvoiceDocument) -> list[str]:
    """Render the lines; a long description continues below, and the period follows it."""
    names = ("quantity", "unit_amount", "amount")
    head = [word(document, name) for name in names]
    widths = [
        max(columns(text) for text in (label, *figures(document, name)))
        for label, name in zip(head, names, strict=True)
    ]
    first = max(WIDTH - sum(widths) - GAP * len(widths), LEAST_DESCRIPTION)
    rule = "-" * (first + sum(widths) + GAP * len(widths))
    rows = [row for line in document.lines for row in table_row(line, first, widths)]
    return [row_of(word(document, "description"), first, head, widths), rule, *rows, rule]


def figures(document: InvoiceDocument, name: str) -> list[str]:
    """Return all texts of a column."""
    off = [text for line in document.lines for _, text in line.reductions] if name == "amount" else []
    return [*(getattr(line, name) for line in document.lines), *off]


def table_row(line: DocumentLine, first: int, widths: list[int]) -> list[str]:
    description = folded(line.description, first) or [""]
    period = [f"  {part}" for part in folded(line.period or "", first - 2)]
    cells = [line.quantity, line.unit_amount, line.amount]
    off = [row for reduction in line.reductions for row in reduction_row(*reduction, first, widths)]
    return [row_of(description[0], first, cells, widths), *description[1:], *period, *off]


def reduction_row(label: str, amount: str, first: int, widths: list[int]) -> list[str]:
    head, *more = folded(label, first - 2) or [""]
    return [row_of(f"  {head}", first, ["", "", amount], widths), *(f"  {part}" for part in more)]


def row_of(description: str, first: int, cells: list[str], widths: list[int]) -> str:
    figures = "".join(" " * GAP + right(cell, width) for cell, width in zip(cells, widths, strict=True))
    return padded(description, first) + figures


def totals(document: InvoiceDocument) -> list[str]:
    """Render the totals, right-aligned, with a rule before the last one."""
    if not document.totals:
        return []
    figures = max(columns(text) for _, text in document.totals) + GAP
    labels = max(columns(label) for label, _ in document.totals)
    indent = " " * max(WIDTH - labels - figures, 0)
    rows = [indent + padded(label, labels) + right(text, figures) for label, text in document.totals]
    return [*rows[:-1], indent + "=" * (labels + figures), rows[-1]]


def taxes(document: InvoiceDocument) -> list[str]:
    """Render what is taxed at which rate, in columns."""
    head = [word(document, name) for name in ("tax", "base", "tax_amount")]
    rows = [head, *([row.label, row.base, row.amount] for row in document.taxes)]
    widths = [max(columns(row[at]) for row in rows) for at in range(3)]
    first = max(WIDTH - sum(widths[1:]) - 2 * GAP, widths[0])
    return [row_of(row[0], first, row[1:], widths[1:]) for row in rows]


def section(of: Section) -> list[str]:
    """Render a table with its heading; one of the columns of texts takes what room there is."""
    widths = [max(columns(row[at]) for row in (of.head, *of.rows)) for at in range(len(of.head))]
    if of.texts:
        others = sum(widths) - widths[of.wide] + GAP * (len(widths) - 1)
        widths[of.wide] = max(WIDTH - others, LEAST_DESCRIPTION)
    rule = "-" * (sum(widths) + GAP * (len(widths) - 1))
    shown = [section_row(row, of, widths) for row in of.rows]
    if of.sums:
        shown.insert(-1, [rule])
    rows = [line for row in shown for line in row]
    return [of.title, *section_row(of.head, of, widths), rule, *rows]


def section_row(row: tuple[str, ...], of: Section, widths: list[int]) -> list[str]:
    """Render a row; a long text continues below."""
    lines = [
        folded(cell, widths[at]) if at == of.wide and of.texts else [cell] for at, cell in enumerate(row)
    ]
    shown = []
    for number in range(max(map(len, lines))):
        cells = [cell[number] if number < len(cell) else "" for cell in lines]
        placed = [
            padded(cell, width) if at < of.texts else right(cell, width)
            for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        shown.append((" " * GAP).join(placed))
    return shown


def payment(document: InvoiceDocument) -> list[str]:
    """Render how to pay by bank transfer."""
    shown = transfer(document)
    labels = max(columns(label) for label, _ in shown) + GAP
    return [word(document, "transfer"), *[padded(label, labels) + text for label, text in shown]]


def folded(text: str, width: int) -> list[str]:
    """Wrap a text at `width` columns, and keep its line breaks."""
    return [line for paragraph in text.split("\n") for line in fold(paragraph, width)]


def fold(paragraph: str, width: int) -> list[str]:
    if columns(paragraph) == len(paragraph):
        return wrap(re.sub(" +", " ", paragraph), width)
    # Wide characters count twice and combining ones not at all, which textwrap ignores.
    lines, line = [], ""
    for each in re.findall(r"\S| +", paragraph):
        piece = " " if each.isspace() else each
        if columns(line + piece) > width:
            start, space, rest = line.rpartition(" ")
            done, line = (start, rest) if space and columns(rest) < width // 2 else (line, "")
            lines.append(done)
        line = line + piece if line or piece != " " else line
    return [*lines, line] if line else lines


def columns(text: str) -> int:
    """Return the width of a text in a terminal."""
    return sum(
        0 if combining(each) or each in "\u200c\u200d" else 2 if east_asian_width(each) in "WF" else 1
        for each in text
    )


def padded(text: str, width: int) -> str:
    return text + " " * (width - columns(text))


def right(text: str, width: int) -> str:
    return " " * (width - columns(text)) + text
