"""A LiteLLM proxy, as its difference from OpenAI.

Which provider is behind it cannot be seen from here. The proxy moves `voice` and `turn_detection` from the top of a
session to where OpenAI has them, so both places are filled: an OpenAI session comes out right either way, and an xAI
session does wherever the proxy, or another gateway in its place, hands the update on as it is. Should the model come up
without turn detection all the same, `SessionReady.turn_detection` tells.
"""

from __future__ import annotations

from telephony.audio.format import ALAW_8K, MULAW_8K, PCM16_24K
from telephony.realtime.base import Traits
from telephony.realtime.openai import OpenAI
from telephony.settings import SessionConfig


class LiteLLM(OpenAI):
    """The codec of one session through a LiteLLM proxy: what every provider behind it can do, and no more."""

    traits = Traits(name="litellm", audio=(PCM16_24K, MULAW_8K, ALAW_8K), truncates=False)

    def __init__(self, config: SessionConfig) -> None:
        super().__init__(config)
        audio = self._session["audio"]
        lifted = {"turn_detection": audio["input"].get("turn_detection"), "voice": audio["output"].get("voice")}
        self._session = {key: value for key, value in lifted.items() if value is not None} | self._session
