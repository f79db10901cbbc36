"""Mistakes in the conversation: what is heard, asked, answered, remembered and ended."""

from __future__ import annotations

from mutations.kit import mutation

PLAYBACK = [
    mutation(
        "twice as much speech lies with the carrier, where it takes twice as long to stop",
        "conversation/playback.py",
        "LEAD = 0.4",
        "LEAD = 0.8",
        "barge-in-middle",
    ),
    mutation(
        "half of the marks: what was heard is known half as well",
        "conversation/playback.py",
        "CHUNK = 0.1",
        "CHUNK = 0.2",
        "greeting-word-for-word-xai",
    ),
    mutation(
        "the model is told that the caller heard all that was sent",
        "conversation/playback.py",
        "item.content_index, heard[key]))",
        "item.content_index, item.sent * 1000 // self.audio.rate))",
        "barge-in-middle",
        "marks-lost",
    ),
    mutation(
        "the record says that all that was sent was heard",
        "conversation/playback.py",
        "item.heard = min(heard[key] * self.audio.rate // 1000, item.sent)",
        "item.heard = item.sent",
        "hung-up-while-the-agent-speaks",
    ),
    mutation(
        "what was thrown away is taken to be playing still, so the next answer counts as heard too late",
        "conversation/playback.py",
        "        self._tail = now - self._lag\n",
        "",
        "barge-in-and-a-quick-answer",
    ),
    mutation(
        "a carrier that begins to play late is believed to be on time",
        "conversation/playback.py",
        "ROUND_TRIP = 0.6",
        "ROUND_TRIP = 60.0",
        "carrier-that-plays-late",
    ),
    mutation(
        "the beginning of an answer that comes in pieces smaller than a frame waits for the end of it",
        "conversation/playback.py",
        "if ends or self._tail - now < 2 * FRAME:",
        "if ends:",
        "reply-in-tiny-deltas",
    ),
]

CALLER = [
    mutation(
        "the agent talks on though the caller has begun to speak",
        "conversation/handlers.py",
        "        state.out.append(ClearPlayback())\n",
        "        pass\n",
        "barge-in-middle",
    ),
    mutation(
        "an item of which nothing was heard stays in the model's memory",
        "conversation/handlers.py",
        "if cut.heard_ms else ForgetItem(cut.item_id)",
        "if True else ForgetItem(cut.item_id)",
        "barge-in-with-an-answer-queued-behind",
    ),
    mutation(
        "a call that has reached its limit goes on as long as the caller talks",
        "conversation/handlers.py",
        "state.farewell and state.farewell.cancellable:",
        "state.farewell:",
        "caller-talks-over-the-goodbye-of-a-limit",
    ),
    mutation(
        "the caller stops an announcement that must be heard",
        "conversation/handlers.py",
        "    if state.guarding:\n        if is_loud",
        "    if False:\n        if is_loud",
        "greeting-uninterruptible",
    ),
    mutation(
        "nobody notices that a caller was not answered",
        "conversation/handlers.py",
        "    floor.reply_by = now + AUTO_REPLY\n    floor.expecting = True\n",
        "    floor.reply_by = now + AUTO_REPLY\n",
        "dead-air-and-asked-again",
    ),
    mutation(
        "half of a sentence stands in the record as if it were all",
        "conversation/handlers.py",
        "event.text, now, final=event.final)",
        "event.text, now, final=True)",
        "transcript-provisional-at-the-end",
    ),
    mutation(
        "holes in the stream up to 400 ms are not filled, and the model's clock runs late",
        "conversation/intake.py",
        "JITTER_MS = 40",
        "JITTER_MS = 400",
        "frames-lost",
    ),
    mutation(
        "a frame that came twice is heard twice",
        "conversation/intake.py",
        '            self.duplicates += 1\n            return b""\n',
        "            self.duplicates += 1\n            return payload\n",
        "frames-doubled",
    ),
    mutation(
        "with a carrier that sends no silence the model notices later that the caller has stopped",
        "conversation/intake.py",
        "STALL = 0.3",
        "STALL = 0.6",
        "silence-not-sent",
    ),
    mutation(
        "with a carrier that sends no silence the model waits for ever for the caller to stop",
        "conversation/conclusions.py",
        "        state.out.append(AppendAudio(silence))\n",
        "        pass\n",
        "silence-not-sent",
    ),
    mutation(
        "a number waits longer for its next key, and the caller for the answer",
        "conversation/keypad.py",
        "\nPAUSE = 2.0",
        "\nPAUSE = 3.0",
        "keys-ended-by-a-pause",
    ),
    mutation(
        "# does not end a number",
        "conversation/keypad.py",
        'if self.digits[-1] == "#":',
        'if self.digits[-1] == "*":',
        "keys-ended-by-a-hash",
    ),
    mutation(
        "a dead session is found out two seconds later",
        "conversation/unnoticed.py",
        "NOTICE = 2.0",
        "NOTICE = 4.0",
        "session-frozen-and-found-out",
    ),
]

REPLIES = [
    mutation(
        "after a barge-in the caller hears scraps of the answer that was stopped",
        "conversation/responses.py",
        "if response_id in self._fenced or response_id in self._closed:",
        "if response_id in self._closed:",
        "late-deltas-after-a-clear",
    ),
    mutation(
        "a response is asked for though one is open, and the model refuses",
        "conversation/responses.py",
        "if not self._wishes or self.busy or now < self._not_before:",
        "if not self._wishes or now < self._not_before:",
        "keys-while-the-agent-speaks",
    ),
    mutation(
        "what was refused because of another answer is never said",
        "conversation/responses.py",
        "        self._wishes.appendleft(wish)\n        return True\n",
        "        return True\n",
        "request-crosses-an-answer",
    ),
    mutation(
        "the answer to a quick function comes a second too late",
        "conversation/replies.py",
        "            state.floor.reply_by = now  #",
        "            pass  #",
        "function-answered-xai",
        "function-answered-openai",
    ),
    mutation(
        "after a response that failed nothing is said until the watchdog barks",
        "conversation/replies.py",
        "            nudge(state, now)\n",
        "            pass\n",
        "reply-failed",
    ),
    mutation(
        "a model that hangs up without a word leaves the caller without one",
        "conversation/replies.py",
        'clip: Clip = "none" if spoke else "goodbye"',
        'clip: Clip = "none"',
        "hang-up-and-the-model-stays-silent",
    ),
    mutation(
        "a model that calls functions in circles is never stopped",
        "conversation/replies.py",
        "if state.tools.exhausted:",
        "if False:",
        "functions-too-many",
    ),
    mutation(
        "of two responses whatever is open is cancelled, be it the right one or not",
        "conversation/state.py",
        'CancelResponse("" if response_id.startswith(NAMELESS) else response_id)',
        'CancelResponse("")',
        "barge-in-while-generating-xai",
        "barge-in-while-generating-openai",
    ),
    mutation(
        "keys are answered once for themselves and once for what was said with them",
        "conversation/state.py",
        "else self.floor.reply_by",
        "else 0.0",
        "keys-while-the-caller-speaks",
    ),
    mutation(
        "keys typed in the last moment are lost to the record",
        "conversation/state.py",
        "if digits := self.keypad.take(now):",
        "if (digits := self.keypad.take(now)) and not now:",
        "keys-pressed-at-the-end",
    ),
]

TOOLS = [
    mutation(
        "the model is never told of a function that took too long, and waits",
        "conversation/state.py",
        "        if not self.model_lost:\n            self.out.append(SendToolOutput",
        '        if not self.model_lost and outcome != "timeout":\n            self.out.append(SendToolOutput',
        "function-too-slow",
    ),
    mutation(
        "the caller hears nothing for two seconds while a function runs",
        "conversation/toolcalls.py",
        "SAY_AFTER = 1.0",
        "SAY_AFTER = 2.0",
        "function-takes-long-and-something-is-said",
    ),
    mutation(
        "a function that hangs holds up the call far beyond its timeout",
        "conversation/toolcalls.py",
        "GRACE = 2.0",
        "GRACE = 20.0",
        "function-too-slow",
    ),
    mutation(
        "a harmless look-up waits until the model has spoken",
        "conversation/toolcalls.py",
        "call.timeout = spec.side_effects, spec.say",
        "call.timeout = True, spec.say",
        "function-without-side-effects-runs-at-once",
    ),
    mutation(
        "the model is asked to go on though one of its functions still runs",
        "conversation/toolcalls.py",
        "return self.owed and not self.open",
        "return self.owed",
        "functions-in-parallel",
    ),
]

ENDS = [
    mutation(
        "a silent caller is asked once more than was said",
        "conversation/conclusions.py",
        "if dogs.prompts >= state.settings",
        "if dogs.prompts > state.settings",
        "caller-silent-until-the-goodbye",
    ),
    mutation(
        "the agent hangs up before the caller has heard its goodbye",
        "conversation/conclusions.py",
        "if playback.settled(now) or now >=",
        "if not playback.queued or now >=",
        "hang-up-with-a-goodbye",
    ),
    mutation(
        "a caller who has talked too long is told that nobody answered",
        "conversation/conclusions.py",
        "now, words=phrases.TIME_IS_UP)",
        "now, words=phrases.NO_ANSWER)",
        "call-too-long",
    ),
    mutation(
        "a caller whom no model can help is not sent on to a person",
        "conversation/conclusions.py",
        'state.settings.transfer_to if farewell.by == "model" else ""',
        '""',
        "nobody-goes-on-and-the-caller-is-sent-on",
    ),
    mutation(
        "without marks the line is held twice as long after the goodbye",
        "conversation/farewell.py",
        "max(self.since, ends_at) + goodbye",
        "max(self.since, ends_at) + 2 * goodbye",
        "goodbye-though-marks-are-lost",
    ),
    mutation(
        "a carrier that will not hang up holds the call for another minute",
        "conversation/farewell.py",
        "CONFIRMATION = 5.0",
        "CONFIRMATION = 60.0",
        "hang-up-refused-by-the-carrier",
    ),
    mutation(
        "the caller waits twice as long for a model that is silent",
        "conversation/limits.py",
        "self._owed_since + self.limits.dead_air -",
        "self._owed_since + 2 * self.limits.dead_air -",
        "dead-air-and-asked-again",
    ),
]

CONVERSATION = [*PLAYBACK, *CALLER, *REPLIES, *TOOLS, *ENDS]
