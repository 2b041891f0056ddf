"""Say every mail in Dutch."""

from billow.providers.letters import Language, Texts

TEXTS = {
    "invoice.due": Texts(
        "Factuur {number} van {seller}: {amount}",
        "{amount} te betalen uiterlijk op {due}.",
        "Factuur {number}",
        ("{seller} heeft u een factuur van {amount} gestuurd.", "Wilt u deze uiterlijk op {due} betalen?"),
        "Bekijken en betalen",
    ),
    "invoice.charged": Texts(
        "Factuur {number} van {seller}: {amount}",
        "U hoeft niets te doen: {amount} wordt automatisch afgeschreven.",
        "Factuur {number}",
        (
            "{seller} heeft u {amount} in rekening gebracht.",
            "U hoeft niets te doen: het bedrag wordt via uw betaalmethode afgeschreven.",
        ),
        "Factuur bekijken",
    ),
    "invoice.paid": Texts(
        "Factuur {number} van {seller}: {amount}",
        "Betaald. U hoeft niets te doen.",
        "Factuur {number} is betaald",
        (
            "{seller} heeft u {amount} in rekening gebracht, en de factuur is betaald. Hartelijk dank.",
            "U hoeft niets te doen.",
        ),
        "Factuur bekijken",
    ),
    "zero_invoice.paid": Texts(
        "Factuur {number} van {seller}: {amount}",
        "Er is niets te betalen.",
        "Factuur {number}",
        ("{seller} heeft u {amount} in rekening gebracht: er is niets te betalen.", "U hoeft niets te doen."),
        "Factuur bekijken",
    ),
    "receipt.paid": Texts(
        "Uw betalingsbewijs van {seller}: {amount}",
        "Hartelijk dank. U hoeft niets te doen.",
        "Betalingsbewijs",
        (
            "Wij hebben uw betaling van {amount} op {date} ontvangen. Hartelijk dank.",
            "U hoeft niets te doen.",
        ),
        "Betalingsbewijs bekijken",
    ),
    "payment_failed.first": Texts(
        "Uw betaling aan {seller} is mislukt: {amount}",
        "Wij proberen het opnieuw op {next}. U kunt uw betaalmethode nu al bijwerken.",
        "Uw betaling is niet gelukt",
        (
            "Wij hebben geprobeerd {amount} voor factuur {number} af te schrijven. {reason}",
            "Wij proberen het opnieuw op {next}. Als u uw betaalmethode bijwerkt, schrijven wij meteen af.",
        ),
        "Betaalmethode bijwerken",
    ),
    "payment_failed.again": Texts(
        "Nog niet betaald: {amount} aan {seller}",
        "De betaling is opnieuw mislukt. Wij proberen het weer op {next}.",
        "De betaling is opnieuw mislukt",
        (
            "Wij hebben opnieuw geprobeerd {amount} voor factuur {number} af te schrijven, zonder succes."
            " {reason}",
            "De volgende poging is op {next}. Met een nieuwe betaalmethode is het meteen geregeld.",
        ),
        "Betaalmethode bijwerken",
    ),
    "payment_failed.last_try": Texts(
        "Laatste poging op {next}: {amount} aan {seller}",
        "Na {next} proberen wij het niet meer.",
        "Er is nog één poging",
        (
            "{amount} voor factuur {number} is nog niet betaald. {reason}",
            "Wij proberen het voor het laatst op {next}. Wilt u uw betaalmethode voor die tijd bijwerken?",
        ),
        "Betaalmethode bijwerken",
    ),
    "payment_failed.waiting": Texts(
        "Uw betaalmethode is nodig: {amount} aan {seller}",
        "Wij kunnen niet meer via uw betaalmethode afschrijven.",
        "Wij hebben een andere betaalmethode nodig",
        (
            "Wij konden {amount} voor factuur {number} niet afschrijven. {reason}",
            "Wij proberen deze betaalmethode niet meer. Voeg een andere toe: dan schrijven wij meteen af.",
        ),
        "Betaalmethode toevoegen",
    ),
    "payment_failed.given_up": Texts(
        "Niet betaald: {amount} aan {seller}",
        "De laatste poging is mislukt.",
        "De laatste poging is mislukt",
        (
            "{amount} voor factuur {number} kon niet worden afgeschreven; wij proberen het niet"
            " meer. {reason}",
        ),
        "Nu betalen",
    ),
    "payment_action_required.first": Texts(
        "Bevestig uw betaling aan {seller}: {amount}",
        "Uw bank vraagt u om een bevestiging.",
        "Uw bank vraagt om uw bevestiging",
        (
            "Uw bank wil dat u de betaling van {amount} voor factuur {number} bevestigt.",
            "Tot die tijd wordt er niets afgeschreven. Het duurt een minuut.",
        ),
        "Betaling bevestigen",
    ),
    "payment_action_required.again": Texts(
        "Herinnering: bevestig uw betaling aan {seller}: {amount}",
        "De betaling wacht nog op uw bevestiging.",
        "Uw bevestiging ontbreekt nog",
        (
            "De betaling van {amount} voor factuur {number} wacht nog: uw bank heeft uw bevestiging nodig.",
            "Bevestig de betaling nu, of betaal op een andere manier.",
        ),
        "Betaling bevestigen",
    ),
    "payment_recovered.paid": Texts(
        "Betaald, hartelijk dank: {amount} aan {seller}",
        "Alles is in orde. U hoeft niets te doen.",
        "Uw betaling is gelukt",
        (
            "{amount} voor factuur {number} is sinds {date} betaald. Hartelijk dank.",
            "Alles is in orde; u hoeft niets te doen.",
        ),
        "Factuur bekijken",
    ),
    "card_expiring.soon": Texts(
        "Uw kaart bij {seller} verloopt binnenkort",
        "{card} verloopt eind {month}.",
        "Uw kaart verloopt binnenkort",
        (
            "{card}, waarmee u uw aankopen bij {seller} betaalt, is geldig tot eind {month}.",
            "Voeg uw nieuwe kaart toe, zodat uw volgende betaling lukt.",
        ),
        "Kaart bijwerken",
    ),
    "invoice_overdue.first": Texts(
        "Te laat: factuur {number} van {seller}, {amount}",
        "De factuur verviel op {due}.",
        "De betaaltermijn van factuur {number} is verstreken",
        (
            "Wij hebben {amount}, te betalen uiterlijk op {due}, nog niet ontvangen.",
            "Hebt u de afgelopen dagen betaald, dan kunt u deze mail negeren. Zo niet, wilt u dan nu"
            " betalen?",
        ),
        "Nu betalen",
    ),
    "invoice_overdue.again": Texts(
        "Herinnering: factuur {number} van {seller}, {amount}",
        "Vervallen op {due}, en nog niet betaald.",
        "Factuur {number} is nog niet betaald",
        (
            "Factuur {number} is op {due} vervallen, en er staat nog {amount} open.",
            "Wilt u nu betalen, of op deze mail antwoorden als er iets niet klopt?",
        ),
        "Nu betalen",
    ),
    "refund.sent": Texts(
        "Terugbetaling van {seller}: {amount}",
        "Het geld is onderweg.",
        "U krijgt {amount} terug",
        (
            "Wij hebben op {date} {amount} terugbetaald via de betaalmethode waarmee u betaald hebt.",
            "U hoeft niets te doen. Het duurt vijf tot tien dagen tot uw bank het bedrag toont.",
        ),
        "Betalingsbewijs bekijken",
    ),
    "refund.transferred": Texts(
        "Terugbetaling van {seller}: {amount}",
        "Het geld is onderweg.",
        "U krijgt {amount} terug",
        (
            "Op {date} hebben we {amount} naar uw bankrekening overgemaakt.",
            "U hoeft niets te doen. Het duurt een of twee werkdagen voordat de bank het toont.",
        ),
    ),
    "refund.account": Texts(
        "{seller} heeft {amount} aan u terug te betalen",
        "We hebben uw bankrekening nodig.",
        "Naar welke rekening mogen we {amount} overmaken?",
        (
            "U hebt ons {amount} overgemaakt waarvoor niets te betalen is. We betalen het terug, maar kennen"
            " uw rekening niet.",
            "Beantwoord deze e-mail met de naam van de rekeninghouder en het IBAN.",
        ),
    ),
    "credit_note.lowered": Texts(
        "Creditfactuur {credit_note} van {seller}: {amount}",
        "Uw factuur {number} is {amount} lager.",
        "Uw factuur is {amount} lager",
        (
            "Wij hebben {amount} van factuur {number} gecrediteerd. Er blijft {left} te betalen.",
            "De creditfactuur is bijgevoegd.",
        ),
        "Creditfactuur bekijken",
    ),
    "credit_note.closed": Texts(
        "Creditfactuur {credit_note} van {seller}: {amount}",
        "Van uw factuur {number} is niets meer te betalen.",
        "Er is niets meer te betalen",
        (
            "Wij hebben {amount} van factuur {number} gecrediteerd. U hoeft niets meer te betalen.",
            "De creditfactuur is bijgevoegd.",
        ),
        "Creditfactuur bekijken",
    ),
    "credit_note.refunded": Texts(
        "Creditfactuur {credit_note} van {seller}: {amount}",
        "Wij betalen {amount} van uw factuur {number} terug.",
        "U krijgt {amount} terug",
        (
            "Wij hebben {amount} van factuur {number} gecrediteerd en betalen dit terug via de betaalmethode"
            " waarmee u betaald hebt.",
            "U hoeft niets te doen. Het duurt vijf tot tien dagen tot uw bank het bedrag toont. De"
            " creditfactuur is bijgevoegd.",
        ),
        "Creditfactuur bekijken",
    ),
    "credit_note.balance": Texts(
        "Creditfactuur {credit_note} van {seller}: {amount}",
        "U hebt een tegoed van {amount}.",
        "U hebt een tegoed van {amount}",
        (
            "Wij hebben {amount} van factuur {number} gecrediteerd en trekken dit van uw volgende"
            " factuur af.",
            "U hoeft niets te doen. De creditfactuur is bijgevoegd.",
        ),
        "Creditfactuur bekijken",
    ),
    "credit_note.issued": Texts(
        "Creditfactuur {credit_note} van {seller}: {amount}",
        "Wij hebben {amount} van uw factuur {number} gecrediteerd.",
        "Wij hebben {amount} gecrediteerd",
        (
            "Wij hebben {amount} van factuur {number} gecrediteerd.",
            "De creditfactuur is bijgevoegd. Daarin staat hoe u het bedrag krijgt.",
        ),
        "Creditfactuur bekijken",
    ),
    "subscription_canceled.requested": Texts(
        "Uw abonnement bij {seller} is beëindigd",
        "{plan} eindigde op {date}.",
        "Uw abonnement is beëindigd",
        ("{plan} eindigde op {date}. Er wordt niets meer afgeschreven.", "U hoeft niets te doen."),
    ),
    "subscription_canceled.unpaid": Texts(
        "Uw abonnement bij {seller} is stopgezet",
        "{plan} eindigde op {date}, omdat er niet betaald is.",
        "Uw abonnement is stopgezet",
        (
            "{plan} eindigde op {date}, omdat wij niet via uw betaalmethode konden afschrijven.",
            "Er wordt niets meer afgeschreven. Neem contact op met {seller} als u verder wilt.",
        ),
    ),
    "debit_notice.planned": Texts(
        "Incasso op {date}: {amount} aan {seller}",
        "U hoeft niets te doen: {amount} wordt op {date} afgeschreven.",
        "Incasso op {date}",
        (
            "Op {date} incasseren wij {amount} voor factuur {number} van uw rekening eindigend op {last4}.",
            "Het is een SEPA-incasso op grond van uw machtiging {mandate}; ons incassant-ID is {creditor}.",
            "Zorg alleen dat er genoeg saldo op de rekening staat.",
        ),
        "Factuur bekijken",
    ),
    "trial_ending.charged": Texts(
        "Uw proefperiode bij {seller} eindigt op {date}",
        "Daarna wordt {plan} in rekening gebracht.",
        "Uw proefperiode eindigt op {date}",
        (
            "Uw proefperiode van {plan} eindigt op {date}. Daarna wordt via uw betaalmethode afgeschreven.",
            "Als u verder wilt, hoeft u niets te doen.",
        ),
    ),
    "trial_ending.no_method": Texts(
        "Uw proefperiode bij {seller} eindigt op {date}",
        "Voeg een betaalmethode toe om verder te gaan.",
        "Uw proefperiode eindigt op {date}",
        (
            "Uw proefperiode van {plan} eindigt op {date}. Voeg een betaalmethode toe om daarna"
            " verder te gaan.",
        ),
        "Betaalmethode toevoegen",
    ),
    "statement.monthly": Texts(
        "Uw rekeningoverzicht van {seller}, {month}",
        "Wat er gefactureerd en betaald is, en wat er openstaat.",
        "Rekeningoverzicht, {month}",
        (
            "Bijgevoegd vindt u het rekeningoverzicht van {seller} voor {month}.",
            "Het toont wat er gefactureerd en betaald is, en wat er openstaat met de vervaldatum.",
        ),
    ),
    "portal_login.link": Texts(
        "Uw link naar {seller}",
        "De link werkt één keer, 15 minuten lang.",
        "Open uw account",
        (
            "Iemand, waarschijnlijk u, heeft om een link naar uw account bij {seller} gevraagd.",
            "De link werkt één keer, 15 minuten lang. Was u het niet, doe dan niets: niemand anders heeft"
            " deze link.",
        ),
        "Mijn account openen",
    ),
    "cost_alert.reached": Texts(
        "Uw kosten hebben {limit} bereikt",
        "U hebt gevraagd om een bericht.",
        "Uw kosten hebben {limit} bereikt",
        (
            "De kosten van uw account bij {seller} in de periode tot {date} hebben {limit} bereikt. "
            "U hebt gevraagd om een bericht.",
            "Tot nu toe is het {amount}. Er wordt niets gestopt, en er is één zo’n mail per periode.",
        ),
    ),
    "dispute.opened": Texts(
        "Betwisting van {amount}: reageer voor {due}",
        "Een klant betwist een betaling.",
        "Een betaling wordt betwist",
        (
            "Een klant betwist betaling {number} van {amount}. De reden van de bank: {reason_code}.",
            "Stuur uw bewijs voor {due}; zonder bewijs is het geld verloren.",
        ),
    ),
}

LABELS = {
    "amount": "Bedrag",
    "number": "Factuur",
    "due": "Vervaldatum",
    "date": "Datum",
    "card": "{brand} eindigend op {last4}",
    "next": "Volgende poging",
    "method": "Betaalmethode",
    "plan": "Abonnement",
    "total": "Totaal",
    "refunded": "Terugbetaald",
    "credit_note": "Creditfactuur",
    "month": "Geldig tot",
    "hello": "Beste {name},",
    "hello_nobody": "Goedendag,",
    "why": "U ontvangt deze mail omdat u klant bent van {seller}.",
    "why_seller": "U ontvangt deze mail omdat billow factureert voor {seller}.",
    "contact": "Vragen? Antwoord op deze mail of schrijf naar {email}.",
}

NOTES = {
    "loss.cancel": "Als de factuur niet uiterlijk op {last} betaald is, wordt {plan} beëindigd.",
    "loss.unpaid": "Als de factuur niet uiterlijk op {last} betaald is, wordt {plan} opgeschort.",
    "loss.past_due": "Als de factuur niet uiterlijk op {last} betaald is, nemen wij contact op over {plan}.",
    "lost.cancel": "{plan} is daarom beëindigd.",
    "lost.unpaid": "{plan} is daarom opgeschort tot de factuur betaald is.",
    "lost.past_due": "Het bedrag blijft openstaan: wilt u het nu betalen?",
}

REASONS = {
    "generic": "De bank heeft de betaling zonder opgave van reden geweigerd.",
    "insufficient_funds": "Volgens de bank stond er niet genoeg geld op de rekening.",
    "expired_card": "De kaart is verlopen.",
    "incorrect_cvc": "De beveiligingscode van de kaart klopt niet.",
    "incorrect_number": "Het nummer van de kaart klopt niet.",
    "card_velocity_exceeded": "De kaart heeft haar limiet bereikt.",
    "processing_error": "De bank had een technisch probleem.",
    "authentication_required": "De bank vraagt u de betaling te bevestigen.",
    "missing_payment_method": "Er is geen betaalmethode opgeslagen.",
    "lost_card": "De bank accepteert deze kaart niet meer.",
    "stolen_card": "De bank accepteert deze kaart niet meer.",
    "pickup_card": "De bank accepteert deze kaart niet meer.",
    "revocation_of_authorization": "De machtiging voor deze betaalmethode is ingetrokken.",
    "revocation_of_all_authorizations": "De machtiging voor deze betaalmethode is ingetrokken.",
    "transaction_not_allowed": "De kaart staat dit soort betalingen niet toe.",
    "payment_intent_authentication_failure": "De betaling is niet bevestigd.",
    "setup_intent_authentication_failure": "De betaling is niet bevestigd.",
    "payment_canceled": "De betaling is niet bevestigd.",
    "currency_not_supported": "De kaart ondersteunt deze valuta niet.",
}

DUTCH = Language("nl", TEXTS, LABELS, NOTES, REASONS)
