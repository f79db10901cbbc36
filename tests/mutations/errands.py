"""Mistakes in what functions want of the call itself."""

from __future__ import annotations

from mutations.kit import mutation

ERRANDS = [
    mutation(
        "keys that are collected reach the model as a message, too",
        "conversation/handlers.py",
        "if not running_errands.press(state, event.digit, now):",
        "if running_errands.press(state, event.digit, now) or True:",
        "keys-collected",
    ),
    mutation(
        "the agent talks on while the caller types",
        "conversation/handlers.py",
        "elif state.interruptible:",
        "elif not state.interruptible:",
        "keys-collected",
    ),
    mutation(
        "keys that do not come are asked for once only",
        "conversation/running_errands.py",
        "elif collecting.tries <= 0:",
        "elif collecting.tries <= 1:",
        "keys-asked-for-again",
    ),
    mutation(
        "a message begins before its tone was heard",
        "conversation/running_errands.py",
        "not _speaking(state) and not state.playback.audible(now)",
        "not _speaking(state)",
        "message-taken",
    ),
    mutation(
        "a caller who speaks up is put through all the same",
        "conversation/running_errands.py",
        "cancellable = not waited_for and",
        "cancellable = False and",
        "transfer-called-off-by-the-caller",
    ),
    mutation(
        "whoever waits for a caller is left alone when the caller says another word",
        "conversation/running_errands.py",
        "cancellable = not waited_for and",
        "cancellable = True and",
        "transfer-to-somebody-who-waits",
    ),
    mutation(
        "a caller is put through to somebody who waits without a word",
        "conversation/running_errands.py",
        "farewell.announces = waited_for",
        "farewell.announces = False",
        "transfer-to-somebody-who-waits",
    ),
    mutation(
        "a caller talks an operator out of hanging up",
        "conversation/running_errands.py",
        "cancellable = not (event.operator or event.final)",
        "cancellable = True",
        "hung-up-by-an-operator",
    ),
    mutation(
        "what an operator wants is lost where the agent says goodbye already",
        "conversation/running_errands.py",
        "    overrule(state, event)\n    clip:",
        "    clip:",
        "hung-up-by-an-operator-during-the-agents-goodbye",
    ),
    mutation(
        "another agent takes over before the last words of the one before were heard",
        "conversation/survival.py",
        "not (state.playback.audible(now) or state.floor.taken(now) or state.tools.open)",
        "not (state.floor.taken(now) or state.tools.open)",
        "handed-over-to-another-agent",
    ),
    mutation(
        "an agent who stays is not told that nobody took over",
        "conversation/hand_over.py",
        '    state.out.append(AddMessage(phrases.not_taken_over(settings.agent), "system"))\n',
        "",
        "hand-over-to-nobody",
    ),
    mutation(
        "a caller who comes back is greeted as a new one",
        "conversation/state.py",
        "if before := settings.prologue:",
        "if (before := settings.prologue) and not settings.speaks_first:",
        "caller-comes-back",
    ),
    mutation(
        "a line is not released until the mark comes that was lost",
        "conversation/conclusions.py",
        "playback.settled(now) or now >= farewell.released(playback.ends_at, limits.goodbye)",
        "playback.settled(now) or now >= farewell.since + 60",
        "transfer-though-marks-are-lost",
        "goodbye-though-marks-are-lost",
    ),
    mutation(
        "a caller who said nothing after the tone has left a message",
        "conversation/running_errands.py",
        '"timeout" if taking.sound_at is None else "ok"',
        '"ok"',
        "message-not-left",
    ),
    mutation(
        "a caller who hangs up during the words before a transfer was put through",
        "conversation/state.py",
        'if leaving and (self.phase is HANGING_UP or leaving.result == "failed"):',
        "if leaving:",
        "hung-up-before-being-put-through",
    ),
    mutation(
        "a session that takes another's place hears the message that nobody was to hear",
        "conversation/handlers.py",
        "    payload = running_errands.hear(state, payload, now)\n    state.recent.keep(payload)\n",
        "    state.recent.keep(payload)\n    payload = running_errands.hear(state, payload, now)\n",
        "session-lost-while-a-message-is-taken",
    ),
]
