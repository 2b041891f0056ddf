"""Hold the words of documents in each language that they are written in."""

from billow.providers.documents.languages.billed import BILLED
from billow.providers.documents.languages.danish import DANISH
from billow.providers.documents.languages.dutch import DUTCH
from billow.providers.documents.languages.english import ENGLISH
from billow.providers.documents.languages.finnish import FINNISH
from billow.providers.documents.languages.french import FRENCH
from billow.providers.documents.languages.german import GERMAN
from billow.providers.documents.languages.norwegian import NORWEGIAN
from billow.providers.documents.languages.spanish import SPANISH
from billow.providers.documents.languages.statements import STATEMENTS
from billow.providers.documents.languages.swedish import SWEDISH
from billow.providers.documents.languages.untaxed import UNTAXED

OF_PAPERS = {
    "en": ENGLISH,
    "sv": SWEDISH,
    "de": GERMAN,
    "fr": FRENCH,
    "es": SPANISH,
    "nl": DUTCH,
    "fi": FINNISH,
    "da": DANISH,
    "nb": NORWEGIAN,
}
WORDS = {
    language: {**words, **BILLED[language], **STATEMENTS[language], **UNTAXED[language]}
    for language, words in OF_PAPERS.items()
}
"""The words of each language, by its code."""
