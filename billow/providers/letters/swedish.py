"""Say every mail in Swedish."""

from billow.providers.letters import Language, Texts

TEXTS = {
    "invoice.due": Texts(
        "Faktura {number} från {seller}: {amount}",
        "{amount} ska betalas senast {due}.",
        "Faktura {number}",
        ("{seller} har skickat en faktura på {amount} till dig.", "Betala den senast {due}."),
        "Visa och betala",
    ),
    "invoice.charged": Texts(
        "Faktura {number} från {seller}: {amount}",
        "Du behöver inte göra något: {amount} dras automatiskt.",
        "Faktura {number}",
        (
            "{seller} har fakturerat dig {amount}.",
            "Du behöver inte göra något: beloppet dras från din betalningsmetod.",
        ),
        "Visa fakturan",
    ),
    "invoice.paid": Texts(
        "Faktura {number} från {seller}: {amount}",
        "Betald. Du behöver inte göra något.",
        "Faktura {number} är betald",
        (
            "{seller} har fakturerat dig {amount}, och beloppet är betalt. Tack!",
            "Du behöver inte göra något.",
        ),
        "Visa fakturan",
    ),
    "zero_invoice.paid": Texts(
        "Faktura {number} från {seller}: {amount}",
        "Inget att betala.",
        "Faktura {number}",
        ("{seller} har fakturerat dig {amount}: det finns inget att betala.", "Du behöver inte göra något."),
        "Visa fakturan",
    ),
    "receipt.paid": Texts(
        "Ditt kvitto från {seller}: {amount}",
        "Tack! Du behöver inte göra något.",
        "Kvitto",
        ("Vi har tagit emot din betalning på {amount} den {date}. Tack!", "Du behöver inte göra något."),
        "Visa kvittot",
    ),
    "payment_failed.first": Texts(
        "Betalningen till {seller} misslyckades: {amount}",
        "Vi försöker igen den {next}. Du kan byta betalningsmetod nu.",
        "Betalningen gick inte igenom",
        (
            "Vi försökte dra {amount} för faktura {number}. {reason}",
            "Vi försöker igen den {next}. Uppdatera gärna din betalningsmetod, så drar vi beloppet direkt.",
        ),
        "Uppdatera betalningsmetod",
    ),
    "payment_failed.again": Texts(
        "Fortfarande obetalt: {amount} till {seller}",
        "Betalningen misslyckades igen. Vi försöker på nytt den {next}.",
        "Betalningen misslyckades igen",
        (
            "Vi försökte igen dra {amount} för faktura {number}, utan att lyckas. {reason}",
            "Nästa försök görs den {next}. Med en ny betalningsmetod är det klart direkt.",
        ),
        "Uppdatera betalningsmetod",
    ),
    "payment_failed.last_try": Texts(
        "Sista försöket {next}: {amount} till {seller}",
        "Efter den {next} försöker vi inte mer.",
        "Ett sista försök återstår",
        (
            "{amount} för faktura {number} är fortfarande obetalt. {reason}",
            "Vi försöker en sista gång den {next}. Uppdatera din betalningsmetod innan dess.",
        ),
        "Uppdatera betalningsmetod",
    ),
    "payment_failed.waiting": Texts(
        "Betalningsmetod behövs: {amount} till {seller}",
        "Vi kan inte längre dra pengar från din betalningsmetod.",
        "Vi behöver en annan betalningsmetod",
        (
            "Vi kunde inte dra {amount} för faktura {number}. {reason}",
            "Vi försöker inte igen med den betalningsmetoden. Lägg till en annan, så drar vi beloppet"
            " direkt.",
        ),
        "Lägg till betalningsmetod",
    ),
    "payment_failed.given_up": Texts(
        "Inte betalt: {amount} till {seller}",
        "Det sista försöket misslyckades.",
        "Det sista försöket misslyckades",
        ("{amount} för faktura {number} kunde inte dras, och vi försöker inte mer. {reason}",),
        "Betala nu",
    ),
    "payment_action_required.first": Texts(
        "Bekräfta betalningen till {seller}: {amount}",
        "Din bank ber dig bekräfta den.",
        "Din bank ber om din bekräftelse",
        (
            "Din bank vill att du bekräftar betalningen på {amount} för faktura {number}.",
            "Inget dras förrän du har gjort det. Det tar en minut.",
        ),
        "Bekräfta betalningen",
    ),
    "payment_action_required.again": Texts(
        "Påminnelse: bekräfta {amount} till {seller}",
        "Betalningen väntar fortfarande på din bekräftelse.",
        "Din bekräftelse saknas fortfarande",
        (
            "Betalningen på {amount} för faktura {number} väntar fortfarande: banken behöver din"
            " bekräftelse.",
            "Bekräfta den nu, eller betala på ett annat sätt.",
        ),
        "Bekräfta betalningen",
    ),
    "payment_recovered.paid": Texts(
        "Betalt, tack: {amount} till {seller}",
        "Allt är klart. Du behöver inte göra något.",
        "Betalningen gick igenom",
        (
            "{amount} för faktura {number} är betalt sedan den {date}. Tack!",
            "Allt är klart; du behöver inte göra något.",
        ),
        "Visa fakturan",
    ),
    "card_expiring.soon": Texts(
        "Ditt kort hos {seller} går snart ut",
        "{card} går ut i slutet av {month}.",
        "Ditt kort går snart ut",
        (
            "{card}, som betalar för det du köper hos {seller}, gäller till slutet av {month}.",
            "Lägg till ditt nya kort, så att nästa betalning går igenom.",
        ),
        "Uppdatera kortet",
    ),
    "invoice_overdue.first": Texts(
        "Förfallen: faktura {number} från {seller}, {amount}",
        "Den skulle ha betalats den {due}.",
        "Faktura {number} har förfallit",
        (
            "Vi har ännu inte fått {amount}, som skulle ha betalats den {due}.",
            "Bortse från det här mejlet om du har betalat de senaste dagarna. Annars: betala nu.",
        ),
        "Betala nu",
    ),
    "invoice_overdue.again": Texts(
        "Påminnelse: faktura {number} från {seller}, {amount}",
        "Förfallen sedan den {due}, och fortfarande obetald.",
        "Faktura {number} är fortfarande obetald",
        (
            "Faktura {number} förföll den {due}, och {amount} är fortfarande obetalt.",
            "Betala den nu, eller svara på det här mejlet om något inte stämmer.",
        ),
        "Betala nu",
    ),
    "refund.sent": Texts(
        "Återbetalning från {seller}: {amount}",
        "Pengarna är på väg till dig.",
        "Du får tillbaka {amount}",
        (
            "Vi återbetalade {amount} den {date}, till det sätt du betalade med.",
            "Du behöver inte göra något. Det tar fem till tio dagar innan banken visar det.",
        ),
        "Visa kvittot",
    ),
    "refund.transferred": Texts(
        "Återbetalning från {seller}: {amount}",
        "Pengarna är på väg till dig.",
        "Du får tillbaka {amount}",
        (
            "Vi skickade tillbaka {amount} till ditt bankkonto den {date}.",
            "Du behöver inte göra något. Det tar en eller två bankdagar innan banken visar det.",
        ),
    ),
    "refund.account": Texts(
        "{seller} har {amount} att betala tillbaka till dig",
        "Vi behöver veta ditt bankkonto.",
        "Vart får vi skicka {amount}?",
        (
            "Du förde över {amount} till oss som inte betalar något. Vi skickar tillbaka det, men vet"
            " inte till vilket konto.",
            "Svara på det här mejlet med kontohavarens namn och kontots nummer (IBAN).",
        ),
    ),
    "credit_note.lowered": Texts(
        "Kreditfaktura {credit_note} från {seller}: {amount}",
        "Din faktura {number} är {amount} lägre.",
        "Din faktura är {amount} lägre",
        (
            "Vi krediterade {amount} av faktura {number}. Kvar att betala är {left}.",
            "Kreditfakturan är bifogad.",
        ),
        "Visa kreditfakturan",
    ),
    "credit_note.closed": Texts(
        "Kreditfaktura {credit_note} från {seller}: {amount}",
        "Inget är kvar att betala av din faktura {number}.",
        "Inget är kvar att betala",
        (
            "Vi krediterade {amount} av faktura {number}. Du behöver inte betala något mer.",
            "Kreditfakturan är bifogad.",
        ),
        "Visa kreditfakturan",
    ),
    "credit_note.refunded": Texts(
        "Kreditfaktura {credit_note} från {seller}: {amount}",
        "Vi återbetalar {amount} av din faktura {number}.",
        "Du får tillbaka {amount}",
        (
            "Vi krediterade {amount} av faktura {number}, och återbetalar det till det sätt du betalade med.",
            "Du behöver inte göra något. Det tar fem till tio dagar innan banken visar det. Kreditfakturan är"
            " bifogad.",
        ),
        "Visa kreditfakturan",
    ),
    "credit_note.balance": Texts(
        "Kreditfaktura {credit_note} från {seller}: {amount}",
        "Du har {amount} till godo.",
        "Du har {amount} till godo",
        (
            "Vi krediterade {amount} av faktura {number}. Vi drar av det på din nästa faktura.",
            "Du behöver inte göra något. Kreditfakturan är bifogad.",
        ),
        "Visa kreditfakturan",
    ),
    "credit_note.issued": Texts(
        "Kreditfaktura {credit_note} från {seller}: {amount}",
        "Vi krediterade {amount} av din faktura {number}.",
        "Vi krediterade {amount}",
        (
            "Vi krediterade {amount} av faktura {number}.",
            "Kreditfakturan är bifogad. I den står hur du får beloppet.",
        ),
        "Visa kreditfakturan",
    ),
    "subscription_canceled.requested": Texts(
        "Ditt abonnemang hos {seller} är avslutat",
        "{plan} avslutades den {date}.",
        "Ditt abonnemang är avslutat",
        ("{plan} avslutades den {date}. Det kostar inget mer.", "Du behöver inte göra något."),
    ),
    "subscription_canceled.unpaid": Texts(
        "Ditt abonnemang hos {seller} sades upp",
        "{plan} avslutades den {date}, eftersom det inte betalades.",
        "Ditt abonnemang sades upp",
        (
            "{plan} avslutades den {date}, eftersom vi inte kunde dra pengar från din betalningsmetod.",
            "Det kostar inget mer. Kontakta {seller} om du vill fortsätta.",
        ),
    ),
    "debit_notice.planned": Texts(
        "Autogiro den {date}: {amount} till {seller}",
        "Du behöver inte göra något: {amount} dras den {date}.",
        "Autogiro den {date}",
        (
            "Den {date} drar vi {amount} för faktura {number} från ditt konto som slutar på {last4}.",
            "Det är ett SEPA-autogiro enligt ditt medgivande {mandate}; vår borgenärsidentitet är"
            " {creditor}.",
            "Du behöver bara se till att det finns pengar på kontot.",
        ),
        "Visa faktura",
    ),
    "trial_ending.charged": Texts(
        "Provperioden hos {seller} slutar den {date}",
        "Därefter börjar {plan} kosta.",
        "Din provperiod slutar den {date}",
        (
            "Din provperiod för {plan} slutar den {date}. Därefter dras beloppet från din betalningsmetod.",
            "Vill du fortsätta behöver du inte göra något.",
        ),
    ),
    "trial_ending.no_method": Texts(
        "Provperioden hos {seller} slutar den {date}",
        "Lägg till en betalningsmetod för att fortsätta.",
        "Din provperiod slutar den {date}",
        ("Din provperiod för {plan} slutar den {date}. Lägg till en betalningsmetod om du vill fortsätta.",),
        "Lägg till betalningsmetod",
    ),
    "statement.monthly": Texts(
        "Kontoutdrag från {seller}, {month}",
        "Vad som fakturerats och betalats, och vad som är obetalt.",
        "Kontoutdrag, {month}",
        (
            "Här är kontoutdraget från {seller} för {month}.",
            "Det visar vad som fakturerats och betalats, och vad som är obetalt med förfallodatum.",
        ),
    ),
    "portal_login.link": Texts(
        "Din länk till {seller}",
        "Den fungerar en gång, i 15 minuter.",
        "Öppna ditt konto",
        (
            "Någon, troligen du, har bett om en länk till ditt konto hos {seller}.",
            "Den fungerar en gång, inom 15 minuter. Var det inte du behöver du inte göra något: ingen annan "
            "har länken.",
        ),
        "Öppna mitt konto",
    ),
    "cost_alert.reached": Texts(
        "Dina kostnader har nått {limit}",
        "Du ville få veta det.",
        "Dina kostnader har nått {limit}",
        (
            "Kostnaderna för ditt konto hos {seller} i perioden till {date} har nått {limit}. "
            "Du ville få veta det.",
            "Hittills är de {amount}. Inget stoppas, och det kommer ett sådant mejl per period.",
        ),
    ),
    "dispute.opened": Texts(
        "Bestriden betalning på {amount}: svara senast {due}",
        "En kund bestrider en betalning.",
        "En betalning är bestriden",
        (
            "En kund bestrider betalningen {number} på {amount}. Bankens skäl: {reason_code}.",
            "Skicka underlag senast {due}; annars är pengarna förlorade.",
        ),
    ),
}

LABELS = {
    "amount": "Belopp",
    "number": "Faktura",
    "due": "Förfallodatum",
    "date": "Datum",
    "card": "{brand} som slutar på {last4}",
    "next": "Nästa försök",
    "method": "Betalningsmetod",
    "plan": "Abonnemang",
    "total": "Summa",
    "refunded": "Återbetalt",
    "credit_note": "Kreditfaktura",
    "month": "Gäller till",
    "hello": "Hej {name}!",
    "hello_nobody": "Hej!",
    "why": "Du får det här mejlet eftersom du är kund hos {seller}.",
    "why_seller": "Du får det här mejlet eftersom billow fakturerar åt {seller}.",
    "contact": "Frågor? Svara på det här mejlet eller skriv till {email}.",
}

NOTES = {
    "loss.cancel": "Om fakturan inte är betald senast {last} sägs {plan} upp.",
    "loss.unpaid": "Om fakturan inte är betald senast {last} pausas {plan}.",
    "loss.past_due": "Om fakturan inte är betald senast {last} hör vi av oss om {plan}.",
    "lost.cancel": "{plan} har därför sagts upp.",
    "lost.unpaid": "{plan} är därför pausat tills fakturan är betald.",
    "lost.past_due": "Beloppet är fortfarande obetalt: betala det nu.",
}

REASONS = {
    "generic": "Banken nekade betalningen utan att ange något skäl.",
    "insufficient_funds": "Enligt banken fanns det inte tillräckligt med pengar på kontot.",
    "expired_card": "Kortet har gått ut.",
    "incorrect_cvc": "Kortets säkerhetskod stämmer inte.",
    "incorrect_number": "Kortnumret stämmer inte.",
    "card_velocity_exceeded": "Kortet har nått sin gräns.",
    "processing_error": "Banken hade ett tekniskt problem.",
    "authentication_required": "Banken ber dig bekräfta betalningen.",
    "missing_payment_method": "Det finns ingen sparad betalningsmetod.",
    "lost_card": "Banken godtar inte längre det här kortet.",
    "stolen_card": "Banken godtar inte längre det här kortet.",
    "pickup_card": "Banken godtar inte längre det här kortet.",
    "revocation_of_authorization": "Tillståndet att dra pengar har återkallats.",
    "revocation_of_all_authorizations": "Tillståndet att dra pengar har återkallats.",
    "transaction_not_allowed": "Kortet tillåter inte den här typen av betalning.",
    "payment_intent_authentication_failure": "Betalningen bekräftades inte.",
    "setup_intent_authentication_failure": "Betalningen bekräftades inte.",
    "payment_canceled": "Betalningen bekräftades inte.",
    "currency_not_supported": "Kortet stöder inte valutan.",
}

SWEDISH = Language("sv", TEXTS, LABELS, NOTES, REASONS)
