"""WAV as bytes, without files: written plainly, read generously.

A recording is written while its call lasts, so a killed process leaves a header that says less than what stands behind
it (0, the length of an hour ago, or 0xFFFFFFFF for "unknown"). The bytes are believed, not the header; `read` takes
what is there. The lengths in the header are those of the "Multimedia Programming Interface and Data Specifications 1.0"
(RIFF), little-endian, chunks padded to even length.
"""

from __future__ import annotations

import struct

import msgspec
import numpy as np

from telephony.audio.format import AudioFormat, Encoding

UNKNOWN = 0xFFFFFFFF
"""The length of a stream whose end is not known yet."""

_TAGS: dict[Encoding, int] = {"pcm16": 0x0001, "alaw": 0x0006, "mulaw": 0x0007}
_EXTENSIBLE = 0xFFFE
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
"""What follows the two bytes of the tag in the GUID of an extensible format."""


class Wav(msgspec.Struct, frozen=True):
    """A recording: *data* holds whole frames, one sample of each channel after the other."""

    format: AudioFormat
    channels: int
    data: bytes

    @property
    def frames(self) -> int:
        """Samples of one channel."""
        return len(self.data) // (self.channels * self.format.bytes_per_sample)

    @property
    def seconds(self) -> float:
        return self.frames / self.format.rate

    def channel(self, index: int) -> bytes:
        """One channel as mono; 0 is the left.

        Raises:
            ValueError: there is no such channel.
        """
        if not 0 <= index < self.channels:
            raise ValueError(f"channel {index} of a recording with {self.channels}: they are counted from 0.")
        sample = np.dtype(f"V{self.format.bytes_per_sample}")
        return np.frombuffer(self.data, sample)[index :: self.channels].tobytes()


def split(stereo: Wav) -> tuple[bytes, bytes]:
    """The left and the right channel, each as mono in the recording's format.

    Raises:
        ValueError: it is not stereo.
    """
    if stereo.channels != 2:
        raise ValueError(f"only stereo splits into left and right; this has {stereo.channels} channel(s).")
    return stereo.channel(0), stereo.channel(1)


def header(format: AudioFormat, channels: int, data_bytes: int) -> bytes:  # noqa: A002
    """Everything that stands before the samples: 44 bytes for PCM, 58 for mu-law and A-law.

    Its length does not depend on *data_bytes*, so a recorder writes it first (with 0 or `UNKNOWN`) and again over
    itself when it knows more. An odd number of data bytes is to be followed by one zero byte.

    Raises:
        ValueError: no channels, or more data than 32 bits can count (at 8 kHz stereo that is 37 hours).
    """
    if not 1 <= channels <= 0xFFFF:
        raise ValueError(f"a recording has 1 to 65535 channels, not {channels}.")
    sample = format.bytes_per_sample
    frame = channels * sample
    tag = _TAGS[format.encoding]
    fmt = struct.pack("<HHIIHH", tag, channels, format.rate, format.rate * frame, frame, sample * 8)
    chunks = _chunk(b"fmt ", fmt)
    if format.encoding != "pcm16":
        # Anything but PCM has an extension, here empty, and a `fact` chunk with the number of frames.
        frames = UNKNOWN if data_bytes == UNKNOWN else data_bytes // frame
        chunks = _chunk(b"fmt ", fmt + b"\0\0") + _chunk(b"fact", struct.pack("<I", frames))
    if not 0 <= data_bytes <= UNKNOWN:
        raise ValueError(f"{data_bytes} bytes of audio do not fit into a WAV file, which ends at 4 GiB.")
    body = 4 + len(chunks) + 8 + data_bytes + data_bytes % 2
    return b"RIFF" + struct.pack("<I", min(body, UNKNOWN)) + b"WAVE" + chunks + b"data" + struct.pack("<I", data_bytes)


def completed(beginning: bytes, size: int) -> bytes:
    """*beginning*, that of a file of *size* bytes, with their number in its header if that was written as `UNKNOWN`.

    Only a header that is one of `header`'s is looked at, so anything else may be given, too.
    """
    try:
        found = read(beginning)
        length = len(header(found.format, found.channels, 0))
    except ValueError:
        return beginning
    if size < length or beginning[:length] != header(found.format, found.channels, UNKNOWN):
        return beginning
    return header(found.format, found.channels, size - length) + beginning[length:]


def write(format: AudioFormat, channels: int, data: bytes) -> bytes:  # noqa: A002
    """A complete file.

    Args:
        data: whole frames in *format*, interleaved.

    Raises:
        ValueError: *data* ends in the middle of a frame.
    """
    if len(data) % (channels * format.bytes_per_sample):
        raise ValueError(f"{len(data)} bytes are not whole frames of {channels} x {format.bytes_per_sample} bytes.")
    return header(format, channels, len(data)) + data + b"\0" * (len(data) % 2)


def read(data: bytes) -> Wav:
    """Read PCM of 8 or 16 bit, mu-law or A-law of any rate and number of channels; 8 bit becomes 16.

    Raises:
        ValueError: it is no WAV file, its encoding is another, or it ends before its audio begins.
    """
    if data[:4] in (b"RF64", b"BW64", b"RIFX"):
        raise ValueError(f"{data[:4].decode()} is a relative of WAV that is not read here; convert it to RIFF first.")
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError("not a WAV file: it does not begin with RIFF and WAVE.")
    fmt, audio = _find(data)
    if fmt is None:
        raise ValueError("a WAV file without a `fmt ` chunk: nobody can tell what its bytes mean.")
    if audio is None:
        raise ValueError("a WAV file without a `data` chunk: it ends before its audio begins.")
    encoding, bits, channels, rate = _understand(fmt)
    whole = audio[: len(audio) - len(audio) % (channels * bits // 8)]
    if bits == 8 and encoding == "pcm16":
        # 8-bit PCM is unsigned with its zero at 128.
        whole = ((np.frombuffer(whole, np.uint8).astype("<i2") - 128) << 8).tobytes()
    return Wav(AudioFormat(encoding, rate), channels, whole)


def _find(data: bytes) -> tuple[bytes | None, bytes | None]:
    """The contents of `fmt ` and `data`, in whatever order and company they stand."""
    fmt = audio = None
    at = 12
    while at + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        start, end = at + 8, at + 8 + length
        if name == b"data" and audio is None:
            if not _chunks_follow(data, end + length % 2):
                return fmt, data[start:]
            audio = data[start:end]
        elif name == b"fmt " and fmt is None:
            fmt = data[start:end]
        at = end + length % 2
    return fmt, audio


_TRAILERS = (b"LIST", b"fmt ", b"fact", b"id3 ", b"ID3 ", b"bext", b"cue ", b"smpl", b"JUNK")


def _chunks_follow(data: bytes, at: int) -> bool:
    """Whether the audio ends at *at*: the end of the file, or chunks that lead exactly there.

    Otherwise the header was written before the rest of the audio, and the rest is audio too.
    """
    while at + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        if not all(0x20 <= letter < 0x7F for letter in name):
            return False
        at += 8 + length + length % 2
        if at > len(data) + 1:  # a truncated file; only a chunk that is known to stand there may be cut
            return name in _TRAILERS
    return at >= len(data)


def _understand(fmt: bytes) -> tuple[Encoding, int, int, int]:
    """Encoding, bits per sample, channels and rate."""
    if len(fmt) < 16:
        raise ValueError(f"a `fmt ` chunk of {len(fmt)} bytes; it has at least 16. The file is damaged.")
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", fmt)
    if tag == _EXTENSIBLE and len(fmt) >= 40 and fmt[26:40] == _GUID_TAIL:
        (tag,) = struct.unpack_from("<H", fmt, 24)
    if not channels or not rate:
        raise ValueError(f"{channels} channels at {rate} Hz cannot be played. The file is damaged.")
    for encoding, known in _TAGS.items():
        if tag == known and bits in ((8, 16) if encoding == "pcm16" else (8,)):
            return encoding, bits, channels, rate
    raise ValueError(
        f"WAV encoding 0x{tag:04x} of {bits} bits is not read here, only 8- or 16-bit PCM, mu-law and A-law."
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
