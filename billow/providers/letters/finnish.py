"""Say every mail in Finnish."""

from billow.providers.letters import Language, Texts

TEXTS = {
    "invoice.due": Texts(
        "Lasku {number}, {seller}: {amount}",
        "{amount}, eräpäivä {due}.",
        "Lasku {number}",
        ("{seller} on lähettänyt teille laskun: {amount}.", "Maksakaa lasku viimeistään {due}."),
        "Avaa ja maksa",
    ),
    "invoice.charged": Texts(
        "Lasku {number}, {seller}: {amount}",
        "Teidän ei tarvitse tehdä mitään: {amount} veloitetaan automaattisesti.",
        "Lasku {number}",
        (
            "{seller} on laskuttanut teiltä {amount}.",
            "Teidän ei tarvitse tehdä mitään: summa veloitetaan maksutavaltanne.",
        ),
        "Avaa lasku",
    ),
    "invoice.paid": Texts(
        "Lasku {number}, {seller}: {amount}",
        "Maksettu. Teidän ei tarvitse tehdä mitään.",
        "Lasku {number} on maksettu",
        (
            "{seller} on laskuttanut teiltä {amount}, ja lasku on maksettu. Kiitos.",
            "Teidän ei tarvitse tehdä mitään.",
        ),
        "Avaa lasku",
    ),
    "zero_invoice.paid": Texts(
        "Lasku {number}, {seller}: {amount}",
        "Ei maksettavaa.",
        "Lasku {number}",
        ("{seller} on laskuttanut teiltä {amount}: maksettavaa ei ole.", "Teidän ei tarvitse tehdä mitään."),
        "Avaa lasku",
    ),
    "receipt.paid": Texts(
        "Kuitti, {seller}: {amount}",
        "Kiitos. Teidän ei tarvitse tehdä mitään.",
        "Kuitti",
        ("Olemme vastaanottaneet maksunne {amount}, {date}. Kiitos.", "Teidän ei tarvitse tehdä mitään."),
        "Avaa kuitti",
    ),
    "payment_failed.first": Texts(
        "Maksunne epäonnistui, {seller}: {amount}",
        "Yritämme uudelleen {next}. Voitte päivittää maksutavan jo nyt.",
        "Maksunne ei onnistunut",
        (
            "Yritimme veloittaa {amount} laskusta {number}. {reason}",
            "Yritämme uudelleen {next}. Jos päivitätte maksutavan, veloitamme summan heti.",
        ),
        "Päivitä maksutapa",
    ),
    "payment_failed.again": Texts(
        "Yhä maksamatta: {amount}, {seller}",
        "Maksu epäonnistui taas. Yritämme uudelleen {next}.",
        "Maksu epäonnistui taas",
        (
            "Yritimme uudelleen veloittaa {amount} laskusta {number}, mutta se ei onnistunut. {reason}",
            "Seuraava yritys on {next}. Uudella maksutavalla asia hoituu heti.",
        ),
        "Päivitä maksutapa",
    ),
    "payment_failed.last_try": Texts(
        "Viimeinen yritys {next}: {amount}, {seller}",
        "Emme yritä enää tämän jälkeen: {next}.",
        "Yksi yritys on jäljellä",
        (
            "{amount} laskusta {number} on yhä maksamatta. {reason}",
            "Yritämme viimeisen kerran {next}. Päivittäkää maksutapa sitä ennen.",
        ),
        "Päivitä maksutapa",
    ),
    "payment_failed.waiting": Texts(
        "Tarvitsemme maksutavan: {amount}, {seller}",
        "Emme voi enää veloittaa maksutavaltanne.",
        "Tarvitsemme toisen maksutavan",
        (
            "Emme voineet veloittaa {amount} laskusta {number}. {reason}",
            "Emme yritä tätä maksutapaa uudelleen. Lisätkää toinen, niin veloitamme summan heti.",
        ),
        "Lisää maksutapa",
    ),
    "payment_failed.given_up": Texts(
        "Maksamatta: {amount}, {seller}",
        "Viimeinen yritys epäonnistui.",
        "Viimeinen yritys epäonnistui",
        ("{amount} laskusta {number} ei voitu veloittaa, emmekä yritä enää. {reason}",),
        "Maksa nyt",
    ),
    "payment_action_required.first": Texts(
        "Vahvistakaa maksunne, {seller}: {amount}",
        "Pankkinne pyytää teitä vahvistamaan sen.",
        "Pankkinne pyytää vahvistusta",
        (
            "Pankkinne haluaa, että vahvistatte maksun {amount} laskusta {number}.",
            "Mitään ei veloiteta ennen sitä. Se vie minuutin.",
        ),
        "Vahvista maksu",
    ),
    "payment_action_required.again": Texts(
        "Muistutus: vahvistakaa maksunne, {seller}: {amount}",
        "Maksu odottaa yhä vahvistustanne.",
        "Vahvistuksenne puuttuu yhä",
        (
            "Maksu {amount} laskusta {number} odottaa yhä: pankkinne tarvitsee vahvistuksenne.",
            "Vahvistakaa se nyt tai maksakaa toisella tavalla.",
        ),
        "Vahvista maksu",
    ),
    "payment_recovered.paid": Texts(
        "Maksettu, kiitos: {amount}, {seller}",
        "Kaikki on kunnossa. Teidän ei tarvitse tehdä mitään.",
        "Maksunne onnistui",
        (
            "{amount} laskusta {number} on maksettu {date}. Kiitos.",
            "Kaikki on kunnossa; teidän ei tarvitse tehdä mitään.",
        ),
        "Avaa lasku",
    ),
    "card_expiring.soon": Texts(
        "Korttinne vanhenee pian, {seller}",
        "{card} on voimassa tämän kuun loppuun: {month}.",
        "Korttinne vanhenee pian",
        (
            "{card}, jolla maksatte ostoksenne ({seller}), on voimassa tämän kuun loppuun: {month}.",
            "Lisätkää uusi korttinne, jotta seuraava maksunne onnistuu.",
        ),
        "Päivitä kortti",
    ),
    "invoice_overdue.first": Texts(
        "Erääntynyt: lasku {number}, {seller}, {amount}",
        "Eräpäivä oli {due}.",
        "Lasku {number} on erääntynyt",
        (
            "Emme ole vielä saaneet maksua {amount}, jonka eräpäivä oli {due}.",
            "Jos olette maksanut viime päivinä, tästä viestistä ei tarvitse välittää. Muussa tapauksessa"
            " pyydämme maksamaan nyt.",
        ),
        "Maksa nyt",
    ),
    "invoice_overdue.again": Texts(
        "Maksumuistutus: lasku {number}, {seller}, {amount}",
        "Eräpäivä oli {due}, ja lasku on yhä maksamatta.",
        "Lasku {number} on yhä maksamatta",
        (
            "Laskun {number} eräpäivä oli {due}, ja {amount} on yhä avoinna.",
            "Maksakaa lasku nyt tai vastatkaa tähän viestiin, jos siinä on jotakin väärin.",
        ),
        "Maksa nyt",
    ),
    "refund.sent": Texts(
        "Hyvitys, {seller}: {amount}",
        "Rahat ovat matkalla teille.",
        "Saatte takaisin {amount}",
        (
            "Palautimme {amount} {date} maksutavalle, jolla maksoitte.",
            "Teidän ei tarvitse tehdä mitään. Kestää viidestä kymmeneen päivää, ennen kuin pankki"
            " näyttää sen.",
        ),
        "Avaa kuitti",
    ),
    "refund.transferred": Texts(
        "Hyvitys, {seller}: {amount}",
        "Rahat ovat matkalla teille.",
        "Saatte takaisin {amount}",
        (
            "Palautimme {amount} {date} pankkitilillenne.",
            "Teidän ei tarvitse tehdä mitään. Pankki näyttää sen yhden tai kahden pankkipäivän kuluttua.",
        ),
    ),
    "refund.account": Texts(
        "{seller}: palautettavaa {amount}",
        "Tarvitsemme pankkitilinne.",
        "Mille tilille palautamme: {amount}?",
        (
            "Olette maksanut meille {amount}, jolle ei ole laskua. Palautamme rahat, mutta emme tunne"
            " tiliänne.",
            "Vastatkaa tähän viestiin ja kertokaa tilin haltijan nimi ja IBAN.",
        ),
    ),
    "credit_note.lowered": Texts(
        "Hyvityslasku {credit_note}, {seller}: {amount}",
        "Laskunne {number} pienenee: {amount}.",
        "Laskunne pienenee: {amount}",
        (
            "Olemme hyvittäneet {amount} laskusta {number}. Maksettavaa on jäljellä {left}.",
            "Hyvityslasku on liitteenä.",
        ),
        "Avaa hyvityslasku",
    ),
    "credit_note.closed": Texts(
        "Hyvityslasku {credit_note}, {seller}: {amount}",
        "Laskusta {number} ei ole enää maksettavaa.",
        "Maksettavaa ei ole enää",
        (
            "Olemme hyvittäneet {amount} laskusta {number}. Teidän ei tarvitse enää maksaa mitään.",
            "Hyvityslasku on liitteenä.",
        ),
        "Avaa hyvityslasku",
    ),
    "credit_note.refunded": Texts(
        "Hyvityslasku {credit_note}, {seller}: {amount}",
        "Palautamme {amount} laskustanne {number}.",
        "Saatte takaisin {amount}",
        (
            "Olemme hyvittäneet {amount} laskusta {number} ja palautamme summan maksutavalle, jolla"
            " maksoitte.",
            "Teidän ei tarvitse tehdä mitään. Kestää viidestä kymmeneen päivää, ennen kuin pankki näyttää"
            " sen. Hyvityslasku on liitteenä.",
        ),
        "Avaa hyvityslasku",
    ),
    "credit_note.balance": Texts(
        "Hyvityslasku {credit_note}, {seller}: {amount}",
        "Teillä on hyvitystä {amount}.",
        "Teillä on hyvitystä {amount}",
        (
            "Olemme hyvittäneet {amount} laskusta {number}. Vähennämme sen seuraavasta laskustanne.",
            "Teidän ei tarvitse tehdä mitään. Hyvityslasku on liitteenä.",
        ),
        "Avaa hyvityslasku",
    ),
    "credit_note.issued": Texts(
        "Hyvityslasku {credit_note}, {seller}: {amount}",
        "Olemme hyvittäneet {amount} laskustanne {number}.",
        "Olemme hyvittäneet {amount}",
        (
            "Olemme hyvittäneet {amount} laskusta {number}.",
            "Hyvityslasku on liitteenä. Siitä näette, miten saatte summan.",
        ),
        "Avaa hyvityslasku",
    ),
    "subscription_canceled.requested": Texts(
        "Tilauksenne on päättynyt, {seller}",
        "{plan} päättyi {date}.",
        "Tilauksenne on päättynyt",
        ("{plan} päättyi {date}. Siitä ei enää veloiteta.", "Teidän ei tarvitse tehdä mitään."),
    ),
    "subscription_canceled.unpaid": Texts(
        "Tilauksenne on irtisanottu, {seller}",
        "{plan} päättyi {date}, koska sitä ei maksettu.",
        "Tilauksenne on irtisanottu",
        (
            "{plan} päättyi {date}, koska emme voineet veloittaa maksutavaltanne.",
            "Siitä ei enää veloiteta. Jos haluatte jatkaa, ottakaa yhteyttä: {seller}.",
        ),
    ),
    "debit_notice.planned": Texts(
        "Suoraveloitus {date}: {amount}, {seller}",
        "Teidän ei tarvitse tehdä mitään: {amount} veloitetaan {date}.",
        "Suoraveloitus {date}",
        (
            "Veloitamme {date} {amount} laskusta {number} tililtänne, jonka numeron loppu on {last4}.",
            "Se on SEPA-suoraveloitus valtuutuksellanne {mandate}; velkojatunnuksemme on {creditor}.",
            "Teidän tarvitsee vain pitää tilillä riittävästi rahaa.",
        ),
        "Avaa lasku",
    ),
    "trial_ending.charged": Texts(
        "Kokeilujaksonne päättyy {date}, {seller}",
        "Sen jälkeen veloitetaan {plan}.",
        "Kokeilujaksonne päättyy {date}",
        (
            "Kokeilujaksonne ({plan}) päättyy {date}. Sen jälkeen veloitamme maksutavaltanne.",
            "Jos haluatte jatkaa, teidän ei tarvitse tehdä mitään.",
        ),
    ),
    "trial_ending.no_method": Texts(
        "Kokeilujaksonne päättyy {date}, {seller}",
        "Lisätkää maksutapa, jos haluatte jatkaa.",
        "Kokeilujaksonne päättyy {date}",
        ("Kokeilujaksonne ({plan}) päättyy {date}. Lisätkää maksutapa, jos haluatte jatkaa sen jälkeen.",),
        "Lisää maksutapa",
    ),
    "statement.monthly": Texts(
        "Tiliote, {seller}, {month}",
        "Mitä on laskutettu ja maksettu, ja mitä on avoinna.",
        "Tiliote, {month}",
        (
            "Liitteenä on tilinne tiliote ({seller}) ajalta {month}.",
            "Siitä näette, mitä on laskutettu ja maksettu, ja mitä on avoinna eräpäivineen.",
        ),
    ),
    "portal_login.link": Texts(
        "Linkkinne: {seller}",
        "Se toimii kerran, 15 minuutin ajan.",
        "Avatkaa tilinne",
        (
            "Joku, luultavasti te, on pyytänyt linkin asiakastiliinne: {seller}.",
            "Se toimii kerran, 15 minuutin ajan. Jos se ette ollut te, älkää tehkö mitään: kenelläkään muulla"
            " ei ole tätä linkkiä.",
        ),
        "Avaa tilini",
    ),
    "cost_alert.reached": Texts(
        "Kulunne ovat saavuttaneet rajan {limit}",
        "Pyysitte ilmoitusta.",
        "Kulunne ovat saavuttaneet rajan {limit}",
        (
            "Asiakastilinne ({seller}) kulut jaksolla, joka päättyy {date}, ovat saavuttaneet rajan {limit}. "
            "Pyysitte ilmoitusta.",
            "Tähän mennessä ne ovat {amount}. Mitään ei pysäytetä, ja viesti tulee kerran jaksossa.",
        ),
    ),
    "dispute.opened": Texts(
        "Riitautus {amount}: vastausaika {due} asti",
        "Asiakas on riitauttanut maksun.",
        "Maksu on riitautettu",
        (
            "Asiakas on riitauttanut maksun {number}, {amount}. Pankin ilmoittama syy: {reason_code}.",
            "Lähettäkää todisteenne viimeistään {due}; ilman niitä rahat menetetään.",
        ),
    ),
}

LABELS = {
    "amount": "Summa",
    "number": "Lasku",
    "due": "Eräpäivä",
    "date": "Päivämäärä",
    "card": "{brand}, jonka numeron loppu on {last4}",
    "next": "Seuraava yritys",
    "method": "Maksutapa",
    "plan": "Tilaus",
    "total": "Yhteensä",
    "refunded": "Palautettu",
    "credit_note": "Hyvityslasku",
    "month": "Voimassa",
    "hello": "Hei {name},",
    "hello_nobody": "Hei,",
    "why": "Saatte tämän viestin, koska olette asiakas: {seller}.",
    "why_seller": "Saatte tämän viestin, koska billow hoitaa laskutuksen: {seller}.",
    "contact": "Kysyttävää? Vastatkaa tähän viestiin tai kirjoittakaa: {email}.",
}

NOTES = {
    "loss.cancel": "Jos laskua ei ole maksettu viimeistään {last}, {plan} irtisanotaan.",
    "loss.unpaid": "Jos laskua ei ole maksettu viimeistään {last}, {plan} keskeytetään.",
    "loss.past_due": "Jos laskua ei ole maksettu viimeistään {last}, otamme teihin yhteyttä: {plan}.",
    "lost.cancel": "Siksi {plan} on irtisanottu.",
    "lost.unpaid": "Siksi {plan} on keskeytetty, kunnes lasku on maksettu.",
    "lost.past_due": "Summa on yhä avoinna: maksakaa se nyt.",
}

REASONS = {
    "generic": "Pankki hylkäsi maksun ilmoittamatta syytä.",
    "insufficient_funds": "Pankin mukaan tilillä ei ollut tarpeeksi rahaa.",
    "expired_card": "Kortti on vanhentunut.",
    "incorrect_cvc": "Kortin turvakoodi on väärä.",
    "incorrect_number": "Kortin numero on väärä.",
    "card_velocity_exceeded": "Kortin käyttöraja on täynnä.",
    "processing_error": "Pankilla oli tekninen ongelma.",
    "authentication_required": "Pankki pyytää teitä vahvistamaan maksun.",
    "missing_payment_method": "Maksutapaa ei ole tallennettu.",
    "lost_card": "Pankki ei enää hyväksy tätä korttia.",
    "stolen_card": "Pankki ei enää hyväksy tätä korttia.",
    "pickup_card": "Pankki ei enää hyväksy tätä korttia.",
    "revocation_of_authorization": "Lupa veloittaa tältä maksutavalta on peruttu.",
    "revocation_of_all_authorizations": "Lupa veloittaa tältä maksutavalta on peruttu.",
    "transaction_not_allowed": "Kortti ei salli tällaisia maksuja.",
    "payment_intent_authentication_failure": "Maksua ei vahvistettu.",
    "setup_intent_authentication_failure": "Maksua ei vahvistettu.",
    "payment_canceled": "Maksua ei vahvistettu.",
    "currency_not_supported": "Kortti ei tue tätä valuuttaa.",
}

FINNISH = Language("fi", TEXTS, LABELS, NOTES, REASONS)
