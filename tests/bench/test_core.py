"""`bench core` runs whole calls, so whatever it times has really been done."""

from __future__ import annotations

from telephony.bench import core


def test_figures_are_those_of_a_frame_a_delta_and_a_minute() -> None:
    figures = core.measure(blocks=1, seconds=1)
    assert [figure.name for figure in figures] == [
        "core.frame.p50",
        "core.frame.p90",
        "core.delta.p50",
        "core.delta.p90",
        "core.call_minute",
    ]


def test_every_frame_becomes_one_message_for_the_model() -> None:
    script = core.caller_frames(2)
    assert len(script) == 100
    assert core.play(script) == core.play_plain(script) == 100


def test_every_delta_becomes_audio_and_a_mark() -> None:
    script = core.model_deltas(2)
    audio = core.play_plain(script)
    assert audio == 20
    assert core.play(script) >= 2 * audio


def test_conversation_has_an_interruption_in_every_answer() -> None:
    script = core.conversation(8)
    assert [at for at, _, _ in script] == sorted(at for at, _, _ in script)
    assert sum("speech_started" in message for _, _, message in script) == 2
    assert core.play(script) > core.play_plain(script) == 400 + 40
