"""Do the three renderers show the same content, and does no name break them?"""

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from html.parser import HTMLParser

import pytest
import typst

from billow.providers.documents import (
    DocumentLine,
    InvoiceDocument,
    Party,
    Transfer,
    html,
    pdf,
    text,
    wording,
)
from billow.providers.documents.printable import clean, printable

ISSUED = datetime(2025, 2, 1, 9, 30, tzinfo=UTC)
HOSTILE = '#panic("x") *b* $x$ <script>alert(1)</script> {{ 7*7 }} \\ & "'
needs_pdftotext = pytest.mark.skipif(not shutil.which("pdftotext"), reason="apt-get install poppler-utils")


def read(file: bytes) -> str:
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=file, capture_output=True, check=True)
    return done.stdout.decode()


def squeezed(shown: str) -> str:
    return " ".join(shown.split())


class Screen(HTMLParser):
    """What a browser would show, and the names of the elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.shown = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.elements.append(tag)

    def handle_data(self, data: str) -> None:
        self.shown += data + " "


def named(paper: InvoiceDocument, name: str) -> InvoiceDocument:
    return replace(paper, buyer=replace(paper.buyer, name=name))


# All three.


@needs_pdftotext
@pytest.mark.parametrize("kind", ["text", "html", "pdf"])
def test_every_paper_shows_all_that_it_was_given(paper, kind):
    shown = squeezed(
        {
            "text": lambda: text.render(paper),
            "html": lambda: Screen(html.render(paper)).shown,
            "pdf": lambda: read(pdf.render(paper, ISSUED)),
        }[kind]()
    )
    for expected in [
        "NIMB-0042",
        "February 1, 2025",
        "March 3, 2025",
        "USD",
        "Open",
        "Nimbus Cloud Ltd",
        "billing@nimbus.test",
        "12 Harbour Street",
        "EU VAT IE6388047V",
        "Anna Müller",
        "Lange Straße 1",
        "10115 Berlin",
        "anna@example.test",
        "3 seat × Team (at $18.00 / month)",
        "3 $18.00 $54.00",
        "Jan 1 – Feb 1, 2025",
        "-$10.32",
        "Subtotal $43.68",
        "Amount due $53.73",
        "Thank you.",
        "Registered in Ireland, no. 123456.",
    ]:
        assert expected in shown, shown


@needs_pdftotext
@pytest.mark.parametrize(
    "name", [HOSTILE, "a\x00b\x1b[31mc\u202ed", "two\nlines", "\ud800", "株式会社", "x" * 300, ""]
)
def test_no_name_breaks_a_paper(paper, name):
    named_so = named(paper, name)
    pages = [text.render(named_so), html.render(named_so), read(pdf.render(named_so, ISSUED))]
    for page in pages:
        assert "$53.73" in page
        assert not set(page) & set("\x00\x1b\u202e\ud800")


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("en", "Invoice"),
        ("de-AT", "Rechnung"),
        ("fr", "Facture"),
        ("es_MX", "Factura"),
        ("tlh", "Invoice"),
        ("", "Invoice"),
    ],
)
def test_a_paper_speaks_the_customers_language_if_we_do(paper, language, title):
    spoken = replace(paper, language=language)
    assert text.render(spoken).startswith(title.upper())
    assert f"<h1>{title}</h1>" in html.render(spoken)


def test_every_word_exists_in_every_language():
    names = wording.WORDS["en"].keys()
    assert {
        code for code, words in wording.WORDS.items() if words.keys() != names or not all(words.values())
    } == set()


def test_an_unknown_kind_or_status_is_printed_as_it_is_called(paper):
    shown = text.render(replace(paper, kind="pro_forma", status="in_review"))
    assert shown.startswith("PRO FORMA\n") and "In review" in shown


@pytest.mark.parametrize(
    ("status", "stamped"), [("draft", "DRAFT"), ("void", "VOID"), ("open", None), ("paid", None)]
)
def test_only_papers_that_nobody_may_pay_by_are_stamped(paper, status, stamped):
    shown = replace(paper, status=status)
    assert ("***" in text.render(shown)) is (stamped is not None)
    assert ('class="stamp"' in html.render(shown)) is (stamped is not None)
    assert stamped is None or f"*** {stamped} ***" in text.render(shown)
    assert (pdf.sheet(shown)["stamp"]) == stamped


def test_cleaning_keeps_what_can_be_read():
    assert clean("Ann\x00a\tB\u202e\ud800\r\n2\x85") == "Anna B\n2"
    assert clean("می\u200cخواهم é 😀") == "می\u200cخواهم é 😀"


def test_cleaning_reaches_every_text(paper):
    dirty = replace(
        paper, footer="a\x00", totals=(("b\x00", "c\x00"),), seller=Party("d\x00", None, ("e\x00",))
    )
    assert "\\x00" not in repr(printable(dirty))


# Text.


def test_text_as_it_reads(paper):
    expected = """\
INVOICE

Number         NIMB-0042
Date of issue  February 1, 2025
Date due       March 3, 2025
Currency       USD
Status         Open

From                                   Bill to
Nimbus Cloud Ltd                       Anna Müller
12 Harbour Street                      Lange Straße 1
Dublin                                 10115 Berlin
billing@nimbus.test                    anna@example.test
EU VAT IE6388047V

Description                                           Qty  Unit price   Amount
------------------------------------------------------------------------------
3 seat × Team (at $18.00 / month)                       3      $18.00   $54.00
  Jan 1 – Feb 1, 2025
Unused time on Pro after 16 Jan 2025                                   -$10.32
------------------------------------------------------------------------------

                                                            Subtotal    $43.68
                                                            VAT 23%     $10.05
                                                            ==================
                                                            Amount due  $53.73

Thank you.

Registered in Ireland, no. 123456.
"""
    assert text.render(paper) == expected


@pytest.mark.parametrize("description", ["word " * 60, "x" * 200, "漢字" * 50, "漢字 かな " * 20, "é" * 150])
def test_text_stays_within_its_columns(paper, description):
    shown = text.render(replace(paper, lines=(DocumentLine(description, "1", "$1.00", "$1.00"),)))
    assert max(text.columns(line) for line in shown.splitlines()) == text.WIDTH
    assert "".join(description.split()) in "".join(shown.replace("1$1.00$1.00", "").split()).replace(
        "1$1.00$1.00", ""
    )


def test_text_grows_wider_rather_than_cut_an_amount(paper):
    amount = "$" + "9" * 60
    shown = text.render(replace(paper, lines=(DocumentLine("Gold", amount, amount, amount),)))
    assert shown.count(amount) == 3


# HTML.


def test_html_escapes_and_runs_nothing(paper):
    page = html.render(named(replace(paper, footer=HOSTILE, notes=(HOSTILE,), number=HOSTILE), HOSTILE))
    screen = Screen(page)
    assert "script" not in screen.elements
    assert screen.shown.count(HOSTILE) >= 4
    assert "49" not in screen.shown


def test_html_needs_no_other_file(paper):
    page = html.render(paper)
    assert "src=" not in page and "href=" not in page and "url(" not in page and "@import" not in page


# PDF.


def test_a_pdf_is_the_same_each_time_and_in_every_thread(paper):
    with ThreadPoolExecutor(4) as threads:
        files = list(threads.map(lambda _: pdf.render(paper, ISSUED), range(8)))
    assert {sha256(file).hexdigest() for file in files} == {sha256(pdf.render(paper, ISSUED)).hexdigest()}


def test_a_pdf_knows_when_it_was_issued(paper):
    assert pdf.render(paper, ISSUED) != pdf.render(paper, ISSUED.replace(hour=10))
    assert b"2025-02-01T09:30:00" in pdf.render(paper, ISSUED)


def test_a_pdf_claims_the_standards_for_archives_and_for_everybody(paper):
    file = pdf.render(paper, ISSUED)
    assert file.startswith(b"%PDF-1.7")
    assert b"<pdfaid:part>3</pdfaid:part>" in file and b"<pdfaid:conformance>A</pdfaid:conformance>" in file
    assert b"<pdfuaid:part>1</pdfuaid:part>" in file


@needs_pdftotext
def test_typst_markup_in_a_name_prints_literally(paper):
    assert '#panic("x") *b* $x$' in read(pdf.render(named(paper, '#panic("x") *b* $x$'), ISSUED))


@needs_pdftotext
def test_what_no_font_can_draw_is_replaced_and_noted(paper):
    shown = read(pdf.render(named(paper, "Zoë \U000f0000\U000f0001 & Ångström"), ISSUED))
    assert "Zoë �� & Ångström" in squeezed(shown)
    assert "Characters that cannot be printed are shown as �." in squeezed(shown)
    assert "cannot be printed" not in read(pdf.render(paper, ISSUED))


@needs_pdftotext
def test_a_character_that_is_missing_only_beside_its_neighbours_is_replaced_too(paper, monkeypatch):
    """As if the first list of the compiler had been incomplete: the plain characters remain."""
    complaints = iter([{"\U000f0001"}, {"\U000f0000"}])
    monkeypatch.setattr(pdf, "missing", lambda error: next(complaints))
    shown = read(pdf.render(named(paper, "Zoë \U000f0000\U000f0001"), ISSUED))
    assert "Zoë ��" in shown


def test_any_other_complaint_is_not_swallowed(paper, monkeypatch):
    broken = typst.Compiler(b'#panic("template")')
    monkeypatch.setattr(pdf, "compiler", lambda: broken)
    with pytest.raises(typst.TypstError, match="template"):
        pdf.render(paper, ISSUED)


@needs_pdftotext
def test_sixty_lines_fill_pages_that_each_repeat_the_header(paper):
    lines = tuple(DocumentLine(f"Node {n:02d}", "744", "$0.0912", "$67.85", "January") for n in range(60))
    pages = read(pdf.render(replace(paper, lines=lines), ISSUED)).split("\f")[:-1]
    assert len(pages) > 1
    for number, page in enumerate(pages, start=1):
        assert "Unit price" in page and f"Page {number} / {len(pages)}" in squeezed(page)
    assert [line.split()[1] for page in pages for line in page.splitlines() if line.startswith("Node")] == [
        f"{n:02d}" for n in range(60)
    ]


@needs_pdftotext
@pytest.mark.parametrize("count", [24, 31, 36, 59, 60])
def test_no_line_stands_alone_on_a_page(paper, count):
    lines = tuple(DocumentLine(f"Node {n:02d}", "744", "$0.0912", "$67.85") for n in range(count))
    pages = read(pdf.render(replace(paper, lines=lines), ISSUED)).split("\f")[:-1]
    counts = [sum(line.startswith("Node") for line in page.splitlines()) for page in pages]
    assert len(pages) > 1 and 1 not in counts and sum(counts) == count


@needs_pdftotext
def test_a_footer_never_stands_alone_on_the_last_page(paper):
    transfer = Transfer("Nimbus Ltd", "DE02120300000000202051", "RF18539007547034")
    last = set()
    for notes in range(0, 30, 3):
        made = replace(paper, notes=("A note.",) * notes, transfer=transfer, footer="Nimbus Ltd, Bath")
        pages = read(pdf.render(made, ISSUED)).split("\f")[:-1]
        [page] = [one for one in pages if "Nimbus Ltd, Bath" in one]
        assert "DE02 1203" in page
        last.add(len(pages))
    assert last == {1, 2}, "the foot of a page is passed"


@needs_pdftotext
def test_a_description_longer_than_a_page_loses_nothing(paper):
    words = [f"w{n}" for n in range(1500)]
    shown = read(pdf.render(replace(paper, lines=(DocumentLine(" ".join(words), "1", "", "$1.00"),)), ISSUED))
    assert [word for word in shown.split() if word.startswith("w") and word[1:].isdigit()] == words


@needs_pdftotext
def test_a_long_word_is_broken_but_can_still_be_copied(paper):
    link = "https://billing.nimbus.test/i/" + "0123456789" * 20
    file = pdf.render(replace(paper, notes=(link,)), ISSUED)
    assert link in "".join(read(file).split())


@needs_pdftotext
@pytest.mark.parametrize("kind", ["text", "html", "pdf"])
def test_what_is_taken_off_a_line_and_a_reverse_charge_are_on_every_paper(paper, kind):
    line = replace(paper.lines[0], reductions=(("Launch (20% off)", "-$10.80"),))
    reduced = replace(paper, lines=(line,), reverse_charge=True)
    shown = squeezed(
        {
            "text": lambda: text.render(reduced),
            "html": lambda: Screen(html.render(reduced)).shown,
            "pdf": lambda: read(pdf.render(reduced, ISSUED)),
        }[kind]()
    )
    assert "Launch (20% off) -$10.80" in shown and "(reverse charge)" in shown
    assert shown.index("Thank you.") < shown.index("(reverse charge)")
    german = text.render(replace(reduced, language="de"))
    assert "Steuerschuldnerschaft" in german and "Steuerschuldnerschaft" not in text.render(paper)


@needs_pdftotext
def test_a_paper_without_lines_totals_or_due_date_is_a_paper(paper):
    bare = replace(
        paper,
        kind="credit_note",
        lines=(),
        totals=(),
        notes=(),
        footer=None,
        due_on=None,
        issued_on=date(2024, 2, 29),
        seller=Party(""),
        buyer=Party(""),
    )
    assert "Credit note" in read(pdf.render(bare, ISSUED)) and "Credit note" in html.render(bare)
    assert "February 29, 2024" in text.render(bare)
