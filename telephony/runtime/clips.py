"""The recorded sentences of an agent, for when its model cannot speak: those that come with the program, or its own.

They are read and transcoded once, when the process starts: a mistake in a file must be found by whoever starts it and
not by the caller who needs the sentence. What can be read is WAV at a rate the transcoder knows; for everything else
the error gives the command that makes such a file of it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from telephony.agents.agent import Agent
from telephony.audio import wav
from telephony.audio.format import MULAW_8K, AudioFormat
from telephony.audio.pcm import rms_dbfs
from telephony.audio.resample import RATES
from telephony.audio.transcode import Transcoder
from telephony.errors import ConfigurationError
from telephony.settings import Clips, Fallback

LONGEST = 30.0
"""Seconds of a recording: nobody listens longer to an excuse."""
LARGEST = 16 * 1024 * 1024
"""Bytes of a file: thirty seconds in the quality of a studio are less."""
FAINTEST = -60.0
"""Loudness (rms below full scale) of a recording in which somebody speaks; telephone lines hiss at about this."""
FLUSH = 5.0
"""Milliseconds of silence that bring the end of a sentence out of the transcoder's filter."""


class ClipError(Exception):
    """A recording that cannot be played; *remedy* says what to do about it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def clips_for(agent: Agent) -> Clips:
    """The recorded sentences of *agent*, as `Clips` have them.

    Raises `ConfigurationError` for a file of its own that cannot be played.
    """
    fallback = agent.settings.fallback
    own = {}
    for key, file in own_clips(fallback):
        try:
            own[key] = _transcoded(own_clip(file))
        except ClipError as error:
            raise ConfigurationError(f"agents.{agent.name}.fallback.{key}", error.problem, error.remedy) from None
    # Who is put through to somebody is not asked to call again.
    names = {"apology": "transfer"} if fallback.transfer else {}
    shipped = {key: _shipped(names.get(key, key)) for key in Clips.__struct_fields__ if key not in own}
    return Clips(**own, **shipped)


def own_clips(fallback: Fallback) -> Iterator[tuple[str, Path]]:
    """Which of its sentences an agent brings itself: the setting's name, and the file."""
    for key in Clips.__struct_fields__:
        if name := getattr(fallback, key):
            yield key, Path(name)


def own_clip(file: Path) -> wav.Wav:
    """The recording in *file*, mono at 8, 16 or 24 kHz; raises `ClipError`."""
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        remedy = "Let it name a WAV file; a path in the configuration file starts from where that file lies."
        raise ClipError(f"{file} cannot be read ({error.strerror})", remedy) from None
    if len(data) > LARGEST:
        raise ClipError(f"{file} is larger than {LARGEST // 1024**2} MiB", _convert(file, cut=True))
    try:
        recording = wav.read(data)
    except ValueError as error:
        raise ClipError(f"{file} cannot be played: {str(error).rstrip('.')}", _convert(file)) from None
    _judge(file, recording)
    return recording


def _judge(file: Path, recording: wav.Wav) -> None:
    if recording.channels != 1:
        raise ClipError(f"{file} has {recording.channels} channels, and a telephone has one", _convert(file))
    if recording.format.rate not in RATES:
        problem = f"{file} has {recording.format.rate} samples a second, and only {_listed(RATES)} can be played"
        raise ClipError(problem, _convert(file))
    if recording.seconds > LONGEST:
        problem = f"{file} is {recording.seconds:.0f} s long, and callers are asked to listen for {LONGEST:g} s at most"
        raise ClipError(problem, _convert(file, cut=True))
    spoken = Transcoder(recording.format, AudioFormat("pcm16", recording.format.rate)).feed(recording.data)
    if not spoken or rms_dbfs(spoken) < FAINTEST:
        raise ClipError(f"nothing can be heard in {file}", "Record the sentence again; it must not be silent.")


def _convert(file: Path, *, cut: bool = False) -> str:
    """How to make a file that can be played of *file*, with a program that every system has."""
    better = file.with_name(f"{file.stem}-telephone.wav")
    names = f"{shlex.quote(str(file))} -c 1 -r 24000 -b 16 -e signed-integer {shlex.quote(str(better))}"
    return f"Convert it and name the new file: sox {names}{f' trim 0 {LONGEST:g}' if cut else ''}"


def _listed(numbers: tuple[int, ...]) -> str:
    *most, last = map(str, numbers)
    return f"{', '.join(most)} or {last}"


def _shipped(name: str) -> bytes:
    return resources.files("telephony").joinpath("clips", f"{name}.ulaw").read_bytes()


def _transcoded(recording: wav.Wav) -> bytes:
    transcoder = Transcoder(recording.format, MULAW_8K)
    silence = recording.format.silence(FLUSH) if transcoder.delay else b""
    return transcoder.feed(recording.data + silence)
