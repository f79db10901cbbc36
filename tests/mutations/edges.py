"""Mistakes at the edges: dialects, the carrier's codec, the exchange between them, and audio."""

from __future__ import annotations

from mutations.kit import mutation

DIALECTS = [
    mutation(
        "instead of greeting the model may call a function",
        "realtime/openai.py",
        '{"instructions": instructions, "tool_choice": "none"}',
        '{"instructions": instructions}',
        "greeting-word-for-word-openai",
    ),
    mutation(
        "the model listens and never answers",
        "realtime/openai.py",
        '{"create_response": True, ',
        '{"create_response": False, ',
        "caller-speaks-first",
    ),
    mutation(
        "the model speaks another format than the one that was asked for",
        "realtime/openai.py",
        'spoken: JsonObject = {"format": to_wire(config.audio)}',
        'spoken: JsonObject = {"format": to_wire(PCM16_24K)}',
        "caller-speaks-first",
        "audio-pcm16-8k",
    ),
    mutation(
        "a truncated answer is cut at its beginning",
        "realtime/openai.py",
        '"audio_end_ms": command.audio_end_ms,',
        '"audio_end_ms": command.audio_end_ms // 1000,',
        "barge-in-while-generating-openai",
    ),
    mutation(
        "OpenAI refuses the id of a function that xAI has called",
        "realtime/openai.py",
        "_CALL_ID_LENGTH = 32",
        "_CALL_ID_LENGTH = 64",
        "session-lost-while-a-function-runs",
    ),
    mutation(
        "xAI lets the caller stop what must not be stopped",
        "realtime/xai.py",
        '"interruptible": command.interruptible,',
        '"interruptible": True,',
        "greeting-uninterruptible",
    ),
    mutation(
        "xAI refuses what the agent has said before",
        "realtime/xai.py",
        '"assistant": "text"}',
        '"assistant": "output_text"}',
        "session-out-of-quota-openai",
    ),
    mutation(
        "behind a proxy an xAI session comes up without turn detection",
        "realtime/litellm.py",
        "if value is not None} | self._session",
        "if value is None} | self._session",
        "greeting-word-for-word-litellm",
    ),
    mutation(
        "a server with the names of the beta is never heard",
        "realtime/decoder.py",
        '    "response.audio.delta": "response.output_audio.delta",\n',
        "",
        "beta-names",
    ),
    mutation(
        "a conversation that was resumed is told a second time",
        "realtime/decoder.py",
        "return [] if self._configured else [HistoryReplayed",
        "return [] if True else [HistoryReplayed",
        "session-resumed-xai",
    ),
    mutation(
        "what xAI has understood so far is taken for all of it",
        "realtime/meanings.py",
        'text(event, "status") in {"", "completed"}',
        "True",
        "transcript-provisional-at-the-end",
    ),
    mutation(
        "a call goes on with a model that nobody pays for",
        "realtime/complaints.py",
        '"insufficient_quota": "fatal"',
        '"insufficient_quota": "recoverable"',
        "session-out-of-quota-openai",
    ),
    mutation(
        "a refused request is not asked for again",
        "realtime/complaints.py",
        '_already_has_active_response": "active_response"',
        '_already_has_active_response": "benign"',
        "request-crosses-an-answer",
    ),
    mutation(
        "telephone audio is taken for the other law: a caller hears noise",
        "realtime/formats.py",
        '{"audio/pcmu": MULAW_8K, "audio/pcma": ALAW_8K}',
        '{"audio/pcmu": ALAW_8K, "audio/pcma": MULAW_8K}',
        "caller-speaks-first",
        "audio-pcma",
    ),
    mutation(
        "a function is asked for by a name that nobody has told yet",
        "realtime/calls.py",
        'name=text(event, "name") or announced_name,',
        'name="",',
        "function-without-side-effects-runs-at-once",
    ),
]

CARRIER = [
    mutation(
        "the # key counts as no key",
        "carriers/twilio.py",
        'KEYS = frozenset("0123456789*#ABCD")',
        'KEYS = frozenset("0123456789*ABCD")',
        "keys-ended-by-a-hash",
    ),
    mutation(
        "a kind of message that Twilio adds one day counts against the call",
        "carriers/twilio.py",
        "        self.ignored += 1\n        return []\n\n    def _fault",
        '        return self._fault("?")\n\n    def _fault',
        "carrier-sends-unusable-messages",
    ),
    mutation(
        "timestamps are not read, so holes are not seen",
        "carriers/twilio.py",
        "return int(timestamp) if timestamp.isdecimal() and",
        "return int(timestamp) if not timestamp and",
        "frames-lost",
    ),
    mutation(
        "a stream that begins twice goes on as a mixture of two calls",
        "carriers/twilio.py",
        'return self._broken("a second start")',
        "return []",
        "carrier-breaks-the-protocol",
    ),
    mutation(
        "the sound of what was thrown away rings on into the next answer",
        "exchange.py",
        "                    self._to_carrier.reset()\n",
        "",
        "audio-pcm16-interrupted",
    ),
    mutation(
        "of a session that is only coming everything is taken for the current one's",
        "exchange.py",
        "if session == self.session else leg.decode_standby(message)",
        "if leg else []",
        "session-out-of-quota-openai",
        "session-resumed-xai",
    ),
]

AUDIO = [
    mutation(
        "one coefficient of a filter is off by a millionth",
        "audio/coefficients.py",
        "    -444,\n",
        "    -445,\n",
        "audio-pcm16-interrupted",
    ),
    mutation(
        "samples are rounded down, which adds a faint hiss",
        "audio/resample.py",
        "matrix[-1] = 0.5",
        "matrix[-1] = 0.0",
        "audio-pcm16-16k",
    ),
    mutation(
        "the table from mu-law to A-law is upside down",
        "audio/g711.py",
        "_MULAW_TO_ALAW = pcm_to_alaw(mulaw_to_pcm(_EVERY_CODE))",
        "_MULAW_TO_ALAW = pcm_to_alaw(mulaw_to_pcm(_EVERY_CODE[::-1]))",
        "audio-pcma",
    ),
]

EDGES = [*DIALECTS, *CARRIER, *AUDIO]
