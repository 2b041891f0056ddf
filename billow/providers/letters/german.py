"""Say every mail in German."""

from billow.providers.letters import Language, Texts

TEXTS = {
    "invoice.due": Texts(
        "Rechnung {number} von {seller}: {amount}",
        "{amount} sind bis zum {due} zu zahlen.",
        "Rechnung {number}",
        ("{seller} hat Ihnen eine Rechnung über {amount} gestellt.", "Bitte zahlen Sie sie bis zum {due}."),
        "Ansehen und bezahlen",
    ),
    "invoice.charged": Texts(
        "Rechnung {number} von {seller}: {amount}",
        "Sie müssen nichts tun: {amount} werden automatisch abgebucht.",
        "Rechnung {number}",
        (
            "{seller} hat Ihnen {amount} berechnet.",
            "Sie müssen nichts tun: Der Betrag wird von Ihrer Zahlungsmethode abgebucht.",
        ),
        "Rechnung ansehen",
    ),
    "invoice.paid": Texts(
        "Rechnung {number} von {seller}: {amount}",
        "Bezahlt. Sie müssen nichts tun.",
        "Rechnung {number} ist bezahlt",
        (
            "{seller} hat Ihnen {amount} berechnet, und der Betrag ist bezahlt. Vielen Dank.",
            "Sie müssen nichts tun.",
        ),
        "Rechnung ansehen",
    ),
    "zero_invoice.paid": Texts(
        "Rechnung {number} von {seller}: {amount}",
        "Nichts zu zahlen.",
        "Rechnung {number}",
        ("{seller} hat Ihnen {amount} berechnet: Es ist nichts zu zahlen.", "Sie müssen nichts tun."),
        "Rechnung ansehen",
    ),
    "receipt.paid": Texts(
        "Ihre Quittung von {seller}: {amount}",
        "Vielen Dank. Sie müssen nichts tun.",
        "Quittung",
        ("Wir haben Ihre Zahlung über {amount} am {date} erhalten. Vielen Dank.", "Sie müssen nichts tun."),
        "Quittung ansehen",
    ),
    "payment_failed.first": Texts(
        "Zahlung an {seller} fehlgeschlagen: {amount}",
        "Wir versuchen es am {next} erneut. Sie können Ihre Zahlungsmethode jetzt ändern.",
        "Ihre Zahlung ist fehlgeschlagen",
        (
            "Wir wollten {amount} für die Rechnung {number} abbuchen. {reason}",
            "Wir versuchen es am {next} erneut. Wenn Sie Ihre Zahlungsmethode aktualisieren, buchen wir"
            " sofort ab.",
        ),
        "Zahlungsmethode aktualisieren",
    ),
    "payment_failed.again": Texts(
        "Noch offen: {amount} an {seller}",
        "Die Zahlung ist wieder fehlgeschlagen. Nächster Versuch am {next}.",
        "Die Zahlung ist wieder fehlgeschlagen",
        (
            "Wir konnten {amount} für die Rechnung {number} auch diesmal nicht abbuchen. {reason}",
            "Der nächste Versuch ist am {next}. Mit einer neuen Zahlungsmethode ist es sofort erledigt.",
        ),
        "Zahlungsmethode aktualisieren",
    ),
    "payment_failed.last_try": Texts(
        "Letzter Versuch am {next}: {amount} an {seller}",
        "Nach dem {next} versuchen wir es nicht mehr.",
        "Ein letzter Versuch bleibt",
        (
            "{amount} für die Rechnung {number} sind noch nicht bezahlt. {reason}",
            "Wir versuchen es am {next} zum letzten Mal. Bitte aktualisieren Sie vorher Ihre"
            " Zahlungsmethode.",
        ),
        "Zahlungsmethode aktualisieren",
    ),
    "payment_failed.waiting": Texts(
        "Zahlungsmethode nötig: {amount} an {seller}",
        "Wir können von Ihrer Zahlungsmethode nicht mehr abbuchen.",
        "Wir brauchen eine andere Zahlungsmethode",
        (
            "Wir konnten {amount} für die Rechnung {number} nicht abbuchen. {reason}",
            "Mit dieser Zahlungsmethode versuchen wir es nicht noch einmal. Bitte geben Sie eine andere an:"
            " Dann buchen wir sofort ab.",
        ),
        "Zahlungsmethode hinzufügen",
    ),
    "payment_failed.given_up": Texts(
        "Nicht bezahlt: {amount} an {seller}",
        "Der letzte Versuch ist fehlgeschlagen.",
        "Der letzte Versuch ist fehlgeschlagen",
        (
            "{amount} für die Rechnung {number} konnten nicht abgebucht werden, und wir versuchen es nicht"
            " mehr."
            " {reason}",
        ),
        "Jetzt bezahlen",
    ),
    "payment_action_required.first": Texts(
        "Bitte bestätigen: {amount} an {seller}",
        "Ihre Bank bittet um Ihre Bestätigung.",
        "Ihre Bank bittet um Ihre Bestätigung",
        (
            "Ihre Bank möchte, dass Sie die Zahlung über {amount} für die Rechnung {number} bestätigen.",
            "Vorher wird nichts abgebucht. Es dauert eine Minute.",
        ),
        "Zahlung bestätigen",
    ),
    "payment_action_required.again": Texts(
        "Erinnerung: {amount} an {seller} bestätigen",
        "Die Zahlung wartet noch auf Ihre Bestätigung.",
        "Ihre Bestätigung fehlt noch",
        (
            "Die Zahlung über {amount} für die Rechnung {number} wartet noch: Ihre Bank braucht Ihre"
            " Bestätigung.",
            "Bitte bestätigen Sie sie jetzt, oder zahlen Sie auf einem anderen Weg.",
        ),
        "Zahlung bestätigen",
    ),
    "payment_recovered.paid": Texts(
        "Bezahlt, vielen Dank: {amount} an {seller}",
        "Alles ist erledigt. Sie müssen nichts tun.",
        "Ihre Zahlung hat geklappt",
        (
            "{amount} für die Rechnung {number} sind seit dem {date} bezahlt. Vielen Dank.",
            "Alles ist erledigt; Sie müssen nichts tun.",
        ),
        "Rechnung ansehen",
    ),
    "card_expiring.soon": Texts(
        "Ihre Karte bei {seller} läuft bald ab",
        "{card} ist bis Ende {month} gültig.",
        "Ihre Karte läuft bald ab",
        (
            "{card}, mit der Sie bei {seller} zahlen, ist bis Ende {month} gültig.",
            "Bitte geben Sie Ihre neue Karte an, damit die nächste Zahlung klappt.",
        ),
        "Karte aktualisieren",
    ),
    "invoice_overdue.first": Texts(
        "Überfällig: Rechnung {number} von {seller}, {amount}",
        "Sie war am {due} fällig.",
        "Rechnung {number} ist überfällig",
        (
            "Wir haben {amount}, die am {due} fällig waren, noch nicht erhalten.",
            "Falls Sie in den letzten Tagen gezahlt haben, betrachten Sie diese Mail als gegenstandslos."
            " Sonst zahlen Sie bitte jetzt.",
        ),
        "Jetzt bezahlen",
    ),
    "invoice_overdue.again": Texts(
        "Erinnerung: Rechnung {number} von {seller}, {amount}",
        "Fällig seit dem {due} und noch offen.",
        "Rechnung {number} ist noch offen",
        (
            "Die Rechnung {number} ist seit dem {due} fällig, und {amount} sind noch offen.",
            "Bitte zahlen Sie sie jetzt, oder antworten Sie auf diese Mail, wenn etwas nicht stimmt.",
        ),
        "Jetzt bezahlen",
    ),
    "refund.sent": Texts(
        "Erstattung von {seller}: {amount}",
        "Das Geld ist auf dem Weg zu Ihnen.",
        "Sie erhalten {amount} zurück",
        (
            "Wir haben am {date} {amount} auf die Zahlungsmethode erstattet, mit der Sie gezahlt haben.",
            "Sie müssen nichts tun. Bis die Bank es anzeigt, vergehen fünf bis zehn Tage.",
        ),
        "Quittung ansehen",
    ),
    "refund.transferred": Texts(
        "Erstattung von {seller}: {amount}",
        "Das Geld ist auf dem Weg zu Ihnen.",
        "Sie erhalten {amount} zurück",
        (
            "Wir haben am {date} {amount} auf Ihr Bankkonto zurücküberwiesen.",
            "Sie müssen nichts tun. Bis die Bank es anzeigt, vergehen ein bis zwei Bankarbeitstage.",
        ),
    ),
    "refund.account": Texts(
        "{seller} hat {amount} an Sie zurückzuzahlen",
        "Wir brauchen Ihr Bankkonto.",
        "Wohin dürfen wir {amount} überweisen?",
        (
            "Sie haben uns {amount} überwiesen, mit denen nichts zu bezahlen ist. Wir überweisen sie zurück,"
            " kennen aber Ihr Konto nicht.",
            "Bitte antworten Sie auf diese Mail mit dem Namen des Kontoinhabers und der IBAN.",
        ),
    ),
    "credit_note.lowered": Texts(
        "Rechnungskorrektur {credit_note} von {seller}: {amount}",
        "Ihre Rechnung {number} ist um {amount} niedriger.",
        "Ihre Rechnung ist um {amount} niedriger",
        (
            "Wir haben {amount} der Rechnung {number} gutgeschrieben. Zu zahlen bleiben {left}.",
            "Die Rechnungskorrektur ist angehängt.",
        ),
        "Rechnungskorrektur ansehen",
    ),
    "credit_note.closed": Texts(
        "Rechnungskorrektur {credit_note} von {seller}: {amount}",
        "Von Ihrer Rechnung {number} ist nichts mehr zu zahlen.",
        "Es ist nichts mehr zu zahlen",
        (
            "Wir haben {amount} der Rechnung {number} gutgeschrieben. Sie müssen nichts mehr zahlen.",
            "Die Rechnungskorrektur ist angehängt.",
        ),
        "Rechnungskorrektur ansehen",
    ),
    "credit_note.refunded": Texts(
        "Rechnungskorrektur {credit_note} von {seller}: {amount}",
        "Wir erstatten {amount} Ihrer Rechnung {number}.",
        "Sie erhalten {amount} zurück",
        (
            "Wir haben {amount} der Rechnung {number} gutgeschrieben und erstatten den Betrag auf die"
            " Zahlungsmethode, mit der Sie gezahlt haben.",
            "Sie müssen nichts tun. Bis die Bank es anzeigt, vergehen fünf bis zehn Tage. Die"
            " Rechnungskorrektur ist angehängt.",
        ),
        "Rechnungskorrektur ansehen",
    ),
    "credit_note.balance": Texts(
        "Rechnungskorrektur {credit_note} von {seller}: {amount}",
        "Sie haben ein Guthaben von {amount}.",
        "Sie haben ein Guthaben von {amount}",
        (
            "Wir haben {amount} der Rechnung {number} gutgeschrieben. Wir ziehen den Betrag von Ihrer"
            " nächsten Rechnung ab.",
            "Sie müssen nichts tun. Die Rechnungskorrektur ist angehängt.",
        ),
        "Rechnungskorrektur ansehen",
    ),
    "credit_note.issued": Texts(
        "Rechnungskorrektur {credit_note} von {seller}: {amount}",
        "Wir haben {amount} Ihrer Rechnung {number} gutgeschrieben.",
        "Wir haben {amount} gutgeschrieben",
        (
            "Wir haben {amount} der Rechnung {number} gutgeschrieben.",
            "Die Rechnungskorrektur ist angehängt. Darin steht, wie Sie den Betrag erhalten.",
        ),
        "Rechnungskorrektur ansehen",
    ),
    "subscription_canceled.requested": Texts(
        "Ihr Abonnement bei {seller} ist beendet",
        "{plan} endete am {date}.",
        "Ihr Abonnement ist beendet",
        ("{plan} endete am {date}. Es wird nichts mehr abgebucht.", "Sie müssen nichts tun."),
    ),
    "subscription_canceled.unpaid": Texts(
        "Ihr Abonnement bei {seller} wurde gekündigt",
        "{plan} endete am {date}, da es nicht bezahlt wurde.",
        "Ihr Abonnement wurde gekündigt",
        (
            "{plan} endete am {date}, da wir von Ihrer Zahlungsmethode nicht abbuchen konnten.",
            "Es wird nichts mehr abgebucht. Wenn Sie es fortsetzen möchten, wenden Sie sich bitte an"
            " {seller}.",
        ),
    ),
    "debit_notice.planned": Texts(
        "Lastschrift am {date}: {amount} an {seller}",
        "Nichts zu tun: {amount} werden am {date} abgebucht.",
        "Lastschrift am {date}",
        (
            "Am {date} buchen wir {amount} für Rechnung {number} von Ihrem Konto mit der Endung {last4} ab.",
            "Dies ist eine SEPA-Lastschrift nach Ihrem Mandat {mandate}; unsere"
            " Gläubiger-Identifikationsnummer ist {creditor}.",
            "Sie müssen nichts tun, nur für Deckung auf dem Konto sorgen.",
        ),
        "Rechnung ansehen",
    ),
    "trial_ending.charged": Texts(
        "Ihre Testphase bei {seller} endet am {date}",
        "Danach ist {plan} kostenpflichtig.",
        "Ihre Testphase endet am {date}",
        (
            "Ihre Testphase von {plan} endet am {date}. Danach buchen wir von Ihrer Zahlungsmethode ab.",
            "Wenn Sie fortfahren möchten, müssen Sie nichts tun.",
        ),
    ),
    "trial_ending.no_method": Texts(
        "Ihre Testphase bei {seller} endet am {date}",
        "Geben Sie eine Zahlungsmethode an, um fortzufahren.",
        "Ihre Testphase endet am {date}",
        (
            "Ihre Testphase von {plan} endet am {date}. Um danach fortzufahren, geben Sie bitte eine"
            " Zahlungsmethode an.",
        ),
        "Zahlungsmethode hinzufügen",
    ),
    "statement.monthly": Texts(
        "Ihr Kontoauszug von {seller}, {month}",
        "Was berechnet und bezahlt wurde, und was offen ist.",
        "Kontoauszug, {month}",
        (
            "Anbei erhalten Sie den Kontoauszug von {seller} für {month}.",
            "Er führt auf, was berechnet und bezahlt wurde, und was mit welcher Fälligkeit offen ist.",
        ),
    ),
    "portal_login.link": Texts(
        "Ihr Link zu {seller}",
        "Er gilt einmal, 15 Minuten lang.",
        "Öffnen Sie Ihr Konto",
        (
            "Jemand, vermutlich Sie, hat einen Link zu Ihrem Konto bei {seller} angefordert.",
            "Er gilt einmal, innerhalb von 15 Minuten. Waren Sie es nicht, tun Sie nichts: Niemand sonst "
            "hat diesen Link.",
        ),
        "Mein Konto öffnen",
    ),
    "cost_alert.reached": Texts(
        "Ihre Kosten haben {limit} erreicht",
        "Sie wollten es wissen.",
        "Ihre Kosten haben {limit} erreicht",
        (
            "Die Kosten Ihres Kontos bei {seller} im Zeitraum bis {date} haben {limit} erreicht. "
            "Sie wollten es wissen.",
            "Bisher sind es {amount}. Es wird nichts angehalten, und je Zeitraum kommt eine solche E-Mail.",
        ),
    ),
    "dispute.opened": Texts(
        "Zahlung angefochten ({amount}): Antwort bis {due}",
        "Ein Kunde ficht eine Zahlung an.",
        "Eine Zahlung wurde angefochten",
        (
            "Ein Kunde ficht die Zahlung {number} über {amount} an. Der Grund seiner Bank: {reason_code}.",
            "Senden Sie Ihre Belege bis zum {due}; ohne sie ist das Geld verloren.",
        ),
    ),
}

LABELS = {
    "amount": "Betrag",
    "number": "Rechnung",
    "due": "Fällig am",
    "date": "Datum",
    "card": "{brand} mit den Endziffern {last4}",
    "next": "Nächster Versuch",
    "method": "Zahlungsmethode",
    "plan": "Abonnement",
    "total": "Gesamtbetrag",
    "refunded": "Erstattet",
    "credit_note": "Rechnungskorrektur",
    "month": "Gültig bis",
    "hello": "Guten Tag {name},",
    "hello_nobody": "Guten Tag,",
    "why": "Sie erhalten diese Mail als Kunde von {seller}.",
    "why_seller": "Sie erhalten diese Mail, weil billow für {seller} abrechnet.",
    "contact": "Fragen? Antworten Sie auf diese Mail oder schreiben Sie an {email}.",
}

NOTES = {
    "loss.cancel": "Wenn die Rechnung bis zum {last} nicht bezahlt ist, wird {plan} gekündigt.",
    "loss.unpaid": "Wenn die Rechnung bis zum {last} nicht bezahlt ist, wird {plan} gesperrt.",
    "loss.past_due": "Wenn die Rechnung bis zum {last} nicht bezahlt ist, melden wir uns wegen {plan}.",
    "lost.cancel": "{plan} wurde deshalb gekündigt.",
    "lost.unpaid": "{plan} ist deshalb gesperrt, bis die Rechnung bezahlt ist.",
    "lost.past_due": "Der Betrag bleibt offen: Bitte zahlen Sie ihn jetzt.",
}

REASONS = {
    "generic": "Die Bank hat die Zahlung ohne Angabe von Gründen abgelehnt.",
    "insufficient_funds": "Laut der Bank war das Konto nicht ausreichend gedeckt.",
    "expired_card": "Die Karte ist abgelaufen.",
    "incorrect_cvc": "Die Prüfziffer der Karte stimmt nicht.",
    "incorrect_number": "Die Kartennummer stimmt nicht.",
    "card_velocity_exceeded": "Die Karte hat ihr Limit erreicht.",
    "processing_error": "Die Bank hatte eine technische Störung.",
    "authentication_required": "Die Bank bittet Sie, die Zahlung zu bestätigen.",
    "missing_payment_method": "Es ist keine Zahlungsmethode hinterlegt.",
    "lost_card": "Die Bank nimmt diese Karte nicht mehr an.",
    "stolen_card": "Die Bank nimmt diese Karte nicht mehr an.",
    "pickup_card": "Die Bank nimmt diese Karte nicht mehr an.",
    "revocation_of_authorization": "Die Erlaubnis zur Abbuchung wurde widerrufen.",
    "revocation_of_all_authorizations": "Die Erlaubnis zur Abbuchung wurde widerrufen.",
    "transaction_not_allowed": "Die Karte lässt Zahlungen dieser Art nicht zu.",
    "payment_intent_authentication_failure": "Die Zahlung wurde nicht bestätigt.",
    "setup_intent_authentication_failure": "Die Zahlung wurde nicht bestätigt.",
    "payment_canceled": "Die Zahlung wurde nicht bestätigt.",
    "currency_not_supported": "Die Karte unterstützt diese Währung nicht.",
}

GERMAN = Language("de", TEXTS, LABELS, NOTES, REASONS)
