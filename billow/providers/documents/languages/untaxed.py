"""The words for sales without tax, the day of supply and what a document replaces, in each language."""

NAMES = (
    "supplied_on", "replaces", "replaced_by",
    "name_reverse_charge", "name_export", "name_export_service", "name_eu_goods",
    "export", "export_service", "eu_goods", "small_enterprise", "eu_reverse_charge",
)  # fmt: skip
SAID = {
    "en": (
        "Date of supply", "Replaces invoice {number} of {day}", "Replaced by invoice {number}",
        "Reverse charge", "Export", "Service outside the EU", "Intra-Community supply",
        "Export outside the EU, exempt from VAT: Art. 146 of Directive 2006/112/EC.",
        "Service to a customer outside the EU, not subject to VAT: Art. 44 and 59 of Directive 2006/112/EC.",
        "Intra-Community supply, exempt from VAT: Art. 138 of Directive 2006/112/EC.",
        "Exempt from VAT as a small enterprise: Art. 284 of Directive 2006/112/EC.",
        "Tax to be paid by the customer (reverse charge): Art. 44 and 196 of Directive 2006/112/EC.",
    ),
    "sv": (
        "Leveransdag", "Ersätter faktura {number} av den {day}", "Ersatt av faktura {number}",
        "Omvänd betalningsskyldighet", "Export", "Tjänst utanför EU", "Unionsintern leverans",
        "Export utanför EU, undantagen från moms: artikel 146 i direktiv 2006/112/EG.",
        "Tjänst till kund utanför EU, ingen moms: artiklarna 44 och 59 i direktiv 2006/112/EG.",
        "Unionsintern leverans, undantagen från moms: artikel 138 i direktiv 2006/112/EG.",
        "Undantagen från moms som litet företag: artikel 284 i direktiv 2006/112/EG.",
        "Omvänd betalningsskyldighet: artiklarna 44 och 196 i direktiv 2006/112/EG.",
    ),
    "de": (
        "Leistungsdatum", "Ersetzt Rechnung {number} vom {day}", "Ersetzt durch Rechnung {number}",
        "Reverse Charge", "Ausfuhr", "Nicht steuerbare Leistung", "Innergemeinschaftliche Lieferung",
        "Steuerfreie Ausfuhrlieferung: Art. 146 der Richtlinie 2006/112/EG.",
        "Nicht im Inland steuerbare Leistung an einen Kunden außerhalb der EU: Art. 44 und 59 der Richtlinie"
        " 2006/112/EG.",
        "Steuerfreie innergemeinschaftliche Lieferung: Art. 138 der Richtlinie 2006/112/EG.",
        "Steuerfrei als Kleinunternehmer: Art. 284 der Richtlinie 2006/112/EG.",
        "Steuerschuldnerschaft des Leistungsempfängers (Reverse Charge): Art. 44 und 196 der Richtlinie"
        " 2006/112/EG.",
    ),
    "fr": (
        "Date de la prestation", "Remplace la facture {number} du {day}", "Remplacée par la facture {number}",
        "Autoliquidation", "Exportation", "Prestation hors UE", "Livraison intracommunautaire",
        "Exportation hors de l’UE, exonérée de TVA : article 146 de la directive 2006/112/CE.",
        "Prestation à un client hors de l’UE, non soumise à la TVA : articles 44 et 59 de la directive"
        " 2006/112/CE.",
        "Livraison intracommunautaire, exonérée de TVA : article 138 de la directive 2006/112/CE.",
        "Exonéré de TVA, franchise des petites entreprises : article 284 de la directive 2006/112/CE.",
        "Autoliquidation, taxe due par le preneur : articles 44 et 196 de la directive 2006/112/CE.",
    ),
    "es": (
        "Fecha de la operación", "Sustituye a la factura {number} del {day}",
        "Sustituida por la factura {number}",
        "Inversión del sujeto pasivo", "Exportación", "Servicio fuera de la UE", "Entrega intracomunitaria",
        "Exportación fuera de la UE, exenta de IVA: artículo 146 de la Directiva 2006/112/CE.",
        "Servicio a un cliente fuera de la UE, no sujeto a IVA: artículos 44 y 59 de la Directiva"
        " 2006/112/CE.",
        "Entrega intracomunitaria, exenta de IVA: artículo 138 de la Directiva 2006/112/CE.",
        "Exento de IVA como pequeña empresa: artículo 284 de la Directiva 2006/112/CE.",
        "Inversión del sujeto pasivo: artículos 44 y 196 de la Directiva 2006/112/CE.",
    ),
    "nl": (
        "Leveringsdatum", "Vervangt factuur {number} van {day}", "Vervangen door factuur {number}",
        "Btw verlegd", "Uitvoer", "Dienst buiten de EU", "Intracommunautaire levering",
        "Uitvoer buiten de EU, vrijgesteld van btw: artikel 146 van Richtlijn 2006/112/EG.",
        "Dienst aan een klant buiten de EU, geen btw: artikelen 44 en 59 van Richtlijn 2006/112/EG.",
        "Intracommunautaire levering, vrijgesteld van btw: artikel 138 van Richtlijn 2006/112/EG.",
        "Vrijgesteld van btw als kleine onderneming: artikel 284 van Richtlijn 2006/112/EG.",
        "Btw verlegd: artikelen 44 en 196 van Richtlijn 2006/112/EG.",
    ),
    "fi": (
        "Toimituspäivä", "Korvaa laskun {number}, {day}", "Korvattu laskulla {number}",
        "Käännetty verovelvollisuus", "Vienti", "Palvelu EU:n ulkopuolelle", "Yhteisömyynti",
        "Vienti EU:n ulkopuolelle, veroton: direktiivin 2006/112/EY 146 artikla.",
        "Palvelu asiakkaalle EU:n ulkopuolelle, ei arvonlisäveroa: direktiivin 2006/112/EY 44 ja 59 artikla.",
        "Yhteisömyynti, veroton: direktiivin 2006/112/EY 138 artikla.",
        "Veroton pienyrityksenä: direktiivin 2006/112/EY 284 artikla.",
        "Käännetty verovelvollisuus: direktiivin 2006/112/EY 44 ja 196 artikla.",
    ),
    "da": (
        "Leveringsdato", "Erstatter faktura {number} af {day}", "Erstattet af faktura {number}",
        "Omvendt betalingspligt", "Eksport", "Ydelse uden for EU", "Levering inden for EU",
        "Eksport ud af EU, fritaget for moms: artikel 146 i direktiv 2006/112/EF.",
        "Ydelse til en kunde uden for EU, ingen moms: artikel 44 og 59 i direktiv 2006/112/EF.",
        "Levering inden for EU, fritaget for moms: artikel 138 i direktiv 2006/112/EF.",
        "Fritaget for moms som lille virksomhed: artikel 284 i direktiv 2006/112/EF.",
        "Omvendt betalingspligt: artikel 44 og 196 i direktiv 2006/112/EF.",
    ),
    "nb": (
        "Leveringsdato", "Erstatter faktura {number} av {day}", "Erstattet av faktura {number}",
        "Omvendt avgiftsplikt", "Eksport", "Tjeneste utenfor EU", "Levering innen EU",
        "Eksport ut av EU, fritatt for merverdiavgift: artikkel 146 i direktiv 2006/112/EF.",
        "Tjeneste til en kunde utenfor EU, ingen merverdiavgift: artikkel 44 og 59 i direktiv 2006/112/EF.",
        "Levering innen EU, fritatt for merverdiavgift: artikkel 138 i direktiv 2006/112/EF.",
        "Fritatt for merverdiavgift som liten virksomhet: artikkel 284 i direktiv 2006/112/EF.",
        "Omvendt avgiftsplikt: artikkel 44 og 196 i direktiv 2006/112/EF.",
    ),
}  # fmt: skip
UNTAXED = {language: dict(zip(NAMES, said, strict=True)) for language, said in SAID.items()}
"""The words of each language, by their names."""
