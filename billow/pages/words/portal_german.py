"""Say what is on the pages of the billing portal in German."""

PORTAL_GERMAN = {
    "login_text": "Geben Sie Ihre E-Mail-Adresse ein, und wir senden Ihnen einen Link, der Ihr Konto öffnet.",
    "login_land": "Dieser Link gilt einmal.",
    "login_again_text": "Diese Adresse war eine Stunde lang offen. Wir können Ihnen einen neuen Link an "
    "Ihre E-Mail-Adresse senden.",
    "login_send": "Link senden",
    "login_which": "Welches Konto?",
    "login_enter": "Mein Konto öffnen",
    "login_sent": "Sehen Sie in Ihre E-Mails",
    "login_sent_text": "Wenn wir diese Adresse kennen, ist ein Link unterwegs. Er gilt einmal, innerhalb "
    "von 15 Minuten.",
    "login_wait": "Bitte warten Sie",
    "login_wait_text": "Von hier wurden zu viele Links angefordert. Versuchen Sie es in fünf Minuten wieder.",
    "login_over": "Dieser Link gilt nicht mehr",
    "login_over_text": "Er wurde benutzt oder ist älter als 15 Minuten. Fordern Sie einen neuen an.",
}
