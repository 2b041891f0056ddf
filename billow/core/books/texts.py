"""Say in words what a voucher is, for the texts of exports that an accountant reads."""

LANGUAGES = ("en", "sv", "de", "fr", "es", "nl", "fi", "da", "nb")
#: The kinds of vouchers, by the event or the beginning of it, in the order of the languages above.
WORDS = {
    "invoice": ("Invoice", "Faktura", "Rechnung", "Facture", "Factura", "Factuur", "Lasku", "Faktura",
                "Faktura"),
    "invoice.voided": (
        "Invoice voided", "Makulerad faktura", "Stornierte Rechnung", "Facture annulée", "Factura anulada",
        "Factuur geannuleerd", "Mitätöity lasku", "Annulleret faktura", "Annullert faktura",
    ),
    "invoice.marked_uncollectible": (
        "Bad debt", "Kundförlust", "Forderungsverlust", "Créance irrécouvrable", "Crédito incobrable",
        "Oninbare vordering", "Luottotappio", "Tab på debitor", "Tap på fordring",
    ),
    "invoice.recovered": (
        "Bad debt recovered", "Återvunnen kundförlust", "Zahlung auf abgeschriebene Forderung",
        "Créance recouvrée", "Crédito recuperado", "Oninbare vordering ontvangen",
        "Luottotappion palautus", "Betaling af tab", "Innbetaling på tapsført fordring",
    ),
    "invoice.paid_out_of_band": (
        "Payment", "Betalning", "Zahlung", "Paiement", "Pago", "Betaling", "Maksu", "Betaling", "Betaling",
    ),
    "invoice.tax_withheld": (
        "Tax withheld", "Källskatt", "Quellensteuer", "Retenue à la source", "Retención fiscal",
        "Bronbelasting", "Lähdevero", "Kildeskat", "Kildeskatt",
    ),
    "invoice.tax_relieved": (
        "Tax on bad debt", "Moms på kundförlust", "Umsatzsteuer auf Forderungsverlust",
        "TVA sur créance irrécouvrable", "IVA de crédito incobrable", "Btw op oninbare vordering",
        "Luottotappion alv", "Moms af tab", "Mva på tap",
    ),
    "payment": ("Payment", "Betalning", "Zahlung", "Paiement", "Pago", "Betaling", "Maksu", "Betaling",
                "Betaling"),
    "payment.invoiced": (
        "Sale invoiced", "Försäljning fakturerad", "Verkauf berechnet", "Vente facturée", "Venta facturada",
        "Verkoop gefactureerd", "Myynti laskutettu", "Salg faktureret", "Salg fakturert",
    ),
    "payment.returned": (
        "Payment returned", "Återtagen betalning", "Rücklastschrift", "Paiement rejeté", "Pago devuelto",
        "Betaling teruggeboekt", "Maksu palautettu", "Betaling tilbageført", "Betaling tilbakeført",
    ),
    "payment_record": ("Payment", "Betalning", "Zahlung", "Paiement", "Pago", "Betaling", "Maksu", "Betaling",
                       "Betaling"),
    "credit_note": (
        "Credit note", "Kreditfaktura", "Gutschrift", "Avoir", "Factura rectificativa", "Creditnota",
        "Hyvityslasku", "Kreditnota", "Kreditnota",
    ),
    "credit_note.voided": (
        "Credit note voided", "Makulerad kreditfaktura", "Stornierte Gutschrift", "Avoir annulé",
        "Rectificativa anulada", "Creditnota geannuleerd", "Mitätöity hyvityslasku",
        "Annulleret kreditnota", "Annullert kreditnota",
    ),
    "refund": (
        "Refund", "Återbetalning", "Erstattung", "Remboursement", "Reembolso", "Terugbetaling", "Palautus",
        "Refusion", "Refusjon",
    ),
    "dispute": (
        "Disputed payment", "Bestridd betalning", "Bestrittene Zahlung", "Paiement contesté",
        "Pago disputado", "Betwiste betaling", "Kiistetty maksu", "Omtvistet betaling", "Omtvistet betaling",
    ),
    "payout": (
        "Payout", "Utbetalning", "Auszahlung", "Versement", "Abono", "Uitbetaling", "Tilitys", "Udbetaling",
        "Utbetaling",
    ),
    "gateway.fee": (
        "Gateway fee", "Betalavgift", "Zahlungsgebühr", "Frais de paiement", "Comisión de pago",
        "Betaalkosten", "Maksupalvelun kulu", "Betalingsgebyr", "Betalingsgebyr",
    ),
    "gateway.exchanged": (
        "Currency exchange", "Valutaväxling", "Währungstausch", "Change", "Cambio de divisa", "Valutawissel",
        "Valuutanvaihto", "Valutaveksling", "Valutaveksling",
    ),
    "revenue": (
        "Revenue earned", "Periodiserad intäkt", "Umsatzrealisierung", "Produit constaté",
        "Ingreso devengado", "Omzet verantwoord", "Tuloutus", "Periodiseret omsætning", "Periodisert inntekt",
    ),
    "credit": (
        "Prepaid credit", "Förbetald kredit", "Guthaben", "Crédit prépayé", "Crédito prepagado",
        "Vooruitbetaald tegoed", "Ennakkosaldo", "Forudbetalt kredit", "Forhåndsbetalt kreditt",
    ),
    "credit_grant.expired": (
        "Credit expired", "Förfallen kredit", "Verfallenes Guthaben", "Crédit expiré", "Crédito caducado",
        "Tegoed vervallen", "Saldo vanhentunut", "Kredit udløbet", "Kreditt utløpt",
    ),
    "customer_balance": (
        "Customer balance", "Kundtillgodohavande", "Kundenguthaben", "Solde client", "Saldo del cliente",
        "Klanttegoed", "Asiakassaldo", "Kundesaldo", "Kundesaldo",
    ),
    "bank": (
        "Bank entry", "Bankhändelse", "Bankbuchung", "Écriture bancaire", "Movimiento bancario",
        "Bankmutatie", "Tilitapahtuma", "Bankpostering", "Bankpostering",
    ),
    "transfer": (
        "Transfer to connected account", "Överföring till anslutet konto", "Übertrag an verbundenes Konto",
        "Virement au compte connecté", "Transferencia a cuenta conectada",
        "Overboeking naar gekoppeld account", "Siirto liitetylle tilille",
        "Overførsel til tilknyttet konto", "Overføring til tilknyttet konto",
    ),
    "application_fee": (
        "Platform fee", "Plattformsavgift", "Plattformgebühr", "Frais de plateforme",
        "Comisión de plataforma", "Platformkosten", "Alustamaksu", "Platformgebyr", "Plattformgebyr",
    ),
    "allowance": (
        "Doubtful accounts", "Osäkra kundfordringar", "Wertberichtigung Forderungen",
        "Dépréciation des créances", "Deterioro de créditos", "Voorziening debiteuren",
        "Epävarmat saamiset", "Nedskrivning af debitorer", "Avsetning til tap",
    ),
    "tax": (
        "Tax paid", "Momsbetalning", "Umsatzsteuerzahlung", "TVA payée", "IVA pagado", "Btw-afdracht",
        "Alv-maksu", "Momsbetaling", "Mva-betaling",
    ),
    "exchange": (
        "Currency valuation", "Valutaomvärdering", "Währungsbewertung", "Réévaluation de change",
        "Revaluación de divisas", "Valutaherwaardering", "Valuuttojen arvostus", "Valutaregulering",
        "Valutaomregning",
    ),
}  # fmt: skip
SAME = {"credits": "credit", "credit_grant": "credit", "top_up": "credit"}
"""Events that are called as others are, by their beginnings."""
UNDOING = frozenset({
    "application_fee.refunded", "credit_grant.taken_back", "credit_grant.voided", "payment_record.refunded",
    "payout.sent_back", "refund.returned", "refund.revoked", "transfer.reversed",
})  # fmt: skip
"""Events that take back what another one of their kind has done, whatever they are called."""
UNDONE = ("reversed", "omvänd", "Storno", "annulé", "anulado", "teruggedraaid", "peruttu", "tilbageført",
          "reversert")  # fmt: skip


def kind(event: str, language: str) -> str:
    """Say what kind of voucher an event makes; one that takes another back is said to be reversed.

    >>> kind("invoice.finalized", "de"), kind("bank.kept.undone", "sv"), kind("transfer.reversed", "fi")
    ('Rechnung', 'Bankhändelse (omvänd)', 'Siirto liitetylle tilille (peruttu)')
    """
    at = LANGUAGES.index(language)
    undone = event.endswith((".undone", "_reversed")) or event in UNDOING
    event = event.removesuffix(".undone")
    noun = event.partition(".")[0]
    words = WORDS.get(event) or WORDS.get(noun) or WORDS[SAME[noun]]
    return f"{words[at]} ({UNDONE[at]})" if undone else words[at]


def text(event: str, document: str, name: str, language: str, most: int = 0) -> str:
    """Return the text of a booking: its kind, its document and the customer, in at most so many letters.

    The name is shortened first, for the document is what an accountant looks for.

    >>> text("invoice.finalized", "ACME-1", "Nimbus Molnkonsult", "sv", 25)
    'Faktura ACME-1 Nimbus Mol'
    """
    whole = " ".join(part for part in (kind(event, language), document, name) if part)
    return whole[:most].rstrip() if most else whole
