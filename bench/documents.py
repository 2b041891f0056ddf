"""How long does it take to write an invoice: XML, PDF with the XML inside, and its metadata?

    python bench/documents.py                       500 invoices of one page
    python bench/documents.py 10000 --lines 50      longer ones; the memory must stay flat
    python bench/documents.py 10000 --most-mb 20    fails if the memory has grown by more

Prints the median and the 95th percentile in milliseconds, of the wall and of the processor, the most memory
before and after, and what the process holds after each tenth. No database is needed.
"""

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from billow.core.einvoice.lines import Billed, lines_of
from billow.core.einvoice.model import Category, EInvoice, Payment, Subtotal, Trader
from billow.core.line_parts import Rated
from billow.providers.documents import DocumentLine, InvoiceDocument, Party, TaxRow, Transfer, cii, pdf

VAT = Category("S", Decimal(25))
ISSUED = datetime(2026, 1, 31, tzinfo=UTC)
PRICE = Decimal("1.23")


def einvoice(number: int, lines: int) -> EInvoice:
    seller = Trader("Acme Cloud AB", "SE", "Storgatan 1", city="Stockholm", vat_id="SE556000475501")
    buyer = Trader("Müller GmbH", "DE", "Hauptstraße 5", city="Berlin", vat_id="DE136695976")
    made = [
        line
        for at in range(lines)
        for line in lines_of(
            Billed(Rated(886, Decimal(720), PRICE), 886, f"Node {at}", "HUR", VAT), 2, at + 1
        )
    ]
    net = sum((line.net for line in made), Decimal(0))
    return EInvoice(
        number=f"ACME-{number:06}",
        issued_on=date(2026, 1, 31),
        currency="EUR",
        seller=seller,
        buyer=buyer,
        lines=tuple(made),
        subtotals=(Subtotal(VAT, net, round(net / 4, 2)),),
        prepaid=Decimal(0),
        due_on=date(2026, 3, 2),
        payment=Payment("DE02120300000000202051", reference="RF18539007547034"),
    )


def document(number: int, lines: int) -> InvoiceDocument:
    return InvoiceDocument(
        kind="invoice",
        number=f"ACME-{number:06}",
        status="open",
        currency="EUR",
        issued_on=date(2026, 1, 31),
        due_on=date(2026, 3, 2),
        seller=Party("Acme Cloud AB", "billing@acme.test", ("Storgatan 1", "111 22 Stockholm", "Sweden")),
        buyer=Party("Müller GmbH", None, ("Hauptstraße 5", "10115 Berlin", "Germany")),
        lines=tuple(DocumentLine(f"Node {at}", "720", "€0.0123", "€8.86") for at in range(lines)),
        totals=(("Subtotal", "€8.86"), ("Total", "€11.08"), ("Amount due", "€11.08")),
        taxes=(TaxRow("VAT (25%)", "€8.86", "€2.22"),),
        transfer=Transfer(
            "Acme Cloud AB", "DE02120300000000202051", "RF18539007547034", qr="BCD\n002\n1\nSCT"
        ),
    )


def memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def held_mb() -> float:
    """Return what the process holds now, which may be less than the most that it ever held."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / (1 << 20)


def measured(count: int, write: Callable[[int], Any]) -> dict[str, Any]:
    """Time one after the other; the first ones fill the caches and do not count."""
    walls, works, held = list[float](), list[float](), list[float]()
    tenth = max(count // 10, 1)
    for number in range(20):
        write(number)
    before = memory_mb()
    for number in range(count):
        wall, work = time.perf_counter(), time.process_time()
        write(number)
        walls.append((time.perf_counter() - wall) * 1000)
        works.append((time.process_time() - work) * 1000)
        if (number + 1) % tenth == 0:
            held.append(round(held_mb(), 1))
    return {
        "median_ms": round(statistics.median(walls), 2),
        "p95_ms": round(sorted(walls)[int(0.95 * (count - 1))], 2),
        "processor_median_ms": round(statistics.median(works), 2),
        "memory_before_mb": round(before, 1),
        "memory_after_mb": round(memory_mb(), 1),
        "memory_by_tenth_mb": held,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("count", nargs="?", type=int, default=500)
    parser.add_argument("--lines", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--most-mb", type=float, help="by how much the memory may grow after a tenth")
    asked = parser.parse_args()

    def write(number: int) -> bytes:
        xml = cii.write(einvoice(number, asked.lines))
        return pdf.render(document(number, asked.lines), ISSUED, xml)

    found = {"what": f"an invoice of {asked.lines} lines", **measured(asked.count, write)}
    if asked.json:
        print(json.dumps(found))
    else:
        print("\n".join(f"{name:22} {value}" for name, value in found.items()))
    grown = found["memory_by_tenth_mb"][-1] - found["memory_by_tenth_mb"][0]
    if asked.most_mb is not None and grown > asked.most_mb:
        sys.exit(f"The memory has grown by {grown:.1f} MB.")


if __name__ == "__main__":
    main()
