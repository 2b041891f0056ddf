"""List in a mail what an invoice bills, and what discounts and taxes it has, in the language of the mail."""

from collections.abc import Sequence

from billow.flows.outside.seller import seller_of
from billow.flows.papers import invoice_document, line_words, paper_lines
from billow.providers.documents import wording
from billow.providers.letters import LetterLine, Money
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.store.tx import Tx


def lines_of(tx: Tx, invoice: Invoice, lines: Sequence[InvoiceLine], locale: str) -> tuple[LetterLine, ...]:
    """Return the lines of an invoice, and below them discounts and taxes as its document names them."""
    prices, zone = paper_lines.prices_of(tx, lines), seller_of(tx).time_zone
    billed = [
        LetterLine(
            line_words.whole(line, prices.get(line.price or ""), locale, zone),
            Money(line.amount, line.currency),
            (line.period_start, line.period_end),
        )
        for line in lines
    ]
    untaxed, included = wording.say(locale, "untaxed"), f", {wording.say(locale, 'included')}"
    below = [
        LetterLine(label, Money(amount, invoice.currency))
        for label, amount in invoice_document.sums_of(invoice, lines, invoice.labels, locale)[1:-1]
        if label != untaxed and not label.endswith(included)
    ]
    return (*billed, *below)
