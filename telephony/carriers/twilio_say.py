"""What Twilio's own voice says."""

from __future__ import annotations

import re
from typing import Any

from twilio.twiml.voice_response import VoiceResponse

from telephony.carriers.base import Announcement

NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML 1.0 document can hold, escaped or not."""


def spoken(words: Announcement) -> VoiceResponse:
    """A document that begins with *words*, if there are any."""
    response = VoiceResponse()
    say(response, words)
    return response


def say(verb: Any, words: Announcement) -> None:
    """Has *verb* say *words*, if there are any."""
    if words.say.strip():
        verb.say(NOT_XML.sub(" ", words.say), language=words.language or None)
