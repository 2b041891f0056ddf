"""Say what is on the pages, in each of their languages; no sentence is put together from parts."""

from collections.abc import Iterable
from dataclasses import dataclass

from babel import Locale

from billow.pages.words.danish import DANISH
from billow.pages.words.dutch import DUTCH
from billow.pages.words.english import ENGLISH
from billow.pages.words.finnish import FINNISH
from billow.pages.words.french import FRENCH
from billow.pages.words.german import GERMAN
from billow.pages.words.norwegian import NORWEGIAN
from billow.pages.words.portal_danish import PORTAL_DANISH
from billow.pages.words.portal_dutch import PORTAL_DUTCH
from billow.pages.words.portal_english import PORTAL_ENGLISH
from billow.pages.words.portal_finnish import PORTAL_FINNISH
from billow.pages.words.portal_french import PORTAL_FRENCH
from billow.pages.words.portal_german import PORTAL_GERMAN
from billow.pages.words.portal_norwegian import PORTAL_NORWEGIAN
from billow.pages.words.portal_spanish import PORTAL_SPANISH
from billow.pages.words.portal_swedish import PORTAL_SWEDISH
from billow.pages.words.spanish import SPANISH
from billow.pages.words.swedish import SWEDISH
from billow.providers.letters.formats import locale_of, primary
from billow.providers.letters.layout import LANGUAGES as LETTERS

LANGUAGES = {
    "en": {**ENGLISH, **PORTAL_ENGLISH},
    "sv": {**SWEDISH, **PORTAL_SWEDISH},
    "de": {**GERMAN, **PORTAL_GERMAN},
    "fr": {**FRENCH, **PORTAL_FRENCH},
    "es": {**SPANISH, **PORTAL_SPANISH},
    "nl": {**DUTCH, **PORTAL_DUTCH},
    "fi": {**FINNISH, **PORTAL_FINNISH},
    "da": {**DANISH, **PORTAL_DANISH},
    "nb": {**NORWEGIAN, **PORTAL_NORWEGIAN},
}
"""Those of papers and mails, so that all that a customer reads speaks alike."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language: `words("pay_amount", amount="€ 5.00")`."""

    language: str
    country: str = ""
    """The locale with its country, where one is known: `en-US`."""

    @property
    def region(self) -> Locale:
        """Return the locale in which amounts and dates are written, which is that of mails."""
        return locale_of(self.country or self.language)

    def __call__(self, key: str, **named: object) -> str:
        text = LANGUAGES[self.language][key]
        return text.format(**named) if named else text

    def decline(self, reason: str | None, message: str) -> str:
        """Say why a payment was declined: in English as its bank does, else by the code of the reason."""
        reasons = LETTERS[self.language].reasons
        if self.language == "en" or reason is None:
            return message
        return reasons.get(reason, reasons["generic"])

    def interval(self, interval: str, count: int) -> str:
        """Say how often something recurs: `month`, `3 months`."""
        return self(interval) if count == 1 else self.counted(interval, count)

    def counted(self, interval: str, count: int) -> str:
        """Say how long something lasts: `1 month`, `3 months`."""
        return f"1 {self(interval)}" if count == 1 else self(f"{interval}s", count=count)


def words_of(language: str | None) -> Words:
    """Return the words of a language, or of English where the pages do not speak it: `de-AT` is `de`."""
    short = primary(language or "en")
    return Words(short, language or "") if short in LANGUAGES else Words("en")


def spoken(locales: Iterable[str]) -> str | None:
    """Return the first locale that somebody prefers whose language the pages speak."""
    return next((one for one in locales if primary(one) in LANGUAGES), None)
