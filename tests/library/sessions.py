"""Calls that outlive their session with the model, and those that do not."""

from __future__ import annotations

from typing import Any

from library.kit import (
    ANSWER,
    ASK,
    ASKS,
    CLIPS,
    ENDS,
    HEARS,
    HELLO,
    LISTENS,
    LOOKS,
    PROMPT,
    SPARSE,
    TELL,
    call,
    spoken_with,
    tool,
)  # fmt: skip
from library.tape import Tape

RESUMES = {"on": "resume", "say": TELL}
GOES_ON: list[Any] = [*ASKS, *HEARS, {"pause": 0.3}, *LISTENS]
"""The caller hears an answer break off, and what comes then."""
SPOILED = ("audio_before_ready", "cancel_not_active", "cancel_without_response", "active_response")
LATER = {"latency_ms": 500}
"""So late an answer that whoever goes on with it does not hear the end of the question again."""
BROKEN = "On Tuesday, by mail."
"""What breaks off."""


def other(profile: str, *replies: dict[str, Any], **model: Any) -> dict[str, Any]:
    """The script of whoever takes over."""
    return {"profile": profile, "replies": list(replies), **PROMPT, **model}


def told(tape: Tape, session: int = 1) -> list[str]:
    """The kinds of items a session was told, in order."""
    return [message["item"]["type"] for message in tape.to_model("conversation.item.create", session)]


def went_on(tape: Tape) -> bool:
    """Another session finished what the first one began, knowing of it."""
    return "The call went on with" in tape.notes and tape.agents[-1] == TELL and "message" in told(tape)


MISHAPS = [
    call(
        f"session-{kind}-{first}",
        f"A session that {what} in the middle of a sentence is gone on with elsewhere, which knows what was heard.",
        [*ASKS, *HEARS, {"pause": 1.3 if how else 0.4}, *LISTENS],
        [ANSWER | {"say": BROKEN} | mishap],
        went_on,
        profile=first,
        model=LATER,
        others=[other("openai" if first == "xai" else "xai", RESUMES)],
        forgiven=SPOILED,
        **how,
        **SPARSE,
    )
    for kind, what, first, mishap, how in [
        ("closed", "is closed", "xai", {"close": 1011}, {}),
        ("out-of-quota", "says that nothing is paid for", "openai", {"error": "insufficient_quota"}, {}),
        ("falls-mute", "says nothing any more", "xai", {"mute": True}, {"limit": {"dead_air": 0.6}}),
        ("sends-garbage", "sends nothing but unusable messages", "xai", {"malformed": 100}, {}),
    ]
]

SESSIONS = [
    *MISHAPS,
    call(
        "session-frozen-and-found-out",
        "A caller who speaks and of whom the model takes no notice: whether the socket is alive is asked, and the call "
        "goes on elsewhere with what was said.",
        [{"pause": 1.0}, {"say": "Where is it, please? Do you hear me?"}, *LISTENS],
        [],
        lambda tape: (
            tape.told("CheckSession")
            and "no answer to a ping" in tape.notes
            and tape.callers == [ASK]
            and tape.agents == [TELL]
        ),
        model={"faults": [{"at_s": 1.0, "freeze": True}]},
        **SPARSE,
        others=[other("openai", ANSWER)],
        unmet=True,
        forgiven=SPOILED,
    ),
    call(
        "session-lost-while-the-caller-speaks",
        "What the caller says while nobody listens is heard by the next session, once.",
        [{"pause": 0.66}, {"say": "Where is it, please?"}, *LISTENS],
        [],
        lambda tape: tape.callers == [ASK] and tape.agents == [TELL] and "The call went on with" in tape.notes,
        model={"faults": [{"at_s": 0.8, "vanish": True}]},
        others=[other("openai", ANSWER)],
        connect=0.3,
        unmet=True,
    ),
    call(
        "session-lost-and-silence-not-sent",
        "With a carrier that sends no silence the next session hears the last seconds again, and not the question that "
        "was before them.",
        [*ASKS, *HEARS, {"pause": 1.2}, *LISTENS],
        [ANSWER | {"say": BROKEN, "close": 1011}],
        lambda tape: tape.callers == [ASK] and tape.agents[-1] == TELL,
        model=LATER,
        others=[other("openai", RESUMES)],
        connect=0.9,
        **SPARSE,
    ),
    call(
        "session-lost-while-a-function-runs",
        "A function goes on running when its session is lost; the next one is told of the call and then of its output.",
        [*ASKS, *LISTENS],
        [LOOKS | {"close": 1011, "trouble_at": "done"}],
        lambda tape: (
            len(tape.told("RunTool")) == 1
            and told(tape) == ["message", "function_call", "function_call_output"]
            and tape.agents == [TELL]
        ),
        tools=tool(0.6),
        model=LATER,
        others=[other("openai", {"on": "tool", "knows": [ASK], "say": TELL})],
        **SPARSE,
    ),
    call(
        "session-resumed-xai",
        "A conversation that xAI resumes by its id is not told again, but where its last answer broke off.",
        GOES_ON,
        [ANSWER | {"say": BROKEN, "close": 1011}, RESUMES],
        lambda tape: (
            tape.told("OpenSession")[0]["resume"]
            and told(tape) == ["message"]
            and "All that the caller has heard" in str(tape.to_model("conversation.item.create", 1))
            and tape.agents[-1] == TELL
        ),
        model={"sessions": "continue", **LATER},
        others=[{"sessions": "continue", **PROMPT, "replies": [ANSWER | {"say": BROKEN}, RESUMES]}],
        session=spoken_with(resumption={"enabled": True}),
        **SPARSE,
    ),
    call(
        "session-replaced-when-old",
        "A session that has grown old is replaced between two turns: the caller hears nothing of it, and what was said "
        "goes with the call.",
        [*ASKS, *HEARS, {"pause": 0.4}, {"say": "When?"}, *LISTENS],
        [ANSWER],
        lambda tape: (
            told(tape) == ["message", "message"]
            and tape.agents == [TELL, "Soon."]
            and "lost" not in tape.notes
            and tape.to_model("conversation.item.create", 1)[1]["item"]["role"] == "assistant"
        ),
        limit={"session": 1},
        others=[other("openai", {"on": "speech", "hears": "When?", "say": "Soon."})] + ["enough"] * 9,
        **SPARSE,
    ),
    call(
        "session-cut-off-by-its-number",
        "In a later session ids carry its number among us only: what it said is truncated and cancelled under its own.",
        [*ASKS, *HEARS, {"pause": 0.3}, {"say": "When?"}, {"wait": {"agent_ms": 60}}, {"say": "Hm?"}, "hang_up"],
        [ANSWER],
        lambda tape: (
            not tape.to_model("conversation.item.truncate", 0)
            and tape.to_model("conversation.item.truncate", 1)[0]["item_id"].startswith("item_")
            and tape.to_model("response.cancel", 1)[0]["response_id"].startswith("resp_")
        ),
        limit={"session": 1},
        others=[other("openai", {"on": "speech", "hears": "When?", "say": "On Tuesday."}, speed=[1.0, 1.0])]
        + ["enough"] * 9,
        **SPARSE,
    ),
    call(
        "session-fails-and-so-does-the-next",
        "Whoever takes over may fail in turn: the third knows as much as the second did.",
        [*GOES_ON[:-1], {"pause": 0.2}, *LISTENS],
        [ANSWER | {"say": BROKEN, "close": 1011}],
        lambda tape: told(tape, 2).count("message") >= 2 and tape.agents[-1] == TELL,
        model=LATER,
        others=[other("openai", open_error="insufficient_quota"), other("openai", RESUMES)],
        unmet=True,
        **SPARSE,
    ),
    call(
        "sessions-all-used-up",
        "After as many replacements as may be the recorded apology ends the call.",
        [*ASKS, *ENDS],
        [ANSWER | {"say": BROKEN, "close": 1011}],
        lambda tape: (
            tape.agents[-1] == "[recorded apology]"
            and len(tape.told("OpenSession")) == 1
            and tape.ending == ("failed", "model", "scripted close")
        ),
        others=[other("openai", RESUMES | {"say": BROKEN, "close": 1011})] * 3,
        model=LATER,
        limit={"replacements": 1},
        unmet=True,
        **CLIPS,
        **SPARSE,
    ),
    call(
        "nobody-answers",
        "When no model can be reached the caller hears an apology, and the call has failed.",
        [*ENDS],
        [],
        lambda tape: (
            tape.agents[-1] == "[recorded apology]"
            and tape.ending == ("failed", "model", "the model could not be reached in time")
        ),
        connect=5.0,
        limit={"connect": 0.5},
        unmet=True,
        **CLIPS,
    ),
    call(
        "nobody-goes-on-and-the-caller-is-sent-on",
        "Where a person stands behind the agent the caller is sent on to them after the apology.",
        [*ASKS, *ENDS],
        [ANSWER | {"say": BROKEN, "close": 1011}],
        lambda tape: (
            tape.told("HangUp")[0]["transfer_to"] == "+15550199"
            and tape.agents[-1] == "[recorded apology]"
            and "sent on to +15550199" in tape.notes
        ),
        model=LATER,
        others=["everybody is busy"],
        transfer_to="+15550199",
        unmet=True,
        **CLIPS,
        **SPARSE,
    ),
    call(
        "session-lost-during-the-goodbye",
        "A session that is lost while it says goodbye needs no other one: what it has said is heard, and that is all.",
        [{"say": "Bye."}, *ENDS],
        [{"on": "speech", "hears": "Bye.", "call": {"name": "hang_up"}}, {"on": "tool", "say": BROKEN, "close": 1011}],
        lambda tape: not tape.told("OpenSession") and tape.told("HangUp") and tape.agents == ["On Tuesday,"],
        unmet=True,
        **CLIPS,
    ),
    call(
        "session-refused-with-an-error",
        "A session whose first word is that the key is wrong is given up at once, and another one found.",
        LISTENS,
        [],
        lambda tape: tape.agents == ["Hello."] and "invalid_api_key" in tape.notes,
        profile="openai",
        model={"open_error": "invalid_api_key"},
        others=[other("xai", HELLO)],
        speaks_first=True,
        unmet=True,
    ),
]
