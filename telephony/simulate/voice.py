"""A voice for simulations that never fails: a recorded clip, else `espeak-ng`, else something that sounds like speech.

The clips beside this file make the demo and the tests sound the same on every machine; `synthesise` made them.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from importlib.resources import files

import numpy as np

from telephony.simulate import espeak
from telephony.simulate.espeak import SPEAKERS, SpeechError, to_telephone
from telephony.simulate.recordings import RATE

CLIPS = files("telephony.simulate") / "clips"
MOST_REMEMBERED = 256
"""Texts that a voice remembers; then it forgets the oldest."""


class Voice:
    """Speaks as *speaker* (`caller` or `agent`): call it with a text, get mu-law at 8000 Hz.

    With *synthesis* off it uses clips and the stand-in only, so that it sounds the same on every machine.
    """

    def __init__(self, speaker: str = "caller", *, synthesis: bool = True) -> None:
        if speaker not in SPEAKERS:
            raise ValueError(f"there is no speaker {speaker!r}, only {' and '.join(SPEAKERS)}")
        self.speaker = SPEAKERS[speaker]
        self._synthesis = synthesis and espeak.installed() is not None
        self._remembered: dict[str, bytes] = {}

    def __call__(self, text: str) -> bytes:
        key = normalised(text)
        if key not in self._remembered:
            while len(self._remembered) >= MOST_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[key] = self._speak(text, key)
        return self._remembered[key]

    def _speak(self, text: str, key: str) -> bytes:
        own = (self.speaker.name, key)
        if own in clip_files():
            return (CLIPS / clip_files()[own]).read_bytes()
        if not key:
            return b""
        if self._synthesis:
            try:
                return espeak.speak(text, self.speaker)
            except SpeechError:
                self._synthesis = False  # It is broken rather than slow; the stand-in does from here on.
        return babble(text, pitch=200 if self.speaker.name == "caller" else 110)


def normalised(text: str) -> str:
    """*text* without what cannot be heard: case, punctuation, accents and spacing."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return " ".join(re.findall(r"[a-z0-9]+", plain.casefold()))


@cache
def clip_files() -> dict[tuple[str, str], str]:
    """File names of the committed clips by speaker and normalised text."""
    index = json.loads((CLIPS / "index.json").read_text(encoding="utf-8"))
    return {(clip["speaker"], normalised(clip["text"])): clip["file"] for clip in index["clips"]}


def babble(text: str, *, pitch: int) -> bytes:
    """A stand-in for speech: a buzz with the rhythm of syllables, as long as saying *text* would take.

    Voice detectors take it for speech and people do not. 0.3 s to a word, four syllables to a second.
    """
    seconds = 0.3 * max(1, len(normalised(text).split()))
    time = np.arange(int(seconds * RATE)) / RATE
    harmonics = np.arange(1, 3400 // pitch)
    strength = 1 / (1 + ((harmonics * pitch - 500) / 600) ** 2) + 0.3 / (1 + ((harmonics * pitch - 1500) / 400) ** 2)
    buzz = (strength[:, None] * np.sin(2 * np.pi * pitch * harmonics[:, None] * time)).sum(axis=0)
    syllables = 0.15 + 0.85 * np.sin(np.pi * 4 * time) ** 2
    return to_telephone(buzz * syllables, RATE)
