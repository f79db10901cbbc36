"""How calls begin: who greets whom, with which words, and what becomes of a caller who does not wait."""

from __future__ import annotations

from library.kit import ANSWER, ASK, ASKS, CLIPS, HEARS, HELLO, LISTENS, SPARSE, TELL, call

GREETS = {"speaks_first": True}

OPENINGS = [
    call(
        "greeting-word-for-word-xai",
        "The greeting of the settings is said word for word, as a force_message, without a response.create beside it.",
        LISTENS,
        [HELLO],
        lambda tape: (
            tape.agents == ["Hello."]
            and tape.to_model("conversation.item.create")[0]["item"]["type"] == "force_message"
            and not tape.to_model("response.create")
        ),
        **GREETS,
    ),
    call(
        "greeting-word-for-word-openai",
        "Where nothing can be said verbatim, one response is asked for with the greeting in its instructions and no "
        "tools.",
        LISTENS,
        [HELLO],
        lambda tape: (
            tape.agents == ["Hello."] and tape.to_model("response.create")[0]["response"]["tool_choice"] == "none"
        ),
        profile="openai",
        **GREETS,
    ),
    call(
        "greeting-word-for-word-litellm",
        "Through a LiteLLM proxy voice and turn detection stand in both places of the session.",
        LISTENS,
        [HELLO],
        lambda tape: (
            tape.agents == ["Hello."]
            and tape.to_model("session.update")[0]["session"]["turn_detection"]
            and tape.header.dialect == "litellm"
        ),
        spoken="litellm",
        forgiven=("unknown_parameter", "misplaced_setting"),
        **GREETS,
    ),
    call(
        "greeting-in-its-own-words",
        "Without a greeting in the settings the model is asked once to begin, with no instructions.",
        LISTENS,
        [HELLO],
        lambda tape: tape.agents == ["Hello."] and tape.to_model("response.create") == [{"type": "response.create"}],
        greeting=None,
        **GREETS,
    ),
    call(
        "greeting-uninterruptible",
        "A caller who talks over an uninterruptible greeting stops nothing: the model is given silence until it was "
        "heard, and is told that it cannot be interrupted.",
        [{"wait": {"agent_ms": 100}}, {"say": "Hm?"}, {"wait": {"quiet": 0.4}}, *ASKS, *LISTENS],
        [ANSWER | {"say": "Soon."}],
        lambda tape: (
            tape.agents == ["Recorded.", "Soon."]
            and tape.callers == [ASK]
            and tape.to_model("conversation.item.create")[0]["item"]["interruptible"] is False
            and not tape.to_carrier("clear")
        ),
        greeting="Recorded.",
        greeting_interruptible=False,
        **GREETS,
        **SPARSE,
    ),
    call(
        "caller-speaks-first",
        "An agent that does not speak first waits, and what the caller says before the session is ready reaches it.",
        [*ASKS, *LISTENS],
        [ANSWER],
        lambda tape: tape.agents == [TELL] and tape.callers == [ASK] and not tape.to_model("response.create"),
        connect=0.4,
    ),
    call(
        "caller-speaks-while-connecting",
        "What is said while the model is being reached is kept, and given to it before the greeting is asked for.",
        [*ASKS, *LISTENS],
        [HELLO, ANSWER],
        lambda tape: (
            tape.callers == [ASK]
            and tape.agents == ["Hello."]
            and min(tape.times("model", "out", "input_audio_buffer.append")) > 0.8
        ),
        connect=0.8,
        unmet=True,
        **GREETS,
    ),
    call(
        "filler-while-connecting",
        "A caller who waits for the first session hears the filler, and then the greeting.",
        [*HEARS, {"pause": 0.5}, *LISTENS],
        [HELLO],
        lambda tape: tape.agents == ["[recorded filler]", "Hello."],
        connect=1.9,
        unmet=True,
        **CLIPS,
        **GREETS,
    ),
]
