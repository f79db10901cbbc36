"""Mistakes in how a call outlives its sessions, and in what is kept of it."""

from __future__ import annotations

from mutations.kit import mutation

SESSIONS = [
    mutation(
        "a caller hears the filler though the model is about to answer",
        "conversation/survival.py",
        "FILL_AFTER = 1.5",
        "FILL_AFTER = 0.5",
        "filler-while-connecting",
    ),
    mutation(
        "the beginning of a sentence is lost with the session that heard it",
        "conversation/survival.py",
        "OVERLAP = 0.5",
        "OVERLAP = 0.0",
        "session-lost-while-the-caller-speaks",
    ),
    mutation(
        "whoever takes over begins the broken answer anew",
        "conversation/survival.py",
        'state.out.append(AddMessage(phrases.cut_off(heard), "system"))',
        "pass",
        "session-closed-xai",
        "session-resumed-xai",
    ),
    mutation(
        "what the caller said while nobody listened is lost",
        "conversation/survival.py",
        'payload = b"" if state.guarding else state.recent.last(now - since)',
        'payload = b""',
        "session-lost-while-the-caller-speaks",
        "session-frozen-and-found-out",
    ),
    mutation(
        "with a carrier that sends no silence a question is heard again by whoever takes over",
        "conversation/conclusions.py",
        "    if silence:\n        state.recent",
        "    if silence and state.listening:\n        state.recent",
        "session-lost-and-silence-not-sent",
    ),
    mutation(
        "one more session is tried than was allowed before the caller is told",
        "conversation/sessions.py",
        "if self._replaced >= self.limits",
        "if self._replaced > self.limits",
        "sessions-all-used-up",
    ),
    mutation(
        "xAI is never asked to resume, and pays for nothing",
        "conversation/sessions.py",
        'self._conversation_id if why == "lost" else ""',
        '""',
        "session-resumed-xai",
    ),
    mutation(
        "a session is replaced only when its provider has ended it",
        "conversation/sessions.py",
        "begun_at + self.limits.session",
        "begun_at + 2 * self.limits.session",
        "session-replaced-when-old",
    ),
    mutation(
        "a new session takes the agent's words for the caller's",
        "conversation/history.py",
        '"assistant" if turn.speaker == "agent" else "user"',
        '"user"',
        "session-closed-xai",
        "session-replaced-when-old",
    ),
    mutation(
        "a new session is not told that a function is running",
        "conversation/history.py",
        "*told] if earlier else told",
        "*told] if earlier else [c for c in told if not calls]",
        "session-lost-while-a-function-runs",
    ),
    mutation(
        "what the caller said stands twice in the record",
        "conversation/transcript.py",
        "turn.heard + text if append else text.strip()",
        "turn.heard + text",
        "transcripts-repeated-xai",
    ),
    mutation(
        "a word counts as heard only when its end was, and whoever goes on repeats it",
        "conversation/transcript.py",
        "if (word.start() + word.end()) / 2 > characters:",
        "if word.end() > characters:",
        "hung-up-while-greeting",
    ),
    mutation(
        "seconds that a provider sums up by itself are summed up again",
        "conversation/tally.py",
        "self.usage[key] = max(value, self.usage.get(key, 0))",
        "self.usage[key] = value + self.usage.get(key, 0)",
        "function-answered-xai",
    ),
    mutation(
        "messages that nobody can use are taken for ever from a broken session",
        "conversation/tally.py",
        "FAULTS = 50",
        "FAULTS = 500",
        "session-sends-garbage-xai",
    ),
    mutation(
        "ids of two sessions that both count from 1 are taken for the same",
        "realtime/leg.py",
        'f"s{number}-" if number else ""',
        '""',
        "session-cut-off-by-its-number",
    ),
]
