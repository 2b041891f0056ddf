"""Say what is on the pages of the billing portal in Swedish."""

PORTAL_SWEDISH = {
    "login_text": "Skriv din e-postadress, så skickar vi en länk som öppnar ditt konto.",
    "login_land": "Länken fungerar en gång.",
    "login_again_text": "Den här adressen var öppen i en timme. Vi kan skicka en ny länk till din "
    "e-postadress.",
    "login_send": "Skicka en länk",
    "login_which": "Vilket konto?",
    "login_enter": "Öppna mitt konto",
    "login_sent": "Titta i din e-post",
    "login_sent_text": "Om vi känner till adressen är en länk på väg. Den fungerar en gång, inom 15 minuter.",
    "login_wait": "Vänta en stund",
    "login_wait_text": "För många länkar har begärts härifrån. Försök igen om fem minuter.",
    "login_over": "Länken gäller inte längre",
    "login_over_text": "Den har använts eller är äldre än 15 minuter. Be om en ny.",
}
