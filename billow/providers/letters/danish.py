"""Say every mail in Danish."""

from billow.providers.letters import Language, Texts

TEXTS = {
    "invoice.due": Texts(
        "Faktura {number} fra {seller}: {amount}",
        "{amount} skal betales senest {due}.",
        "Faktura {number}",
        ("{seller} har sendt dig en faktura på {amount}.", "Betal den venligst senest {due}."),
        "Se og betal",
    ),
    "invoice.charged": Texts(
        "Faktura {number} fra {seller}: {amount}",
        "Du skal ikke gøre noget: {amount} trækkes automatisk.",
        "Faktura {number}",
        (
            "{seller} har faktureret dig {amount}.",
            "Du skal ikke gøre noget: beløbet trækkes via din betalingsmetode.",
        ),
        "Se faktura",
    ),
    "invoice.paid": Texts(
        "Faktura {number} fra {seller}: {amount}",
        "Betalt. Du skal ikke gøre noget.",
        "Faktura {number} er betalt",
        ("{seller} har faktureret dig {amount}, og fakturaen er betalt. Tak.", "Du skal ikke gøre noget."),
        "Se faktura",
    ),
    "zero_invoice.paid": Texts(
        "Faktura {number} fra {seller}: {amount}",
        "Der er intet at betale.",
        "Faktura {number}",
        ("{seller} har faktureret dig {amount}: der er intet at betale.", "Du skal ikke gøre noget."),
        "Se faktura",
    ),
    "receipt.paid": Texts(
        "Din kvittering fra {seller}: {amount}",
        "Tak. Du skal ikke gøre noget.",
        "Kvittering",
        ("Vi har modtaget din betaling på {amount} den {date}. Tak.", "Du skal ikke gøre noget."),
        "Se kvittering",
    ),
    "payment_failed.first": Texts(
        "Din betaling til {seller} mislykkedes: {amount}",
        "Vi prøver igen den {next}. Du kan opdatere din betalingsmetode nu.",
        "Din betaling gik ikke igennem",
        (
            "Vi har forsøgt at trække {amount} for faktura {number}. {reason}",
            "Vi prøver igen den {next}. Hvis du opdaterer din betalingsmetode, trækker vi beløbet med det"
            " samme.",
        ),
        "Opdater betalingsmetode",
    ),
    "payment_failed.again": Texts(
        "Stadig ikke betalt: {amount} til {seller}",
        "Betalingen mislykkedes igen. Vi prøver igen den {next}.",
        "Betalingen mislykkedes igen",
        (
            "Vi har igen forsøgt at trække {amount} for faktura {number}, uden held. {reason}",
            "Næste forsøg er den {next}. Med en ny betalingsmetode er det klaret med det samme.",
        ),
        "Opdater betalingsmetode",
    ),
    "payment_failed.last_try": Texts(
        "Sidste forsøg den {next}: {amount} til {seller}",
        "Efter den {next} prøver vi ikke mere.",
        "Der er ét forsøg tilbage",
        (
            "{amount} for faktura {number} er stadig ikke betalt. {reason}",
            "Vi prøver for sidste gang den {next}. Opdater venligst din betalingsmetode inden da.",
        ),
        "Opdater betalingsmetode",
    ),
    "payment_failed.waiting": Texts(
        "Vi mangler din betalingsmetode: {amount} til {seller}",
        "Vi kan ikke længere trække beløb via din betalingsmetode.",
        "Vi har brug for en anden betalingsmetode",
        (
            "Vi kunne ikke trække {amount} for faktura {number}. {reason}",
            "Vi prøver ikke denne betalingsmetode igen. Tilføj venligst en anden: så trækker vi med"
            " det samme.",
        ),
        "Tilføj betalingsmetode",
    ),
    "payment_failed.given_up": Texts(
        "Ikke betalt: {amount} til {seller}",
        "Det sidste forsøg mislykkedes.",
        "Det sidste forsøg mislykkedes",
        ("{amount} for faktura {number} kunne ikke trækkes, og vi prøver ikke mere. {reason}",),
        "Betal nu",
    ),
    "payment_action_required.first": Texts(
        "Bekræft din betaling til {seller}: {amount}",
        "Din bank beder dig bekræfte den.",
        "Din bank beder om din bekræftelse",
        (
            "Din bank ønsker, at du bekræfter betalingen på {amount} for faktura {number}.",
            "Intet trækkes før da. Det tager et minut.",
        ),
        "Bekræft betaling",
    ),
    "payment_action_required.again": Texts(
        "Påmindelse: bekræft din betaling til {seller}: {amount}",
        "Betalingen venter stadig på din bekræftelse.",
        "Din bekræftelse mangler stadig",
        (
            "Betalingen på {amount} for faktura {number} venter stadig: din bank mangler din bekræftelse.",
            "Bekræft den venligst nu, eller betal på en anden måde.",
        ),
        "Bekræft betaling",
    ),
    "payment_recovered.paid": Texts(
        "Betalt, tak: {amount} til {seller}",
        "Alt er i orden. Du skal ikke gøre noget.",
        "Din betaling gik igennem",
        (
            "{amount} for faktura {number} er betalt den {date}. Tak.",
            "Alt er i orden; du skal ikke gøre noget.",
        ),
        "Se faktura",
    ),
    "card_expiring.soon": Texts(
        "Dit kort hos {seller} udløber snart",
        "{card} udløber i slutningen af {month}.",
        "Dit kort udløber snart",
        (
            "{card}, som betaler dine køb hos {seller}, er gyldigt til og med {month}.",
            "Tilføj venligst dit nye kort, så din næste betaling går igennem.",
        ),
        "Opdater kort",
    ),
    "invoice_overdue.first": Texts(
        "Forfalden: faktura {number} fra {seller}, {amount}",
        "Den forfaldt den {due}.",
        "Faktura {number} er forfalden",
        (
            "Vi har endnu ikke modtaget {amount}, som forfaldt den {due}.",
            "Hvis du har betalt de seneste dage, kan du se bort fra denne mail. Ellers betal venligst nu.",
        ),
        "Betal nu",
    ),
    "invoice_overdue.again": Texts(
        "Rykker: faktura {number} fra {seller}, {amount}",
        "Forfaldt den {due} og er stadig ikke betalt.",
        "Faktura {number} er stadig ikke betalt",
        (
            "Faktura {number} forfaldt den {due}, og {amount} er stadig udestående.",
            "Betal den venligst nu, eller svar på denne mail, hvis noget ikke er rigtigt.",
        ),
        "Betal nu",
    ),
    "refund.sent": Texts(
        "Tilbagebetaling fra {seller}: {amount}",
        "Pengene er på vej til dig.",
        "Du får {amount} tilbage",
        (
            "Vi har den {date} tilbagebetalt {amount} til den betalingsmetode, du betalte med.",
            "Du skal ikke gøre noget. Der går fem til ti dage, før banken viser beløbet.",
        ),
        "Se kvittering",
    ),
    "refund.transferred": Texts(
        "Tilbagebetaling fra {seller}: {amount}",
        "Pengene er på vej.",
        "Du får {amount} tilbage",
        (
            "Den {date} overførte vi {amount} til din bankkonto.",
            "Du behøver ikke at gøre noget. Det tager en til to bankdage, før banken viser det.",
        ),
    ),
    "refund.account": Texts(
        "{seller} har {amount} at betale tilbage til dig",
        "Vi har brug for din bankkonto.",
        "Hvor må vi sende {amount} hen?",
        (
            "Du har overført {amount} til os, som ikke betaler noget. Vi sender pengene tilbage, men kender"
            " ikke din konto.",
            "Svar på denne mail med kontohaverens navn og IBAN.",
        ),
    ),
    "credit_note.lowered": Texts(
        "Kreditnota {credit_note} fra {seller}: {amount}",
        "Din faktura {number} er {amount} lavere.",
        "Din faktura er {amount} lavere",
        (
            "Vi har krediteret {amount} af faktura {number}. Der mangler at blive betalt {left}.",
            "Kreditnotaen er vedhæftet.",
        ),
        "Se kreditnota",
    ),
    "credit_note.closed": Texts(
        "Kreditnota {credit_note} fra {seller}: {amount}",
        "Der er intet mere at betale på din faktura {number}.",
        "Der er intet mere at betale",
        (
            "Vi har krediteret {amount} af faktura {number}. Du skal ikke betale mere.",
            "Kreditnotaen er vedhæftet.",
        ),
        "Se kreditnota",
    ),
    "credit_note.refunded": Texts(
        "Kreditnota {credit_note} fra {seller}: {amount}",
        "Vi tilbagebetaler {amount} af din faktura {number}.",
        "Du får {amount} tilbage",
        (
            "Vi har krediteret {amount} af faktura {number} og tilbagebetaler beløbet til den"
            " betalingsmetode, du brugte.",
            "Du skal ikke gøre noget. Der går fem til ti dage, før banken viser beløbet. Kreditnotaen er"
            " vedhæftet.",
        ),
        "Se kreditnota",
    ),
    "credit_note.balance": Texts(
        "Kreditnota {credit_note} fra {seller}: {amount}",
        "Du har {amount} til gode.",
        "Du har {amount} til gode",
        (
            "Vi har krediteret {amount} af faktura {number}. Vi trækker det fra din næste faktura.",
            "Du skal ikke gøre noget. Kreditnotaen er vedhæftet.",
        ),
        "Se kreditnota",
    ),
    "credit_note.issued": Texts(
        "Kreditnota {credit_note} fra {seller}: {amount}",
        "Vi har krediteret {amount} af din faktura {number}.",
        "Vi har krediteret {amount}",
        (
            "Vi har krediteret {amount} af faktura {number}.",
            "Kreditnotaen er vedhæftet. Den viser, hvordan du får beløbet.",
        ),
        "Se kreditnota",
    ),
    "subscription_canceled.requested": Texts(
        "Dit abonnement hos {seller} er slut",
        "{plan} sluttede den {date}.",
        "Dit abonnement er slut",
        ("{plan} sluttede den {date}. Der trækkes ikke mere.", "Du skal ikke gøre noget."),
    ),
    "subscription_canceled.unpaid": Texts(
        "Dit abonnement hos {seller} er opsagt",
        "{plan} sluttede den {date}, fordi det ikke blev betalt.",
        "Dit abonnement er opsagt",
        (
            "{plan} sluttede den {date}, fordi vi ikke kunne trække beløbet via din betalingsmetode.",
            "Der trækkes ikke mere. Kontakt {seller}, hvis du vil fortsætte.",
        ),
    ),
    "debit_notice.planned": Texts(
        "Direkte debitering den {date}: {amount} til {seller}",
        "Du skal ikke gøre noget: {amount} trækkes den {date}.",
        "Direkte debitering den {date}",
        (
            "Den {date} trækker vi {amount} for faktura {number} fra din konto, der ender på {last4}.",
            "Det er en SEPA Direct Debit efter dit mandat {mandate}; vores kreditoridentifikator er"
            " {creditor}.",
            "Du skal blot sørge for, at der er penge nok på kontoen.",
        ),
        "Se faktura",
    ),
    "trial_ending.charged": Texts(
        "Din prøveperiode hos {seller} slutter den {date}",
        "Derefter opkræves {plan}.",
        "Din prøveperiode slutter den {date}",
        (
            "Din prøveperiode på {plan} slutter den {date}. Derefter trækkes beløbet via din"
            " betalingsmetode.",
            "Hvis du vil fortsætte, skal du ikke gøre noget.",
        ),
    ),
    "trial_ending.no_method": Texts(
        "Din prøveperiode hos {seller} slutter den {date}",
        "Tilføj en betalingsmetode for at fortsætte.",
        "Din prøveperiode slutter den {date}",
        (
            "Din prøveperiode på {plan} slutter den {date}. Tilføj en betalingsmetode for at"
            " fortsætte derefter.",
        ),
        "Tilføj betalingsmetode",
    ),
    "statement.monthly": Texts(
        "Dit kontoudtog fra {seller}, {month}",
        "Hvad der er faktureret og betalt, og hvad der er udestående.",
        "Kontoudtog, {month}",
        (
            "Vedhæftet er kontoudtoget for din konto hos {seller} for {month}.",
            "Det viser, hvad der er faktureret og betalt, og hvad der er udestående med forfaldsdato.",
        ),
    ),
    "portal_login.link": Texts(
        "Dit link til {seller}",
        "Det virker én gang, i 15 minutter.",
        "Åbn din konto",
        (
            "Nogen, sandsynligvis dig, har bedt om et link til din konto hos {seller}.",
            "Det virker én gang, i 15 minutter. Hvis det ikke var dig, skal du ikke gøre noget: ingen andre"
            " har dette link.",
        ),
        "Åbn min konto",
    ),
    "cost_alert.reached": Texts(
        "Dine omkostninger har nået {limit}",
        "Du har bedt om at få besked.",
        "Dine omkostninger har nået {limit}",
        (
            "Omkostningerne på din konto hos {seller} i perioden til {date} har nået {limit}. "
            "Du har bedt om at få besked.",
            "Indtil nu er det {amount}. Intet stoppes, og der er én sådan mail pr. periode.",
        ),
    ),
    "dispute.opened": Texts(
        "Indsigelse på {amount}: svar senest {due}",
        "En kunde gør indsigelse mod en betaling.",
        "Der er gjort indsigelse mod en betaling",
        (
            "En kunde gør indsigelse mod betalingen {number} på {amount}. Bankens begrundelse:"
            " {reason_code}.",
            "Send din dokumentation senest {due}; uden den er pengene tabt.",
        ),
    ),
}

LABELS = {
    "amount": "Beløb",
    "number": "Faktura",
    "due": "Forfaldsdato",
    "date": "Dato",
    "card": "{brand}, der ender på {last4}",
    "next": "Næste forsøg",
    "method": "Betalingsmetode",
    "plan": "Abonnement",
    "total": "I alt",
    "refunded": "Tilbagebetalt",
    "credit_note": "Kreditnota",
    "month": "Gyldigt til og med",
    "hello": "Hej {name}",
    "hello_nobody": "Hej",
    "why": "Du modtager denne mail, fordi du er kunde hos {seller}.",
    "why_seller": "Du modtager denne mail, fordi billow fakturerer for {seller}.",
    "contact": "Spørgsmål? Svar på denne mail, eller skriv til {email}.",
}

NOTES = {
    "loss.cancel": "Hvis fakturaen ikke er betalt senest {last}, bliver {plan} opsagt.",
    "loss.unpaid": "Hvis fakturaen ikke er betalt senest {last}, bliver {plan} sat på pause.",
    "loss.past_due": "Hvis fakturaen ikke er betalt senest {last}, kontakter vi dig om {plan}.",
    "lost.cancel": "{plan} er derfor opsagt.",
    "lost.unpaid": "{plan} er derfor sat på pause, indtil fakturaen er betalt.",
    "lost.past_due": "Beløbet er stadig udestående: betal det venligst nu.",
}

REASONS = {
    "generic": "Banken afviste betalingen uden at oplyse en årsag.",
    "insufficient_funds": "Banken oplyser, at der ikke var penge nok på kontoen.",
    "expired_card": "Kortet er udløbet.",
    "incorrect_cvc": "Kortets sikkerhedskode er ikke rigtig.",
    "incorrect_number": "Kortets nummer er ikke rigtigt.",
    "card_velocity_exceeded": "Kortet har nået sin grænse.",
    "processing_error": "Banken havde et teknisk problem.",
    "authentication_required": "Banken beder dig bekræfte betalingen.",
    "missing_payment_method": "Der er ikke gemt nogen betalingsmetode.",
    "lost_card": "Banken accepterer ikke længere dette kort.",
    "stolen_card": "Banken accepterer ikke længere dette kort.",
    "pickup_card": "Banken accepterer ikke længere dette kort.",
    "revocation_of_authorization": "Tilladelsen til at trække via denne betalingsmetode er tilbagekaldt.",
    "revocation_of_all_authorizations": "Tilladelsen til at trække via denne betalingsmetode er"
    " tilbagekaldt.",
    "transaction_not_allowed": "Kortet tillader ikke denne type betaling.",
    "payment_intent_authentication_failure": "Betalingen blev ikke bekræftet.",
    "setup_intent_authentication_failure": "Betalingen blev ikke bekræftet.",
    "payment_canceled": "Betalingen blev ikke bekræftet.",
    "currency_not_supported": "Kortet understøtter ikke denne valuta.",
}

DANISH = Language("da", TEXTS, LABELS, NOTES, REASONS)
