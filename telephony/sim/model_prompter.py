"""Who whispers the lines: which reply of the script is due, and what of the script was never played."""

from __future__ import annotations

import re

import msgspec

from telephony.sim.model_house import Book
from telephony.sim.model_memory import Memory, satisfies
from telephony.sim.model_script import Cue, ModelScript, Reply

_UNSCRIPTED = "(something the script does not foresee)"
"""What an unscripted turn of the caller is transcribed as."""


class Prompter:
    """Goes through the replies of a book in order; a cue that does not fit is answered politely and takes nothing
    away. Each connection has a prompter of its own, also where several read from one book."""

    def __init__(self, script: ModelScript, book: Book) -> None:
        self._script = script
        self._book = book
        book.reader = book.reader or self
        self._complaints: list[str] = []
        self.off_script: list[Cue] = []
        """Cues the script did not foresee."""

    @property
    def reached(self) -> int:
        """How many replies of the book are behind us, those that were left out included."""
        return self._book.next

    def take_over(self) -> None:
        """From now on this connection answers for what is left of the book."""
        self._book.reader = self

    @property
    def unmet(self) -> list[str]:
        """Expectations that failed here and, with the newest reader of the book, replies that were not reached yet."""
        left = range(self._book.next, len(self._book.replies)) if self._book.reader is self else ()
        missed = [number for number in left if not self._book.replies[number].optional]
        return [*self._complaints, *(f"{self._place(number)} was never reached" for number in missed)]

    def _place(self, number: int) -> str:
        return f"replies[{number}] (on {self._book.replies[number].on})"

    def expects(self, cue: Cue, memory: Memory | None = None) -> bool:
        """Whether the next reply waits for *cue*; with a *memory*, also if what is written there makes it do."""
        return self._due(cue, memory) is not None

    def _due(self, cue: Cue, memory: Memory | None) -> int | None:
        """The reply that *cue* is for: the next one, or the first behind some that may be left out."""
        for number in range(self._book.next, len(self._book.replies)):
            reply = self._book.replies[number]
            if reply.on == cue or (memory is not None and _written_down(reply, cue, memory)):
                return number
            if not reply.optional:
                break
        return None

    def hears(self, memory: Memory) -> str:
        """What the caller's current turn is taken to say."""
        number = self._after_what_cannot_come(memory)
        reply = self._book.replies[number] if number < len(self._book.replies) else None
        return reply.hears if reply and reply.on == "speech" and reply.hears else _UNSCRIPTED

    def cue(self, cue: Cue, memory: Memory, asked: str = "") -> tuple[Reply, int | None]:
        """The reply to *cue* and its number in the script, None if it is not from the script. *asked*: the instructions
        of this one response."""
        if cue == "speech":
            self._skip(self._after_what_cannot_come(memory))
        number = self._due(cue, memory)
        reply = self._book.due
        if reply and (number is not None or self._answers_late(reply, cue, memory)):
            self._book.next = self._book.next if number is None else number
            reply = self._book.replies[self._book.next]
            self._check(reply, memory)
            self._book.next += 1
            return self._filled(reply, asked), self._book.next - 1
        self.off_script.append(cue)
        if self._script.strict_script:
            self._complaints.append(f"off script: {cue} came while waiting for {reply.on if reply else 'the end'}")
        return Reply(on=cue, say=_verbatim(asked) or self._polite(cue)), None

    def give_back(self, number: int) -> None:
        """The reply was dropped before anybody could hear it: it will be due again."""
        self._book.next = min(self._book.next, number)

    def _after_what_cannot_come(self, memory: Memory) -> int:
        """Where the script goes on once the caller speaks: it is too late for a greeting or for a request to resume,
        and outputs of calls that were never made do not come either."""
        number = self._book.next
        for reply in self._book.replies[self._book.next :]:
            tool_to_come = reply.on == "tool" and (memory.waiting or memory.fresh_outputs)
            passed_by = reply.on in ("greeting", "resume", "tool") or (reply.optional and reply.on != "speech")
            if not passed_by or tool_to_come:
                break
            number += 1
        return number

    def _skip(self, number: int) -> None:
        for skipped in range(self._book.next, number):
            if self._book.replies[skipped].optional:
                continue
            tool = self._book.replies[skipped].on == "tool"
            why = "its call was interrupted before it was made" if tool else "the caller spoke first"
            self._complaints.append(f"{self._place(skipped)} was skipped: {why}")
        self._book.next = number

    @staticmethod
    def _answers_late(reply: Reply, cue: Cue, memory: Memory) -> bool:
        """The caller spoke again while the outputs were on their way: one reply answers both."""
        return reply.on == "tool" and cue == "speech" and not memory.waiting and memory.fresh_outputs > 0

    def _check(self, reply: Reply, memory: Memory) -> None:
        for name, wanted in reply.expect.items():
            outputs = memory.outputs_of(name)
            if not outputs:
                self._complaints.append(f"{self._place(self._book.next)}: {name} was never answered")
            elif not satisfies(outputs[-1], wanted):
                place = f"{self._place(self._book.next)}.expect.{name}"
                self._complaints.append(f"{place}: wanted {wanted!r}, and the output was {outputs[-1]!r}")

        for key, wanted, fewest, most in (
            ("knows", reply.knows, 1, None),
            ("knows_once", reply.knows_once, 1, 1),
            ("knows_not", reply.knows_not, 0, 0),
        ):
            for text in wanted:
                count = memory.count(text)
                if count < fewest or (most is not None and count > most):
                    place = f"{self._place(self._book.next)}.{key}"
                    found = f"{text!r} stands {count} times in the conversation"
                    self._complaints.append(f"{place}: {found} ({memory.excerpt()})")

    def _filled(self, reply: Reply, asked: str) -> Reply:
        """A greeting or prompt without words of its own says what it was asked to."""
        if reply.say or reply.tool_calls or reply.fail or reply.drop:
            return reply
        return msgspec.structs.replace(reply, say=_verbatim(asked) or self._polite(reply.on))

    def _polite(self, cue: Cue) -> str:
        return {
            "greeting": "Hello, how can I help you?",
            "speech": self._script.fallback,
            "tool": "Of course.",
            "text": "Of course.",
            "prompt": "Are you still there?",
            "silence": "Are you still there?",
            "resume": "Where were we?",
        }[cue]


def _written_down(reply: Reply, cue: Cue, memory: Memory) -> bool:
    """A turn that the client wrote down instead of having it spoken, as it does with one that an earlier session heard
    and never answered."""
    return cue == "text" and reply.on == "speech" and bool(reply.hears) and reply.hears in memory.written()


def _verbatim(asked: str) -> str:
    """The text that instructions ask to be said word for word: the longest one between tags or quotation marks."""
    marked = [match[1] for match in re.findall(r"<(\w+)>\s*(.+?)\s*</\1>", asked, re.DOTALL)]
    return max(marked or re.findall(r"[\"“«]([^\"“”«»]+)[\"”»]", asked), key=len, default="")
