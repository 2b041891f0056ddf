"""Does every rule, example and fault that the code cites stand on a page, where the citation says?"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_tidy import ROOT

BEHAVIOURS = ROOT / "docs/reference/behaviours.md"
FAULTS = ROOT / "docs/reference/faults.md"
READ = {".py", ".sql", ".md", ".yaml", ".txt", ".html", ".typ"}
STORY = re.compile(r"§10\.3,? (F\d+(?:(?:, | to | and )F\d+)*)")
"""An order of events: §10.3 F6. Every other F and two digits is a fault."""


def cited(text: str) -> Iterator[str]:
    """The anchors that a text cites, and faults by their names; not sections of RFCs and of German law."""
    text = re.sub(
        r"RFC \d+ §[\d.]+|§ \d+[a-z]?(?: Abs\. \d+)?(?: Nr\. \d+[a-z]?)?(?: Buchst\. [a-z])? UStG", "", text
    )
    for stories in STORY.findall(text):
        yield from (f"10-3-{story.lower()}" for story in re.findall(r"F\d+", stories))
    text = STORY.sub("§10.3", text)
    yield from (section.replace(".", "-") for section in re.findall(r"§ ?(\d+(?:\.\d+)*)", text))
    yield from (found.lower() for found in re.findall(r"\b(?:X\d{2,3}|T\d\d)\b", text))
    yield from re.findall(r"(?<!%)\bF\d\d?\b", text)


def anchors(text: str) -> set[str]:
    return set(re.findall(r'<a id="([^"]+)"></a>', text)) | set(re.findall(r"^\| (F\d\d) \|", text, re.M))


def unknown(text: str, known: set[str]) -> list[str]:
    return sorted({one for one in cited(text) if one not in known})


KNOWN = anchors(BEHAVIOURS.read_text()) | anchors(FAULTS.read_text())
FILES = sorted(
    path
    for path in [
        *ROOT.glob("*.md"),
        *(
            path
            for room in ("billow", "tests", "docs", "bench", "examples")
            for path in ROOT.glob(f"{room}/**/*")
        ),
    ]
    if path.suffix in READ and "node_modules" not in path.parts and path != Path(__file__)
)


def test_every_citation_leads_to_its_anchor() -> None:
    lost = {str(path.relative_to(ROOT)): unknown(path.read_text(), KNOWN) for path in FILES}
    assert len(FILES) > 300 and {name: found for name, found in lost.items() if found} == {}


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("Cut in the middle (§5.99).", ["5-99"]),
        ("As in X42, X500 and T98.", ["t98", "x500"]),
        ("F41 and F3 are no faults; F40 is one.", ["F3", "F41"]),
        ("The words in order (§10.3 F1, F99).", ["10-3-f99"]),
        ("The words in order (§10.3, F1 to F98).", ["10-3-f98"]),
        ("Global unicast (RFC 4291 §2.99); at 2026-01-01T77:00 (§5.8.3, §10.3 F10, X01, F10).", []),
    ],
)
def test_a_planted_citation_is_found(planted: str, found: list[str]) -> None:
    assert unknown(planted, KNOWN) == found


def test_an_anchor_stands_once() -> None:
    found = re.findall(r'<a id="([^"]+)"></a>', BEHAVIOURS.read_text())
    assert len(found) > 150 and sorted(found) == sorted(set(found))


def test_citations_in_pages_are_links() -> None:
    """In code they are short; a page is read in a browser, so there each leads to its anchor."""
    for path in [*ROOT.glob("docs/**/*.md"), *ROOT.glob("*.md")]:
        if path in (BEHAVIOURS, FAULTS, ROOT / "STYLE.md"):
            continue
        text = path.read_text()
        linked = re.findall(r"\[([^\]]*§[^\]]*)\]\([^)]*behaviours\.md#([^)]*)\)", text)
        assert text.count("§") == sum(words.count("§") for words, _ in linked), path
        assert all(anchor in cited(words) for words, anchor in linked), path
