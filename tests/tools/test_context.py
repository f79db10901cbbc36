"""What a tool may know of its call."""

from __future__ import annotations

from structlog.testing import capture_logs

from telephony.tools.context import CallContext


def test_a_context_can_be_made_of_nothing_to_try_a_tool() -> None:
    context = CallContext()
    assert (context.call_id, context.metadata, context.state) == ("", {}, {})


def test_two_calls_share_nothing() -> None:
    one, other = CallContext("CA1"), CallContext("CA2")
    one.state["step"] = 1
    one.metadata["language"] = "de"
    assert other.state == {}
    assert other.metadata == {}


def test_log_lines_carry_the_call() -> None:
    with capture_logs() as lines:
        CallContext("CA1", agent="frontdesk").logger.info("looked up", found=3)
    assert lines == [
        {"event": "looked up", "found": 3, "call_id": "CA1", "agent": "frontdesk", "log_level": "info"},
    ]
