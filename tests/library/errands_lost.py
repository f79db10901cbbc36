"""Errands whose session with the model is lost: the caller types on or speaks on, and another session is told of it."""

from __future__ import annotations

from typing import Any

from library.errands import NUMBER, both, ended, keypad
from library.kit import ASK, ASKS, LISTENS, LOOKS, PROMPT, SPARSE, TELL, at, call, tool
from library.sessions import LATER
from telephony.events import KeysWanted, MessageWanted, ModelLost

LOST = ModelLost("gone", None, 0)
TAKES_UP: list[Any] = [{"profile": "openai", "replies": [{"on": "tool", "knows": [ASK], "say": TELL}], **PROMPT}]

ERRANDS_LOST = [
    call(
        "session-lost-while-keys-are-collected",
        "A caller types on when the session is lost, and the next one is told the function's output.",
        [*ASKS, {"pause": 2.0}, {"press": "47"}, *LISTENS],
        [LOOKS],
        lambda tape: ended(tape) == [("ok", "47")] and keypad(tape) == ["47"] and tape.agents[-1] == TELL,
        prepare=both(at(1.2, KeysWanted("e1", 2, 2, prompt=NUMBER)), at(2.2, LOST)),
        tools=tool(3.0),
        others=TAKES_UP,
        unmet=True,
        **SPARSE,
    ),
    call(
        "session-lost-while-a-message-is-taken",
        "A message goes on when the session is lost, and none of it is heard by the one that comes.",
        [*ASKS, {"pause": 1.8}, {"say": "Call me."}, {"wait": {"quiet": 1.5}}, *LISTENS],
        [LOOKS],
        lambda tape: (
            ended(tape) == [("ok", "")]
            and 0.9 < tape.told("ErrandDone")[0]["seconds"] < 2.5
            and tape.callers == [ASK]
            and tape.agents[-1] == TELL
        ),
        prepare=both(at(1.6, MessageWanted("e1", silence=0.6)), at(2.4, LOST)),
        tools=tool(3.0),
        model=LATER,
        others=TAKES_UP,
        unmet=True,
    ),
]
