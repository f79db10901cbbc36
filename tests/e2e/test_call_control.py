"""What tools do to the call itself, over real sockets: keys sounded and collected, messages taken, the end."""

from __future__ import annotations

import base64
import itertools
from pathlib import Path
from typing import Any

import pytest

from offices import NOWHERE, ShortVoice, World, opened, outside, settings_for, world
from telephony.agents.agent import Agent
from telephony.audio import wav
from telephony.audio.dtmf import DtmfDetector, Tone
from telephony.audio.format import PCM16_8K, PCM16_24K
from telephony.audio.g711 import mulaw_to_pcm
from telephony.audio.transcode import Transcoder
from telephony.cassette.format import Cassette
from telephony.cassette.replay import replay
from telephony.records import CallRecord, Termination
from telephony.runtime.cassettes import new_carrier, open_cassette
from telephony.settings import LiteLLMParams, ModelEntry
from telephony.simulate.caller import CallOutcome
from telephony.tools import CallContext, tool

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]

CARD = "4929137562083614"
HUNG_UP = Termination("completed", "caller", "caller hung up")
PAID: list[str] = []


@tool
async def pay(call: CallContext, card: str) -> str:
    """Charge a card.

    Args:
        card: The handle of the card's number.
    """
    PAID.append(call.redeem(card))
    return "paid"


@tool
async def hurry(call: CallContext) -> str:
    """Ask for a PIN."""
    digits = await call.collect_digits(prompt="Your PIN?", length=4, patience=0.5)
    return f"{digits.outcome}: {digits.count} digits"


@tool
async def say_goodbye(call: CallContext) -> str:
    """End the call."""
    await call.say("It was a pleasure.")
    await call.hang_up()
    return "The call ends now."


def asked(*replies: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"on": "greeting", "say": "Hello."}, {"on": "speech", "hears": "Do it.", **replies[0]}, *replies[1:]]


BEGINS: list[Any] = [{"wait": "agent"}, {"say": "Do it."}]


def message_of(record: CallRecord) -> wav.Wav:
    """The one that the caller left."""
    (note,) = record.notes
    return wav.read(Path(note.rpartition(" ")[2]).read_bytes())


def recorded_caller(record: CallRecord) -> bytes:
    caller, _ = wav.split(wav.read(Path(record.recording).read_bytes()))
    return caller


def model_heard(record: CallRecord) -> bytes:
    """What went to the model, at 8 kHz."""
    lines = [line for line in open_cassette(Path(record.cassette)).lines if line.ch == "model" and line.dir == "out"]
    sent = [base64.b64decode(line.message["audio"]) for line in lines if "audio" in line.message]
    return Transcoder(PCM16_24K, PCM16_8K).feed(b"".join(sent))


def holding(folder: Path, text: str) -> list[Path]:
    """The files in *folder* in which *text* stands."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) >= 3
    return [path for path in files if text.encode() in path.read_bytes()]


def tones(pcm: bytes) -> list[Tone]:
    detector = DtmfDetector()
    return [*detector.feed(pcm), *detector.finish()]


async def called(
    folder: Path, replies: list[dict[str, Any]], *steps: Any, tools: list[Any], seconds: float = 0.5
) -> tuple[World, CallOutcome, CallRecord]:
    agent = Agent("frontdesk", greeting="Hello.", tools=tools)
    voice = ShortVoice("agent", seconds)
    async with world(folder, {"replies": replies}, agent, voice=voice) as made:
        outcome = await made.call(*BEGINS, *steps)
        assert made.outside.faults() == []
        return made, outcome, await made.record(outcome)


async def test_keys_are_sounded_on_the_line_and_the_model_is_told_once_they_were_heard(tmp_path: Path) -> None:
    replies = asked(
        {"call": {"name": "send_digits", "arguments": {"keys": "12w#"}}},
        {"on": "tool", "say": "Done.", "expect": {"send_digits": {"status": "ok"}}},
    )
    steps = [{"wait": "agent"}, {"wait": {"quiet": 1.5}}, "hang_up"]
    _, outcome, record = await called(tmp_path, replies, *steps, tools=["builtin:send_digits"])
    assert outcome.complaints == []
    assert [(use.name, use.outcome) for use in record.tools] == [("send_digits", "ok")]
    sounded = tones(mulaw_to_pcm(outcome.heard))
    assert [tone.key for tone in sounded] == ["1", "2", "#"]
    between = [(later.start - tone.end) / 8000 for tone, later in itertools.pairwise(sounded)]
    assert between == pytest.approx([0.1, 0.6], abs=0.02)
    assert "[keys 12w#]" in [turn.heard for turn in record.turns]


async def test_digits_are_collected_and_the_agent_falls_silent_at_the_first_key(tmp_path: Path) -> None:
    replies = asked(
        {"call": {"name": "collect_digits", "arguments": {"prompt": "Your number?", "length": 4}}},
        {"on": "tool", "say": "Thanks.", "expect": {"collect_digits": {"status": "ok", "digits": "4711"}}},
    )
    steps = [{"wait": {"agent_ms": 700}}, {"press": "4711"}, {"wait": "agent"}, "hang_up"]
    _, outcome, record = await called(tmp_path, replies, *steps, tools=["builtin:collect_digits"], seconds=3)
    assert outcome.complaints == []
    assert [turn.heard for turn in record.turns if turn.speaker == "keypad"] == ["4711"]
    assert [turn.interrupted for turn in record.turns if turn.speaker == "agent"] == [False, True, False]


async def test_secret_digits_are_nowhere_but_with_the_function_that_has_the_handle(tmp_path: Path) -> None:
    PAID.clear()
    replies = asked(
        {"call": {"name": "collect_secret_digits", "arguments": {"prompt": "Your card?", "length": 16}}},
        {"on": "tool", "call": {"name": "pay", "arguments": {"card": "secret-1"}}},
        {"on": "tool", "say": "Thanks.", "expect": {"pay": "paid"}},
    )
    steps = [{"wait": "agent"}, {"press": {"keys": CARD, "tones": True}}, {"wait": "agent"}, "hang_up"]
    made, outcome, record = await called(tmp_path, replies, *steps, tools=["builtin:collect_secret_digits", pay])
    assert outcome.complaints == []
    assert PAID == [CARD]
    assert [turn.heard for turn in record.turns if turn.speaker == "keypad"] == ["•" * 16]
    assert holding(tmp_path, CARD) == []
    assert CARD not in repr(made.notes)
    assert [tone.key for tone in tones(mulaw_to_pcm(outcome.said))] == [*CARD]
    assert tones(recorded_caller(record)) == []
    assert tones(model_heard(record)) == []
    assert replay(open_cassette(Path(record.cassette)), new_carrier).divergence is None


async def test_a_message_is_taken_into_a_file_of_its_own_and_the_model_hears_nothing_of_it(tmp_path: Path) -> None:
    replies = asked(
        {"say": "After the tone.", "call": {"name": "voicemail"}},
        {"on": "tool", "say": "Thanks.", "expect": {"voicemail": {"status": "ok"}}},
    )
    steps = [
        {"wait": {"quiet": 1.2}}, {"say": "Call me back."}, {"pause": 1}, {"press": "#"}, {"wait": "agent"}, "hang_up",
    ]  # fmt: skip
    _, outcome, record = await called(tmp_path, replies, *steps, tools=["builtin:voicemail"])
    assert outcome.complaints == []
    assert record.termination == HUNG_UP
    message = message_of(record)
    assert (message.channels, message.format.rate) == (1, 8000)
    assert 1.0 < len(message.data) / 16000 < 4.0
    assert "Call me back." not in [turn.heard for turn in record.turns]


async def test_a_caller_who_hangs_up_in_the_middle_of_a_message_has_left_it(tmp_path: Path) -> None:
    replies = asked({"say": "After the tone.", "call": {"name": "voicemail"}})
    steps = [{"wait": {"quiet": 1.2}}, {"say": "Call me back."}, {"pause": 0.3}, "hang_up"]
    _, _, record = await called(tmp_path, replies, *steps, tools=["builtin:voicemail"])
    assert len(message_of(record).data) > 8000


async def test_digits_that_do_not_come_are_asked_for_again_and_given_up(tmp_path: Path) -> None:
    replies = asked(
        {"call": {"name": "hurry"}}, {"on": "tool", "say": "Never mind.", "expect": {"hurry": "timeout: 0 digits"}}
    )
    steps = [{"wait": {"quiet": 3}}, "hang_up"]
    _, outcome, record = await called(tmp_path, replies, *steps, tools=[hurry])
    assert outcome.complaints == []
    said = [turn.heard for turn in record.turns if turn.speaker == "agent"]
    assert said == ["Hello.", "Your PIN?", "Your PIN?", "Never mind."]


async def test_a_caller_who_answers_aloud_instead_of_typing_is_answered(tmp_path: Path) -> None:
    replies = asked(
        {"call": {"name": "collect_digits", "arguments": {"prompt": "Your number?", "length": 4}}},
        {"on": "speech", "hears": "I have none.", "say": "Never mind.", "knows_once": ["They spoke instead of typing"]},
    )
    steps = [{"wait": "agent"}, {"say": "I have none."}, {"wait": "agent"}, "hang_up"]
    made, outcome, record = await called(tmp_path, replies, *steps, tools=["builtin:collect_digits"])
    assert outcome.complaints == made.outside.unmet() == []
    assert [turn.heard for turn in record.turns][-3:] == ["Your number?", "I have none.", "Never mind."]
    assert [(use.name, use.outcome) for use in record.tools] == [("collect_digits", "ok")]


async def test_a_caller_who_says_nothing_after_the_tone_has_left_no_message(tmp_path: Path) -> None:
    replies = asked(
        {"say": "After the tone.", "call": {"name": "voicemail"}},
        {"on": "tool", "say": "Once more?", "expect": {"voicemail": "Nothing was said"}},
    )
    steps = [{"wait": "agent"}, {"wait": "agent"}, "hang_up"]
    made, outcome, record = await called(tmp_path, replies, *steps, tools=["builtin:voicemail"])
    assert outcome.complaints == made.outside.unmet() == []
    assert [turn.heard for turn in record.turns][-2:] == ["[tone]", "Once more?"]


async def test_a_tool_can_end_the_call_once_its_words_were_heard(tmp_path: Path) -> None:
    replies = asked(
        {"call": {"name": "say_goodbye"}},
        {"on": "tool", "say": "Goodbye."},
    )
    _, outcome, record = await called(tmp_path, replies, {"wait": "end"}, tools=[say_goodbye])
    assert outcome.complaints == []
    assert record.termination == Termination("completed", "agent", "agent hung up")
    said = [turn.heard for turn in record.turns if turn.speaker == "agent"]
    assert said == ["Hello.", "It was a pleasure.", "Goodbye."]


async def test_another_agent_goes_on_with_the_caller_with_its_own_words_voice_and_tools(tmp_path: Path) -> None:
    desk = Agent(
        "frontdesk", model="one", greeting="Hello.", tools=["builtin:hand_over"], hand_over=["billing"], voice="eve"
    )
    billing = Agent("billing", model="two", instructions="Do the bills.", tools=["builtin:hang_up"], voice="ara")
    calls = {"name": "hand_over", "arguments": {"agent": "billing"}}
    first = [{"on": "speech", "hears": "My bill?", "say": "One moment.", "call": calls}]
    second = [
        {"on": "resume", "say": "Billing here.", "knows": ["My bill?"]},
        {"on": "speech", "hears": "Bye.", "say": "Goodbye.", "call": {"name": "hang_up"}},
    ]
    steps = [{"wait": "agent"}, {"say": "My bill?"}, {"wait": {"quiet": 2.5}}, {"say": "Bye."}, {"wait": "end"}]
    voice = ShortVoice("agent")
    async with outside({"replies": first}, voice=voice) as one, outside({"replies": second}, voice=voice) as two:
        models = [entry("one", one.model.url), entry("two", two.model.url)]
        settings = settings_for(tmp_path, rest=one.rest.base_url, model_list=models, numbers={"*": "frontdesk"})
        async with opened(settings, one, desk, billing) as made:
            outcome = await made.call(*steps)
            record = await made.record(outcome)
        assert [*one.faults(), *two.faults(), *two.unmet(), *outcome.complaints] == []
    said = [turn.heard for turn in record.turns if turn.speaker == "agent"]
    assert said == ["Hello.", "One moment.", "Billing here.", "Goodbye."]
    assert record.termination == Termination("completed", "agent", "agent hung up")
    assert "billing took over from frontdesk" in record.notes[0]
    cassette = open_cassette(Path(record.cassette))
    assert configured(cassette, 0)["voice"] == "eve"
    assert (configured(cassette, 1)["voice"], configured(cassette, 1)["instructions"]) == ("ara", "Do the bills.")
    assert replay(cassette, new_carrier).divergence is None


async def test_a_caller_whom_another_agent_cannot_take_stays_with_the_first_who_is_told_so(tmp_path: Path) -> None:
    desk = Agent("frontdesk", model="one", greeting="Hello.", tools=["builtin:hand_over"], hand_over=["billing"])
    calls = {"name": "hand_over", "arguments": {"agent": "billing"}}
    replies = [
        *asked({"say": "One moment.", "call": calls}),
        {"on": "tool", "knows_once": ["billing is not available"], "say": "I am sorry."},
    ]
    async with outside({"replies": replies}, voice=ShortVoice("agent")) as one:
        models = [entry("one", one.model.url), entry("two", NOWHERE)]
        settings = settings_for(tmp_path, rest=one.rest.base_url, model_list=models, numbers={"*": "frontdesk"})
        async with opened(settings, one, desk, Agent("billing", model="two")) as made:
            outcome = await made.call(*BEGINS, {"wait": {"quiet": 2.5}}, "hang_up")
            record = await made.record(outcome)
        assert [*one.faults(), *one.unmet(), *outcome.complaints] == []
    assert [turn.heard for turn in record.turns if turn.speaker == "agent"] == ["Hello.", "One moment.", "I am sorry."]
    assert (record.agent, record.termination) == ("frontdesk", HUNG_UP)


def entry(name: str, url: str) -> ModelEntry:
    return ModelEntry(model_name=name, litellm_params=LiteLLMParams(model="xai/grok", api_base=url))


def configured(cassette: Cassette, session: int) -> dict[str, Any]:
    """What one of the call's sessions was told to be."""
    lines = [line for line in cassette.lines if (line.ch, line.dir, line.session) == ("model", "out", session)]
    return next(line.message["session"] for line in lines if line.message["type"] == "session.update")
