"""Plain words for yes and no, to see whether a caller has refused what they were asked.

Nothing is understood here, that is the model's work; but a model in a hurry must not pass over a "no" that anybody can
hear. So the table holds only what means one thing whatever else is said. Whatever it does not hold, and whatever holds
both, is no plain answer.
"""

from __future__ import annotations

import re
from typing import Literal

YES: dict[str, tuple[str, ...]] = {
    "de": (
        "ja",
        "jawohl",
        "jo",
        "genau",
        "gerne",
        "gern",
        "stimmt",
        "richtig",
        "natürlich",
        "klar",
        "kein problem",
        "in ordnung",
        "einverstanden",
        "passt",
    ),
    "en": (
        "yes",
        "yeah",
        "yep",
        "yup",
        "sure",
        "okay",
        "ok",
        "correct",
        "that's right",
        "go ahead",
        "do it",
        "do that",
        "please do",
        "no problem",
        "absolutely",
        "definitely",
        "certainly",
        "of course",
        "alright",
        "all right",
        "sounds good",
        "i agree",
    ),
    "es": ("sí", "si", "claro", "vale", "de acuerdo", "correcto", "adelante", "por supuesto", "está bien", "exacto"),
    "fr": ("oui", "ouais", "d'accord", "bien sûr", "allez-y", "parfait", "exactement", "tout à fait"),
    "it": ("sì", "si", "certo", "va bene", "d'accordo", "esatto", "certamente", "giusto"),
    "nl": ("ja", "jawel", "prima", "akkoord", "klopt", "geen probleem", "zeker", "is goed"),
    "pl": ("tak", "zgadza się", "dobrze", "oczywiście", "no tak", "zgoda", "jasne"),
    "pt": ("sim", "claro", "está bem", "pode ser", "com certeza", "certo", "exato"),
}
"""By language (ISO 639-1)."""
NO: dict[str, tuple[str, ...]] = {
    "de": ("nein", "nee", "nö", "auf keinen fall", "lieber nicht", "bitte nicht"),
    "en": ("no", "nope", "nah", "no way", "please don't", "rather not", "don't do that", "do not do that"),
    "es": ("no", "de ninguna manera", "mejor no"),
    "fr": ("non", "pas du tout", "surtout pas"),
    "it": ("no", "assolutamente no", "meglio di no"),
    "nl": ("nee", "neen", "liever niet"),
    "pl": ("nie",),
    "pt": ("não", "de jeito nenhum", "melhor não"),
}


def plain_answer(text: str, language: str | None = None) -> Literal["yes", "no"] | None:
    """What *text* plainly says; None if that is for the model to judge. Without a *language* (`de`, `de-AT`) every
    table is looked into."""
    spoken = _code(language)
    languages = [spoken] if spoken in NO else list(NO)
    words_said = re.findall(r"[\w'-]+", text.lower().replace("’", "'"))
    said = f" {' '.join(words_said)} "
    yes = _found(said, YES, languages)
    for words in yes:  # "no problem" is no "no"
        said = said.replace(f" {words} ", "  ")
    no = _found(said, NO, languages)
    if yes and no:
        return None
    return "yes" if yes else "no" if no else None


def is_known(language: str | None) -> bool:
    """Whether there are words for a *language*."""
    return _code(language) in NO


def _code(language: str | None) -> str:
    return (language or "").lower().replace("_", "-").partition("-")[0]


def _found(said: str, table: dict[str, tuple[str, ...]], languages: list[str]) -> list[str]:
    return [words for language in languages for words in table[language] if f" {words} " in said]
