"""What is written is read again, and a damaged file gives what is left of it or says why not."""

import contextlib
import io
import struct
import wave

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.audio.format import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K
from telephony.audio.wav import UNKNOWN, Wav, completed, header, read, split, write

FORMATS = [MULAW_8K, ALAW_8K, PCM16_8K, PCM16_16K, PCM16_24K]
quick = settings(max_examples=60, deadline=None)
AUDIO = bytes(range(1, 201)) * 8
"""1600 bytes, 400 stereo frames of PCM16, none of them silent."""


def chunk(name, content, length=None):
    return name + struct.pack("<I", len(content) if length is None else length) + content + b"\0" * (len(content) % 2)


def riff(*chunks):
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def fmt(tag=1, channels=1, rate=8000, bits=16, more=b""):
    frame = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, bits) + more)


@quick
@given(audio_format=st.sampled_from(FORMATS), channels=st.integers(1, 3), data=st.binary(max_size=500))
def test_what_is_written_is_read_again(audio_format, channels, data):
    frame = channels * audio_format.bytes_per_sample
    data = data[: len(data) // frame * frame]
    again = read(write(audio_format, channels, data))
    assert again == Wav(audio_format, channels, data)
    assert again.frames * frame == len(data)


@pytest.mark.parametrize("channels", [1, 2])
def test_the_standard_library_reads_our_pcm(channels):
    with wave.open(io.BytesIO(write(PCM16_24K, channels, AUDIO))) as theirs:
        assert theirs.getparams()[:4] == (channels, 2, 24000, 800 // channels)
        assert theirs.readframes(1000) == AUDIO


def test_we_read_what_the_standard_library_writes():
    file = io.BytesIO()
    with wave.open(file, "wb") as theirs:
        theirs.setnchannels(2)
        theirs.setsampwidth(2)
        theirs.setframerate(8000)
        theirs.writeframes(AUDIO)
    assert read(file.getvalue()) == Wav(PCM16_8K, 2, AUDIO)


@pytest.mark.parametrize(("audio_format", "size"), [(PCM16_8K, 44), (MULAW_8K, 58), (ALAW_8K, 58)], ids=str)
def test_a_header_keeps_its_length_so_that_it_can_be_written_over(audio_format, size):
    assert {len(header(audio_format, 2, n)) for n in (0, 1, 160_000, UNKNOWN)} == {size}


@pytest.mark.parametrize("audio_format", FORMATS, ids=str)
@pytest.mark.parametrize("said", [0, 160, UNKNOWN])
def test_the_recording_of_a_killed_process_is_read_to_its_end(audio_format, said):
    assert read(header(audio_format, 2, said) + AUDIO).data == AUDIO


def test_a_killed_recording_of_silence_is_read_to_its_end():
    assert read(header(PCM16_8K, 2, 160) + bytes(3200)).frames == 800


def test_an_unfinished_last_frame_is_left_out():
    assert read(header(PCM16_8K, 2, 0) + AUDIO + b"\1\2\3").data == AUDIO


@pytest.mark.parametrize("audio_format", FORMATS, ids=str)
@pytest.mark.parametrize("channels", [1, 2])
def test_a_header_that_did_not_know_the_length_learns_it(audio_format, channels):
    head = header(audio_format, channels, UNKNOWN)
    whole = write(audio_format, channels, AUDIO)
    assert completed(head + AUDIO[:50], len(whole)) == whole[: len(head) + 50]
    assert completed(head, len(head)) == header(audio_format, channels, 0)


@quick
@given(st.binary(max_size=100) | st.just(header(PCM16_8K, 1, 7)) | st.just(header(PCM16_8K, 1, UNKNOWN)[:43]))
def test_anything_but_such_a_header_is_left_as_it_is(beginning):
    assert completed(beginning, 1000) == beginning


@quick
@given(size=st.integers(0, 44 + len(AUDIO)))
def test_a_file_cut_anywhere_gives_its_beginning_or_says_why_not(size):
    cut = write(PCM16_8K, 2, AUDIO)[:size]
    if size < 44:
        with pytest.raises(ValueError, match="WAV file"):
            read(cut)
    else:
        assert read(cut).data == AUDIO[: (size - 44) // 4 * 4]


@quick
@given(noise=st.binary(max_size=200))
def test_junk_is_refused_or_read_but_never_breaks(noise):
    for data in (noise, b"RIFF\0\0\0\0WAVE" + noise, riff(fmt(), noise), riff(fmt(), b"data" + noise)):
        with contextlib.suppress(ValueError):
            assert read(data).frames >= 0


def test_chunks_may_stand_in_any_order_and_be_of_any_kind():
    note = chunk(b"LIST", b"INFOodd")
    data = chunk(b"data", AUDIO)
    for order in ((note, fmt(), data), (fmt(), note, data, note), (data, fmt()), (data, note, fmt(), note)):
        assert read(riff(*order)) == Wav(PCM16_8K, 1, AUDIO)


def test_a_trailer_that_the_file_was_cut_in_is_not_sound():
    assert read(riff(fmt(), chunk(b"data", AUDIO), chunk(b"LIST", b"INFO")[:-2])).data == AUDIO


def test_no_audio_before_a_trailer_is_no_audio():
    assert read(riff(fmt(), chunk(b"data", b""), chunk(b"LIST", b"INFO"))).frames == 0


def test_an_odd_number_of_bytes_is_padded_and_the_padding_is_not_sound():
    file = write(MULAW_8K, 1, b"\1\2\3")
    assert len(file) % 2 == 0
    assert struct.unpack_from("<I", file, 4)[0] == len(file) - 8
    assert read(file).data == b"\1\2\3"
    assert read(file[:-1]).data == b"\1\2\3"


@pytest.mark.parametrize(("tag", "bits", "audio_format"), [(1, 16, PCM16_8K), (6, 8, ALAW_8K), (7, 8, MULAW_8K)])
def test_extensible_formats_are_read(tag, bits, audio_format):
    guid = struct.pack("<H", tag) + bytes.fromhex("000000001000800000aa00389b71")
    extended = fmt(0xFFFE, 2, bits=bits, more=struct.pack("<HHI", 22, bits, 3) + guid)
    assert read(riff(extended, chunk(b"data", AUDIO))) == Wav(audio_format, 2, AUDIO)


def test_eight_bits_become_sixteen():
    assert read(riff(fmt(bits=8), chunk(b"data", b"\x00\x80\xff"))).data == struct.pack("<3h", -32768, 0, 32512)


def test_stereo_splits_into_left_and_right():
    both = Wav(PCM16_8K, 2, struct.pack("<6h", 1, -1, 2, -2, 3, -3))
    assert split(both) == (struct.pack("<3h", 1, 2, 3), struct.pack("<3h", -1, -2, -3))
    assert split(Wav(MULAW_8K, 2, b"LRLR")) == (b"LL", b"RR")
    assert both.seconds == 3 / 8000


def test_mono_does_not_split():
    with pytest.raises(ValueError, match="only stereo splits"):
        split(Wav(PCM16_8K, 1, b""))
    with pytest.raises(ValueError, match="counted from 0"):
        Wav(PCM16_8K, 1, b"").channel(1)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "not a WAV file"),
        (b"OggS" + bytes(60), "not a WAV file"),
        (b"RF64" + bytes(60), "RF64 is a relative"),
        (riff(chunk(b"data", AUDIO)), "without a `fmt ` chunk"),
        (riff(fmt()), "without a `data` chunk"),
        (riff(chunk(b"fmt ", b"\1\0"), chunk(b"data", AUDIO)), "damaged"),
        (riff(fmt(channels=0), chunk(b"data", AUDIO)), "0 channels at 8000 Hz"),
        (riff(fmt(rate=0), chunk(b"data", AUDIO)), "1 channels at 0 Hz"),
        (riff(fmt(bits=24), chunk(b"data", AUDIO)), "0x0001 of 24 bits is not read here"),
        (riff(fmt(tag=3, bits=32), chunk(b"data", AUDIO)), "0x0003 of 32 bits is not read here"),
        (riff(fmt(tag=0x55), chunk(b"data", AUDIO)), "0x0055"),
    ],
)
def test_what_cannot_be_read_is_said_plainly(data, complaint):
    with pytest.raises(ValueError, match=complaint):
        read(data)


def test_what_cannot_be_written_is_said_plainly():
    with pytest.raises(ValueError, match="not whole frames of 2 x 2 bytes"):
        write(PCM16_8K, 2, b"\0\0")
    with pytest.raises(ValueError, match="ends at 4 GiB"):
        header(PCM16_8K, 2, 1 << 32)
    with pytest.raises(ValueError, match="1 to 65535 channels"):
        header(PCM16_8K, 0, 0)
