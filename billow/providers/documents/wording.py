"""Translate the words of a document into the customer's language."""

from datetime import date

from babel.dates import format_date

from billow.core.bank.references import grouped
from billow.providers.documents import InvoiceDocument

# In the order of the languages below.
LANGUAGES = ("en", "de", "fr", "es")
WORDS = {
    "invoice":       ("Invoice", "Rechnung", "Facture", "Factura"),
    "credit_note":   ("Credit note", "Gutschrift", "Avoir", "Nota de crédito"),
    "receipt":       ("Receipt", "Quittung", "Reçu", "Recibo"),
    "quote":         ("Quote", "Angebot", "Devis", "Presupuesto"),
    "number":        ("Number", "Nummer", "Numéro", "Número"),
    "issued":        ("Date of issue", "Ausgestellt am", "Date d’émission", "Fecha de emisión"),
    "due":           ("Date due", "Fällig am", "Date d’échéance", "Fecha de vencimiento"),
    "expires":       ("Valid until", "Gültig bis", "Valable jusqu’au", "Válido hasta"),
    "currency":      ("Currency", "Währung", "Devise", "Moneda"),
    "seller":        ("From", "Von", "De", "De"),
    "buyer":         ("Bill to", "Rechnungsempfänger", "Facturé à", "Facturar a"),
    "description":   ("Description", "Beschreibung", "Description", "Descripción"),
    "quantity":      ("Qty", "Menge", "Qté", "Cant."),
    "unit_amount":   ("Unit price", "Einzelpreis", "Prix unitaire", "Precio unitario"),
    "amount":        ("Amount", "Betrag", "Montant", "Importe"),
    "page":          ("Page", "Seite", "Page", "Página"),
    "status":        ("Status", "Status", "État", "Estado"),
    "draft":         ("Draft", "Entwurf", "Brouillon", "Borrador"),
    "open":          ("Open", "Offen", "À payer", "Pendiente"),
    "paid":          ("Paid", "Bezahlt", "Payée", "Pagada"),
    "void":          ("Void", "Storniert", "Annulée", "Anulada"),
    "accepted":      ("Accepted", "Angenommen", "Accepté", "Aceptado"),
    "canceled":      ("Canceled", "Widerrufen", "Annulé", "Cancelado"),
    "uncollectible": ("Uncollectible", "Uneinbringlich", "Irrécouvrable", "Incobrable"),
    "transfer":      ("Pay by bank transfer", "Per Überweisung bezahlen", "Payer par virement",
                      "Pagar por transferencia"),
    "payee":         ("Payee", "Empfänger", "Bénéficiaire", "Beneficiario"),
    "reference":     ("Reference", "Verwendungszweck", "Référence", "Referencia"),
    "qr":            ("QR code of this transfer for your bank's app",
                      "QR-Code dieser Überweisung für Ihre Banking-App",
                      "Code QR de ce virement pour l’application de votre banque",
                      "Código QR de esta transferencia para la aplicación de su banco"),
    "reverse_charge": ("Tax to be paid by the customer (reverse charge).",
                      "Steuerschuldnerschaft des Leistungsempfängers (Reverse Charge).",
                      "Autoliquidation : taxe due par le preneur.",
                      "Inversión del sujeto pasivo."),
    "unprintable":   ("Characters that cannot be printed are shown as �.",
                      "Nicht druckbare Zeichen sind als � dargestellt.",
                      "Les caractères non imprimables sont remplacés par �.",
                      "Los caracteres no imprimibles se muestran como �."),
}  # fmt: skip

# Stamped across the document, so that nobody pays it.
STAMPED = ("canceled", "draft", "void")


def language_of(document: InvoiceDocument) -> str:
    """Return the language to print in: de for de-AT, and English for one that is not supported."""
    primary = document.language.lower().replace("_", "-").split("-")[0]
    return primary if primary in LANGUAGES else "en"


def word(document: InvoiceDocument, name: str) -> str:
    """Translate a word; an unknown kind or status is printed as it is."""
    if name not in WORDS:
        return name.replace("_", " ").capitalize()
    return WORDS[name][LANGUAGES.index(language_of(document))]


def words(document: InvoiceDocument) -> dict[str, str]:
    """Return all words, for templates."""
    return {name: word(document, name) for name in WORDS}


def day(document: InvoiceDocument, on: date) -> str:
    return format_date(on, format="long", locale=language_of(document))


def notes(document: InvoiceDocument) -> tuple[str, ...]:
    """Return the notes below the totals, with those that the law requires."""
    return (*document.notes, word(document, "reverse_charge")) if document.reverse_charge else document.notes


def transfer(document: InvoiceDocument) -> list[tuple[str, str]]:
    """Return the labels and texts of how to pay by bank transfer; none where it cannot be paid so."""
    to = document.transfer
    if to is None:
        return []
    shown = [
        (word(document, "payee"), to.payee),
        ("IBAN", grouped(to.iban)),
        ("BIC", to.bic),
        ("Bankgiro", to.bankgiro),
        (word(document, "reference"), grouped(to.reference)),
    ]
    return [(label, text) for label, text in shown if text]


def title(document: InvoiceDocument) -> str:
    return word(document, document.kind)


def stamp(document: InvoiceDocument) -> str | None:
    return word(document, document.status).upper() if document.status in STAMPED else None


def facts(document: InvoiceDocument) -> list[tuple[str, str]]:
    """Return the labels and texts that identify a document, in reading order."""
    until = word(document, "expires" if document.kind == "quote" else "due")
    due = [] if document.due_on is None else [(until, day(document, document.due_on))]
    return [
        (word(document, "number"), document.number),
        (word(document, "issued"), day(document, document.issued_on)),
        *due,
        (word(document, "currency"), document.currency.upper()),
        (word(document, "status"), word(document, document.status)),
    ]
