"""The words of statements of account, in each language."""

NAMES = (
    "statement", "period", "date", "charges", "credits", "running", "opening", "closing", "movements",
    "received", "refund", "adjustment", "open_items", "document", "original", "still_open", "ageing",
    "not_due", "days", "days_over", "on_balance",
)  # fmt: skip
SAID = {
    "en": (
        "Statement of account", "Period", "Date", "Charges", "Credits", "Balance", "Opening balance",
        "Closing balance", "Movements", "Payment", "Refund", "Adjustment", "Open items", "Document",
        "Original amount", "Open", "Ageing", "Not due", "{days} days", "Over {days} days",
        "Credit on your balance",
    ),
    "sv": (
        "Kontoutdrag", "Period", "Datum", "Debet", "Kredit", "Saldo", "Ingående saldo", "Utgående saldo",
        "Händelser", "Betalning", "Återbetalning", "Justering", "Öppna poster", "Dokument",
        "Ursprungligt belopp", "Obetalt", "Åldersfördelning", "Ej förfallet", "{days} dagar",
        "Över {days} dagar", "Tillgodohavande",
    ),
    "de": (
        "Kontoauszug", "Zeitraum", "Datum", "Soll", "Haben", "Saldo", "Anfangssaldo", "Endsaldo",
        "Bewegungen", "Zahlung", "Erstattung", "Anpassung", "Offene Posten", "Beleg",
        "Ursprünglicher Betrag", "Offen", "Fälligkeitsstruktur", "Nicht fällig", "{days} Tage",
        "Über {days} Tage", "Guthaben",
    ),
    "fr": (
        "Relevé de compte", "Période", "Date", "Débit", "Crédit", "Solde", "Solde d’ouverture",
        "Solde de clôture", "Mouvements", "Paiement", "Remboursement", "Ajustement", "Postes ouverts",
        "Document", "Montant d’origine", "Restant dû", "Balance âgée", "Non échu", "{days} jours",
        "Plus de {days} jours", "Avoir sur votre solde",
    ),
    "es": (
        "Extracto de cuenta", "Período", "Fecha", "Cargos", "Abonos", "Saldo", "Saldo inicial",
        "Saldo final", "Movimientos", "Pago", "Reembolso", "Ajuste", "Partidas abiertas", "Documento",
        "Importe original", "Pendiente", "Antigüedad", "No vencido", "{days} días", "Más de {days} días",
        "Saldo a su favor",
    ),
    "nl": (
        "Rekeningoverzicht", "Periode", "Datum", "Debet", "Credit", "Saldo", "Beginsaldo", "Eindsaldo",
        "Mutaties", "Betaling", "Terugbetaling", "Correctie", "Openstaande posten", "Document",
        "Oorspronkelijk bedrag", "Openstaand", "Ouderdom", "Niet vervallen", "{days} dagen",
        "Meer dan {days} dagen", "Tegoed",
    ),
    "fi": (
        "Tiliote", "Ajanjakso", "Päivä", "Veloitukset", "Hyvitykset", "Saldo", "Alkusaldo", "Loppusaldo",
        "Tapahtumat", "Maksu", "Palautus", "Oikaisu", "Avoimet erät", "Asiakirja", "Alkuperäinen summa",
        "Avoinna", "Ikäjakauma", "Ei erääntynyt", "{days} päivää", "Yli {days} päivää", "Hyvityksenne",
    ),
    "da": (
        "Kontoudtog", "Periode", "Dato", "Debet", "Kredit", "Saldo", "Primosaldo", "Ultimosaldo",
        "Bevægelser", "Betaling", "Refusion", "Regulering", "Åbne poster", "Dokument",
        "Oprindeligt beløb", "Åbent", "Aldersfordeling", "Ikke forfaldent", "{days} dage",
        "Over {days} dage", "Tilgodehavende",
    ),
    "nb": (
        "Kontoutskrift", "Periode", "Dato", "Debet", "Kredit", "Saldo", "Inngående saldo", "Utgående saldo",
        "Bevegelser", "Betaling", "Refusjon", "Justering", "Åpne poster", "Dokument",
        "Opprinnelig beløp", "Åpent", "Aldersfordeling", "Ikke forfalt", "{days} dager",
        "Over {days} dager", "Tilgodehavende",
    ),
}  # fmt: skip
STATEMENTS = {language: dict(zip(NAMES, said, strict=True)) for language, said in SAID.items()}
"""The words of each language, by their names."""
