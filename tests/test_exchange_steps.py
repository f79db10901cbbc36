"""`Exchange.steps`: while it stays the same, a timer set for the deadline need not be looked at again."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from telephony.bench import messages
from telephony.carriers.twilio import TwilioStream
from telephony.events import CallStarted, ModelLost, ToolRequested
from telephony.exchange import Exchange
from telephony.realtime import dialect
from telephony.settings import CallSettings, SessionConfig, ToolSpec

LOOKUP = ToolSpec("lookup_order", "Looks an order up.", {"type": "object", "properties": {}})
DELTA = messages.audio_delta("resp_1", "item_1", b"\1\2" * 2400)
MODEL = [
    messages.session_updated({"turn_detection": {"type": "server_vad"}}),
    messages.speech_started("c", 100),
    messages.speech_stopped("c", 200),
    messages.response_created("resp_1"),
    DELTA,
    messages.response_done("resp_1", "completed"),
]
FRAME, TICK, TOOL, LOST = "frame", "tick", "tool", "lost"
HAPPENINGS = st.lists(
    st.tuples(st.sampled_from([FRAME] * 6 + [TICK, TOOL, LOST] + MODEL), st.floats(0, 3)), min_size=1, max_size=60
)


def exchange(*, speaks_first: bool) -> Exchange:
    carrier = TwilioStream()
    (started,) = carrier.decode(messages.start())
    assert isinstance(started, CallStarted)
    settings = CallSettings("test", SessionConfig(tools=(LOOKUP,)), speaks_first=speaks_first)
    exchange = Exchange(settings, started, carrier)
    exchange.model_connected(dialect("xai", settings.session), "model", 0.0)
    return exchange


@given(HAPPENINGS, st.booleans())
def test_deadline_never_moves_closer_while_steps_stay_the_same(
    happenings: list[tuple[str, float]], speaks_first: bool
) -> None:
    call = exchange(speaks_first=speaks_first)
    media = messages.MediaWriter()
    now, frames = 0.0, 0
    for what, pause in happenings:
        now += pause
        before, steps = call.deadline() or math.inf, call.steps
        match what:
            case "frame":
                call.from_carrier(media(frames), now)
                frames += 1 + round(pause * 50)
            case "tick":
                call.tick(now)
            case "tool":
                call.handle(ToolRequested("resp_1", f"call_{now}", "lookup_order", "{}"), now)
            case "lost":
                call.handle(ModelLost("gone"), now)
            case _:
                call.from_model(what, now)
        assert call.steps > steps or (call.deadline() or math.inf) >= before
        assert call.steps == steps or what != "frame"
