"""What waits to be played: the same bytes in the same order, in whatever pieces they come and go."""

from hypothesis import given
from hypothesis import strategies as st

from telephony.audio.backlog import Backlog


@given(st.lists(st.one_of(st.binary(max_size=50), st.integers(0, 120)), max_size=40))
def test_what_is_taken_is_what_was_added_in_its_order(steps):
    backlog, plain = Backlog(b"begin"), bytearray(b"begin")
    for step in steps:
        if isinstance(step, bytes):
            backlog.add(step)
            plain += step
        else:
            assert backlog.take(step) == bytes(plain[:step])
            del plain[:step]
        assert backlog.size == len(plain)
    assert backlog.take(backlog.size) == bytes(plain)
