"""What the caller's ear makes of what was played."""

from __future__ import annotations

from telephony.sim.hearing import Hearing, audible
from telephony.sim.noise import white_noise

VOICE, QUIET = white_noise(-20, 160), b"\xff" * 160


def hear(hearing: Hearing, **ms: int) -> list[str]:
    changes = []
    for what, length in ms.items():
        window = VOICE if what.startswith("voice") else QUIET
        changes += [hearing.window(window) for _ in range(length // 20)]
    return [change for change in changes if change]


def test_speech_is_audible_and_line_noise_is_not() -> None:
    assert audible(VOICE)
    assert audible(white_noise(-40, 160))
    for quiet in (b"", QUIET, b"\x7f" * 160, white_noise(-55, 160)):
        assert not audible(quiet)


def test_an_utterance_begins_with_its_first_sound_and_ends_after_a_pause() -> None:
    hearing = Hearing()
    assert hear(hearing, quiet=200, voice=400, quiet_short=500, voice_again=100) == ["speaks"]
    assert (hearing.began_ms, hearing.voiced_ms, hearing.heard_ms()) == (200, 1200, 1000)
    assert hear(hearing, quiet=600) == ["quiet"]
    assert hearing.heard_ms() == 0
    assert hearing.quiet_ms() == 600
    assert hearing.quiet_ms(since=1700) == 100


def test_an_answer_is_what_begins_after_the_caller_fell_silent() -> None:
    hearing = Hearing()
    hear(hearing, voice=1000)
    assert hearing.answered()
    hearing.listen()
    assert not hearing.answered()
    hear(hearing, voice_rest=500, quiet=1000)
    assert not hearing.answered()
    hear(hearing, voice_new=20)
    assert hearing.answered()


def test_speech_that_runs_on_for_long_enough_is_an_answer_too() -> None:
    hearing = Hearing()
    hear(hearing, voice=1000)
    hearing.listen()
    hear(hearing, voice_on=980)
    assert not hearing.answered()
    hear(hearing, voice_on=20)
    assert hearing.answered()
    assert hearing.heard_ms() == 1000


def test_what_was_audible_is_counted_without_pauses_from_when_the_caller_listens() -> None:
    hearing = Hearing()
    hear(hearing, voice=400, quiet=2000, voice_again=200)
    assert hearing.spoken_ms == 600
    hearing.listen()
    hear(hearing, voice=100)
    assert hearing.spoken_ms == 100
