"""What garbage collections look at once a process has settled."""

from __future__ import annotations

import gc
import weakref

from telephony.runtime.settling import settle


class Node:
    """Holds itself, so that only a garbage collection ends it."""

    def __init__(self) -> None:
        self.itself = self


def test_what_is_there_is_not_looked_at_again_and_what_comes_later_is() -> None:
    early = Node()
    settle()
    late = Node()
    assert not any(each is early for each in gc.get_objects())
    assert any(each is late for each in gc.get_objects())
    gone = weakref.ref(late)
    del late
    gc.collect()
    assert gone() is None


def test_what_nobody_holds_any_more_is_gone_before() -> None:
    node = Node()
    gone = weakref.ref(node)
    del node
    settle()
    assert gone() is None
