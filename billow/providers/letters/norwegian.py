"""Say every mail in Norwegian (bokmål)."""

from billow.providers.letters import Language, Texts

TEXTS = {
    "invoice.due": Texts(
        "Faktura {number} fra {seller}: {amount}",
        "{amount} skal betales senest {due}.",
        "Faktura {number}",
        ("{seller} har sendt deg en faktura på {amount}.", "Vennligst betal den senest {due}."),
        "Se og betal",
    ),
    "invoice.charged": Texts(
        "Faktura {number} fra {seller}: {amount}",
        "Du trenger ikke å gjøre noe: {amount} trekkes automatisk.",
        "Faktura {number}",
        (
            "{seller} har fakturert deg {amount}.",
            "Du trenger ikke å gjøre noe: beløpet trekkes fra betalingsmåten din.",
        ),
        "Se faktura",
    ),
    "invoice.paid": Texts(
        "Faktura {number} fra {seller}: {amount}",
        "Betalt. Du trenger ikke å gjøre noe.",
        "Faktura {number} er betalt",
        (
            "{seller} har fakturert deg {amount}, og fakturaen er betalt. Takk.",
            "Du trenger ikke å gjøre noe.",
        ),
        "Se faktura",
    ),
    "zero_invoice.paid": Texts(
        "Faktura {number} fra {seller}: {amount}",
        "Det er ingenting å betale.",
        "Faktura {number}",
        ("{seller} har fakturert deg {amount}: det er ingenting å betale.", "Du trenger ikke å gjøre noe."),
        "Se faktura",
    ),
    "receipt.paid": Texts(
        "Kvittering fra {seller}: {amount}",
        "Takk. Du trenger ikke å gjøre noe.",
        "Kvittering",
        ("Vi har mottatt betalingen din på {amount} {date}. Takk.", "Du trenger ikke å gjøre noe."),
        "Se kvittering",
    ),
    "payment_failed.first": Texts(
        "Betalingen til {seller} mislyktes: {amount}",
        "Vi prøver igjen {next}. Du kan oppdatere betalingsmåten nå.",
        "Betalingen gikk ikke gjennom",
        (
            "Vi har forsøkt å trekke {amount} for faktura {number}. {reason}",
            "Vi prøver igjen {next}. Hvis du oppdaterer betalingsmåten, trekker vi beløpet med en gang.",
        ),
        "Oppdater betalingsmåte",
    ),
    "payment_failed.again": Texts(
        "Fortsatt ubetalt: {amount} til {seller}",
        "Betalingen mislyktes igjen. Vi prøver på nytt {next}.",
        "Betalingen mislyktes igjen",
        (
            "Vi har igjen forsøkt å trekke {amount} for faktura {number}, uten hell. {reason}",
            "Neste forsøk er {next}. Med en ny betalingsmåte er det ordnet med en gang.",
        ),
        "Oppdater betalingsmåte",
    ),
    "payment_failed.last_try": Texts(
        "Siste forsøk {next}: {amount} til {seller}",
        "Etter {next} prøver vi ikke mer.",
        "Det er ett forsøk igjen",
        (
            "{amount} for faktura {number} er fortsatt ubetalt. {reason}",
            "Vi prøver for siste gang {next}. Vennligst oppdater betalingsmåten før det.",
        ),
        "Oppdater betalingsmåte",
    ),
    "payment_failed.waiting": Texts(
        "Vi trenger en betalingsmåte: {amount} til {seller}",
        "Vi kan ikke lenger trekke fra betalingsmåten din.",
        "Vi trenger en annen betalingsmåte",
        (
            "Vi kunne ikke trekke {amount} for faktura {number}. {reason}",
            "Vi prøver ikke denne betalingsmåten igjen. Legg til en annen: da trekker vi med en gang.",
        ),
        "Legg til betalingsmåte",
    ),
    "payment_failed.given_up": Texts(
        "Ikke betalt: {amount} til {seller}",
        "Det siste forsøket mislyktes.",
        "Det siste forsøket mislyktes",
        ("{amount} for faktura {number} kunne ikke trekkes, og vi prøver ikke mer. {reason}",),
        "Betal nå",
    ),
    "payment_action_required.first": Texts(
        "Bekreft betalingen til {seller}: {amount}",
        "Banken ber deg bekrefte den.",
        "Banken ber om bekreftelse",
        (
            "Banken vil at du bekrefter betalingen på {amount} for faktura {number}.",
            "Ingenting trekkes før det. Det tar et minutt.",
        ),
        "Bekreft betaling",
    ),
    "payment_action_required.again": Texts(
        "Påminnelse: bekreft betalingen til {seller}: {amount}",
        "Betalingen venter fortsatt på bekreftelsen din.",
        "Bekreftelsen mangler fortsatt",
        (
            "Betalingen på {amount} for faktura {number} venter fortsatt: banken trenger bekreftelsen din.",
            "Vennligst bekreft den nå, eller betal på en annen måte.",
        ),
        "Bekreft betaling",
    ),
    "payment_recovered.paid": Texts(
        "Betalt, takk: {amount} til {seller}",
        "Alt er i orden. Du trenger ikke å gjøre noe.",
        "Betalingen gikk gjennom",
        (
            "{amount} for faktura {number} ble betalt {date}. Takk.",
            "Alt er i orden; du trenger ikke å gjøre noe.",
        ),
        "Se faktura",
    ),
    "card_expiring.soon": Texts(
        "Kortet ditt hos {seller} utløper snart",
        "{card} utløper i slutten av {month}.",
        "Kortet ditt utløper snart",
        (
            "{card}, som betaler kjøpene dine hos {seller}, er gyldig ut {month}.",
            "Legg til det nye kortet ditt, slik at neste betaling går gjennom.",
        ),
        "Oppdater kort",
    ),
    "invoice_overdue.first": Texts(
        "Forfalt: faktura {number} fra {seller}, {amount}",
        "Den forfalt {due}.",
        "Faktura {number} er forfalt",
        (
            "Vi har ennå ikke mottatt {amount}, som forfalt {due}.",
            "Hvis du har betalt de siste dagene, kan du se bort fra denne e-posten. Ellers ber vi deg"
            " betale nå.",
        ),
        "Betal nå",
    ),
    "invoice_overdue.again": Texts(
        "Purring: faktura {number} fra {seller}, {amount}",
        "Forfalt {due}, og fortsatt ubetalt.",
        "Faktura {number} er fortsatt ubetalt",
        (
            "Faktura {number} forfalt {due}, og {amount} er fortsatt utestående.",
            "Vennligst betal den nå, eller svar på denne e-posten hvis noe er feil.",
        ),
        "Betal nå",
    ),
    "refund.sent": Texts(
        "Refusjon fra {seller}: {amount}",
        "Pengene er på vei til deg.",
        "Du får {amount} tilbake",
        (
            "Vi refunderte {amount} {date} til betalingsmåten du betalte med.",
            "Du trenger ikke å gjøre noe. Det tar fem til ti dager før banken viser beløpet.",
        ),
        "Se kvittering",
    ),
    "refund.transferred": Texts(
        "Refusjon fra {seller}: {amount}",
        "Pengene er på vei til deg.",
        "Du får {amount} tilbake",
        (
            "{date} overførte vi {amount} til bankkontoen din.",
            "Du trenger ikke å gjøre noe. Det tar en til to bankdager før banken viser det.",
        ),
    ),
    "refund.account": Texts(
        "{seller} har {amount} å betale tilbake til deg",
        "Vi trenger bankkontoen din.",
        "Hvor kan vi sende {amount}?",
        (
            "Du har overført {amount} til oss som ikke betaler noe. Vi sender pengene tilbake, men kjenner"
            " ikke kontoen din.",
            "Svar på denne e-posten med kontohaverens navn og IBAN.",
        ),
    ),
    "credit_note.lowered": Texts(
        "Kreditnota {credit_note} fra {seller}: {amount}",
        "Faktura {number} er {amount} lavere.",
        "Fakturaen din er {amount} lavere",
        (
            "Vi har kreditert {amount} av faktura {number}. {left} gjenstår å betale.",
            "Kreditnotaen er vedlagt.",
        ),
        "Se kreditnota",
    ),
    "credit_note.closed": Texts(
        "Kreditnota {credit_note} fra {seller}: {amount}",
        "Det gjenstår ingenting å betale på faktura {number}.",
        "Det gjenstår ingenting å betale",
        (
            "Vi har kreditert {amount} av faktura {number}. Du trenger ikke å betale mer.",
            "Kreditnotaen er vedlagt.",
        ),
        "Se kreditnota",
    ),
    "credit_note.refunded": Texts(
        "Kreditnota {credit_note} fra {seller}: {amount}",
        "Vi refunderer {amount} av faktura {number}.",
        "Du får {amount} tilbake",
        (
            "Vi har kreditert {amount} av faktura {number} og refunderer beløpet til betalingsmåten"
            " du brukte.",
            "Du trenger ikke å gjøre noe. Det tar fem til ti dager før banken viser beløpet. Kreditnotaen er"
            " vedlagt.",
        ),
        "Se kreditnota",
    ),
    "credit_note.balance": Texts(
        "Kreditnota {credit_note} fra {seller}: {amount}",
        "Du har {amount} til gode.",
        "Du har {amount} til gode",
        (
            "Vi har kreditert {amount} av faktura {number}. Vi trekker det fra neste faktura.",
            "Du trenger ikke å gjøre noe. Kreditnotaen er vedlagt.",
        ),
        "Se kreditnota",
    ),
    "credit_note.issued": Texts(
        "Kreditnota {credit_note} fra {seller}: {amount}",
        "Vi har kreditert {amount} av faktura {number}.",
        "Vi har kreditert {amount}",
        (
            "Vi har kreditert {amount} av faktura {number}.",
            "Kreditnotaen er vedlagt. Den viser hvordan du får beløpet.",
        ),
        "Se kreditnota",
    ),
    "subscription_canceled.requested": Texts(
        "Abonnementet ditt hos {seller} er avsluttet",
        "{plan} ble avsluttet {date}.",
        "Abonnementet ditt er avsluttet",
        ("{plan} ble avsluttet {date}. Det trekkes ikke mer.", "Du trenger ikke å gjøre noe."),
    ),
    "subscription_canceled.unpaid": Texts(
        "Abonnementet ditt hos {seller} er sagt opp",
        "{plan} ble avsluttet {date} fordi det ikke ble betalt.",
        "Abonnementet ditt er sagt opp",
        (
            "{plan} ble avsluttet {date} fordi vi ikke kunne trekke fra betalingsmåten din.",
            "Det trekkes ikke mer. Ta kontakt med {seller} hvis du vil fortsette.",
        ),
    ),
    "debit_notice.planned": Texts(
        "Direkte debitering {date}: {amount} til {seller}",
        "Du trenger ikke å gjøre noe: {amount} trekkes {date}.",
        "Direkte debitering {date}",
        (
            "{date} trekker vi {amount} for faktura {number} fra kontoen din som slutter på {last4}.",
            "Det er en SEPA Direct Debit etter mandatet ditt {mandate}; vår kreditoridentifikator er"
            " {creditor}.",
            "Du trenger bare å ha nok penger på kontoen.",
        ),
        "Se faktura",
    ),
    "trial_ending.charged": Texts(
        "Prøveperioden din hos {seller} slutter {date}",
        "Deretter belastes {plan}.",
        "Prøveperioden din slutter {date}",
        (
            "Prøveperioden din på {plan} slutter {date}. Deretter trekker vi fra betalingsmåten din.",
            "Hvis du vil fortsette, trenger du ikke å gjøre noe.",
        ),
    ),
    "trial_ending.no_method": Texts(
        "Prøveperioden din hos {seller} slutter {date}",
        "Legg til en betalingsmåte for å fortsette.",
        "Prøveperioden din slutter {date}",
        ("Prøveperioden din på {plan} slutter {date}. Legg til en betalingsmåte for å fortsette etter det.",),
        "Legg til betalingsmåte",
    ),
    "statement.monthly": Texts(
        "Kontoutskrift fra {seller}, {month}",
        "Hva som er fakturert og betalt, og hva som er utestående.",
        "Kontoutskrift, {month}",
        (
            "Vedlagt er kontoutskriften for kontoen din hos {seller} for {month}.",
            "Den viser hva som er fakturert og betalt, og hva som er utestående med forfallsdato.",
        ),
    ),
    "portal_login.link": Texts(
        "Lenken din til {seller}",
        "Den virker én gang, i 15 minutter.",
        "Åpne kontoen din",
        (
            "Noen, sannsynligvis du, har bedt om en lenke til kontoen din hos {seller}.",
            "Den virker én gang, i 15 minutter. Hvis det ikke var deg, trenger du ikke å gjøre noe: ingen"
            " andre har denne lenken.",
        ),
        "Åpne kontoen min",
    ),
    "cost_alert.reached": Texts(
        "Kostnadene dine har nådd {limit}",
        "Du har bedt om å få beskjed.",
        "Kostnadene dine har nådd {limit}",
        (
            "Kostnadene på kontoen din hos {seller} i perioden til {date} har nådd {limit}. "
            "Du har bedt om å få beskjed.",
            "Så langt er det {amount}. Ingenting stoppes, og det er én slik e-post per periode.",
        ),
    ),
    "dispute.opened": Texts(
        "Innsigelse på {amount}: svar innen {due}",
        "En kunde bestrider en betaling.",
        "En betaling er bestridt",
        (
            "En kunde bestrider betalingen {number} på {amount}. Bankens begrunnelse: {reason_code}.",
            "Send dokumentasjonen din innen {due}; uten den er pengene tapt.",
        ),
    ),
}

LABELS = {
    "amount": "Beløp",
    "number": "Faktura",
    "due": "Forfallsdato",
    "date": "Dato",
    "card": "{brand} som slutter på {last4}",
    "next": "Neste forsøk",
    "method": "Betalingsmåte",
    "plan": "Abonnement",
    "total": "Totalt",
    "refunded": "Refundert",
    "credit_note": "Kreditnota",
    "month": "Gyldig ut",
    "hello": "Hei, {name}!",
    "hello_nobody": "Hei!",
    "why": "Du får denne e-posten fordi du er kunde hos {seller}.",
    "why_seller": "Du får denne e-posten fordi billow fakturerer for {seller}.",
    "contact": "Spørsmål? Svar på denne e-posten, eller skriv til {email}.",
}

NOTES = {
    "loss.cancel": "Hvis fakturaen ikke er betalt innen {last}, blir {plan} sagt opp.",
    "loss.unpaid": "Hvis fakturaen ikke er betalt innen {last}, blir {plan} satt på pause.",
    "loss.past_due": "Hvis fakturaen ikke er betalt innen {last}, kontakter vi deg om {plan}.",
    "lost.cancel": "{plan} er derfor sagt opp.",
    "lost.unpaid": "{plan} er derfor satt på pause til fakturaen er betalt.",
    "lost.past_due": "Beløpet er fortsatt utestående: vennligst betal det nå.",
}

REASONS = {
    "generic": "Banken avviste betalingen uten å oppgi noen grunn.",
    "insufficient_funds": "Banken opplyser at det ikke var nok penger på kontoen.",
    "expired_card": "Kortet er utløpt.",
    "incorrect_cvc": "Sikkerhetskoden på kortet er feil.",
    "incorrect_number": "Kortnummeret er feil.",
    "card_velocity_exceeded": "Kortet har nådd grensen sin.",
    "processing_error": "Banken hadde et teknisk problem.",
    "authentication_required": "Banken ber deg bekrefte betalingen.",
    "missing_payment_method": "Det er ikke lagret noen betalingsmåte.",
    "lost_card": "Banken godtar ikke dette kortet lenger.",
    "stolen_card": "Banken godtar ikke dette kortet lenger.",
    "pickup_card": "Banken godtar ikke dette kortet lenger.",
    "revocation_of_authorization": "Tillatelsen til å trekke fra denne betalingsmåten er trukket tilbake.",
    "revocation_of_all_authorizations": "Tillatelsen til å trekke fra denne betalingsmåten er"
    " trukket tilbake.",
    "transaction_not_allowed": "Kortet tillater ikke denne typen betaling.",
    "payment_intent_authentication_failure": "Betalingen ble ikke bekreftet.",
    "setup_intent_authentication_failure": "Betalingen ble ikke bekreftet.",
    "payment_canceled": "Betalingen ble ikke bekreftet.",
    "currency_not_supported": "Kortet støtter ikke denne valutaen.",
}

NORWEGIAN = Language("nb", TEXTS, LABELS, NOTES, REASONS)
