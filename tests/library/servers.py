"""The ways of the models' servers: replies that are dropped, fail or never end, and messages of every spelling."""

from __future__ import annotations

from library.kit import ANSWER, ASK, ASKS, CLIPS, ENDS, HEARS, HELLO, LISTENS, SPARSE, TELL, at, call, from_model
from library.tape import Tape
from telephony.events import ServerStopping
from telephony.sim.model_trouble import MALFORMED


def answered(tape: Tape) -> bool:
    """The caller was understood and answered, in spite of everything."""
    return bool(tape.callers == [ASK] and tape.agents == [TELL])


SERVERS = [
    call(
        "reply-failed",
        "A response that fails is asked for again at once.",
        [*ASKS, *LISTENS],
        [{"on": "speech", "hears": ASK, "fail": "server_error"}, {"on": "prompt", "say": TELL}],
        lambda tape: answered(tape) and "A response failed" in tape.notes,
        **SPARSE,
    ),
    call(
        "reply-dropped-xai",
        "A caller who goes on before xAI has closed the turn makes it drop its reply without a word: the next response "
        "is the answer, and nothing is asked for twice.",
        [{"say": "Where"}, {"pause": 0.18}, {"say": "is it?"}, *LISTENS],
        [ANSWER],
        lambda tape: (
            tape.agents == [TELL]
            and len(tape.from_model("response.created")) == 2
            and len(tape.from_model("response.done")) == 1
        ),
        model={"created_ms": 10, "commit_ms": 200, "latency_ms": 250},
        unmet=True,
    ),
    call(
        "reply-never-closed",
        "A response of which everything was said and that is never closed does not hold up what follows.",
        [*ASKS, *HEARS, {"say": "When?"}, *LISTENS],
        [ANSWER | {"omit_done": True}, {"on": "speech", "hears": "When?", "say": "Soon."}],
        lambda tape: tape.agents == [TELL, "Soon."] and len(tape.from_model("response.done")) < 3,
        **SPARSE,
    ),
    call(
        "reply-in-tiny-deltas",
        "Audio that comes in pieces smaller than a frame is put together, and none of it waits for ever.",
        [*ASKS, *LISTENS],
        [ANSWER | {"delta_ms": [2, 12]}],
        lambda tape: answered(tape) and len(tape.from_model("response.output_audio.delta")) > 30,
        **SPARSE,
    ),
    call(
        "request-crosses-an-answer",
        "A response asked for while the model has begun another by itself is refused, and asked for again when "
        "that one is over.",
        [*ASKS, *ENDS],
        [ANSWER, {"on": "prompt", "say": "Call again."}],
        lambda tape: (
            len(tape.to_model("response.create")) == 2
            and tape.from_model("error")
            and tape.agents == [TELL, "Call again."]
        ),
        model={"created_ms": 1580},
        prepare=at(0.9, ServerStopping()),
        latency=0.05,
        connect=0.1,
        profile="openai",
        **SPARSE,
    ),
    call(
        "transcripts-repeated-xai",
        "Of the transcripts that xAI repeats while a turn goes on the last one counts, and the turn is one.",
        [{"say": "Where is it now?"}, *LISTENS],
        [ANSWER | {"hears": "Where is it now?"}],
        lambda tape: (
            tape.callers == ["Where is it now?"]
            and len(tape.from_model("conversation.item.input_audio_transcription.completed")) >= 3
        ),
    ),
    call(
        "transcript-in-pieces-openai",
        "OpenAI's transcript comes in pieces and then as a whole, which replaces them.",
        [{"say": "Where is it now?"}, *LISTENS],
        [ANSWER | {"hears": "Where is it now?"}],
        lambda tape: (
            tape.callers == ["Where is it now?"]
            and tape.from_model("conversation.item.input_audio_transcription.delta")
        ),
        profile="openai",
    ),
    call(
        "transcript-provisional-at-the-end",
        "A caller who hangs up before the turn was understood to the end leaves what was understood by then.",
        [{"say": "Where is it now?"}, "hang_up"],
        [ANSWER | {"hears": "Where is it now?"}],
        lambda tape: [turn["final"] for turn in tape.record["turns"]] == [False],
        unmet=True,
    ),
    call(
        "format-not-as-asked",
        "A server that speaks another format than it was asked for is understood, and the record says so.",
        [*ASKS, *LISTENS],
        [ANSWER],
        lambda tape: answered(tape) and "though" in tape.notes,
        model={"echo_wrong_format": True},
    ),
    call(
        "beta-names",
        "The event names of OpenAI's beta mean the same.",
        [*ASKS, *LISTENS],
        [ANSWER],
        lambda tape: answered(tape) and tape.from_model("response.audio.delta"),
        profile="openai",
        model={"beta_names": True},
    ),
    call(
        "first-events-missing",
        "A server that says nothing before it accepts the session is spoken to all the same.",
        [*ASKS, *LISTENS],
        [ANSWER],
        lambda tape: answered(tape) and not tape.from_model("session.created"),
        model={"first_events": "none"},
    ),
    call(
        "speech-noticed-late",
        "A server that tells of the caller's speech only when it is over: the answer is not taken for talked over.",
        [*ASKS, *LISTENS],
        [ANSWER],
        answered,
        model={"late_speech_started": True},
    ),
    call(
        "malformed-messages-from-the-model",
        "Messages that are no events are passed over, whatever is in them.",
        [*ASKS, *LISTENS],
        [ANSWER],
        answered,
        prepare=from_model(0.3, *MALFORMED),
    ),
    call(
        "session-never-acknowledged",
        "A server that never acknowledges the session is tried without, while another one is looked for.",
        [*HEARS, {"pause": 0.2}, *LISTENS],
        [HELLO],
        lambda tape: "did not acknowledge the session in time" in tape.notes and tape.agents[-1] == "Hello.",
        model={"never_ready": True},
        limit={"connect": 1.0},
        speaks_first=True,
        unmet=True,
        forgiven=("audio_before_ready",),
        **CLIPS,
        **SPARSE,
    ),
    call(
        "errors-that-mean-nothing",
        "An error that concerns one request is noted in the record, and the call goes on.",
        [*ASKS, *LISTENS],
        [ANSWER | {"error": "internal_error"}],
        lambda tape: answered(tape) and "The model reported an error" in tape.notes,
    ),
]
