"""G.711 mu-law and A-law <-> PCM16, by the C code of `audioop`.

`audioop` left the standard library with Python 3.13; from there on the `audioop-lts` distribution provides the same
module. It works in the machine's byte order, which is little-endian wherever this program runs.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

from telephony.audio.format import Encoding
from telephony.audio.pcm import check_whole

with warnings.catch_warnings():
    # Python 3.11 and 3.12 announce the removal on import; we are prepared for it, so users need not hear of it.
    warnings.filterwarnings("ignore", "'audioop' is deprecated", DeprecationWarning)
    import audioop

WIDTH = 2
"""Bytes per PCM16 sample, as `audioop` wants to be told."""


def mulaw_to_pcm(mulaw: bytes) -> bytes:
    """One byte per sample in, two out; peaks at +-32124."""
    return bytes(audioop.ulaw2lin(mulaw, WIDTH))


def pcm_to_mulaw(pcm: bytes) -> bytes:
    """Two bytes per sample in, one out. Louder than 32635 clips (G.711's virtual decision value).

    Raises:
        ValueError: *pcm* ends in the middle of a sample.
    """
    check_whole(pcm)
    return bytes(audioop.lin2ulaw(pcm, WIDTH))


def alaw_to_pcm(alaw: bytes) -> bytes:
    """One byte per sample in, two out; peaks at +-32256."""
    return bytes(audioop.alaw2lin(alaw, WIDTH))


def pcm_to_alaw(pcm: bytes) -> bytes:
    """Two bytes per sample in, one out.

    Raises:
        ValueError: *pcm* ends in the middle of a sample.
    """
    check_whole(pcm)
    return bytes(audioop.lin2alaw(pcm, WIDTH))


_EVERY_CODE = bytes(range(256))
_MULAW_TO_ALAW = pcm_to_alaw(mulaw_to_pcm(_EVERY_CODE))
_ALAW_TO_MULAW = pcm_to_mulaw(alaw_to_pcm(_EVERY_CODE))


def mulaw_to_alaw(mulaw: bytes) -> bytes:
    """By a table of the nearest A-law code for each mu-law code."""
    return mulaw.translate(_MULAW_TO_ALAW)


def alaw_to_mulaw(alaw: bytes) -> bytes:
    """By a table of the nearest mu-law code for each A-law code."""
    return alaw.translate(_ALAW_TO_MULAW)


Conversion = Callable[[bytes], bytes]

DIRECT: dict[tuple[Encoding, Encoding], Conversion] = {
    ("mulaw", "pcm16"): mulaw_to_pcm,
    ("pcm16", "mulaw"): pcm_to_mulaw,
    ("alaw", "pcm16"): alaw_to_pcm,
    ("pcm16", "alaw"): pcm_to_alaw,
    ("mulaw", "alaw"): mulaw_to_alaw,
    ("alaw", "mulaw"): alaw_to_mulaw,
}
"""Every change of encoding that keeps the rate."""
