"""Conversations as scripts: feed an event, read the commands."""

from __future__ import annotations

from typing import Literal

import msgspec

from telephony import commands as cmd
from telephony import events as ev
from telephony.audio.format import MULAW_8K, PCM16_24K
from telephony.conversation.machine import Conversation
from telephony.settings import CallSettings, Clips, Limits, SessionConfig, ToolSpec

LOOKUP = ToolSpec("lookup", "Looks something up.", {"type": "object", "properties": {}}, side_effects=False)
BOOK = ToolSpec("book", "Books something.", {"type": "object", "properties": {}})
SLOW = ToolSpec("slow", "Takes long.", {"type": "object", "properties": {}}, side_effects=False, say="One moment.")
HANG_UP = ToolSpec("hang_up", "Ends the call.", {"type": "object", "properties": {}})


SILENCE, VOICE = b"\xff" * 160, b"\x10\x90" * 80
"""Twenty milliseconds of the caller's line."""
MOMENTS = ("connecting", "connected", "greeting", "listening", "caller", "owing", "speaking", "tool", "leaving")
"""Of a call's life, for `Playbook.reach`."""


def settings(**changes: object) -> CallSettings:
    """An agent that greets, with four tools and half a second of each clip."""
    clip = MULAW_8K.silence(500)
    base = CallSettings(
        agent="test",
        session=SessionConfig(audio=PCM16_24K, tools=(LOOKUP, BOOK, SLOW, HANG_UP)),
        limits=Limits(),
        greeting="Hello.",
        clips=Clips(clip, clip),
    )
    return msgspec.structs.replace(base, **changes)


def speech(milliseconds: float) -> bytes:
    """Model audio of some length."""
    return b"\x01\x00" * int(milliseconds * 24)


_LATER: dict[str, list[ev.Event]] = {
    "listening": [],
    "caller": [ev.SpeechStarted("u1")],
    "owing": [ev.SpeechStarted("u1"), ev.SpeechStopped("u1"), ev.ResponseStarted("r1")],
    "speaking": [ev.ResponseStarted("r1"), ev.ModelAudio("r1", "i1", speech(3000))],
    "tool": [ev.ResponseStarted("r1"), ev.ToolRequested("r1", "c1", "lookup", "{}"), ev.ResponseDone("r1")],
    "leaving": [ev.ResponseStarted("r1"), ev.ToolRequested("r1", "ch", "hang_up", "{}"), ev.ResponseDone("r1")],
}
"""What brings a call that was greeted to the later moments."""


class Playbook:
    """A conversation with a clock. Every call returns the commands of its step, notes left out."""

    def __init__(self, *, others: Literal["absent", "there", "scripted"] = "absent", **changes: object) -> None:
        """*others* says what becomes of further sessions that are asked for: none is to be had, each is there and ready
        at once, or the test tells."""
        self.now = 0.0
        self.line = SILENCE
        """What `frames` carry."""
        self.others = others
        self.settings = settings(**changes)
        self.call = Conversation(self.settings, ev.CallStarted("CA1", "MZ1", MULAW_8K), 0.0)
        self.log: list[tuple[float, cmd.Command]] = []
        self._played: list[tuple[float, cmd.Command]] = []
        """Of these, what concerns the carrier's queue, which is looked at after every frame."""
        self.notes: list[str] = []

    def feed(self, *events: ev.Event) -> list[cmd.Command]:
        """Events at this very moment."""
        return [command for event in events for command in self._keep(self.call.handle(event, self.now))]

    def wait(self, seconds: float) -> list[cmd.Command]:
        """Let time pass; the deadlines in between are kept, as a bridge keeps them."""
        until = self.now + seconds
        commands = []
        while (due := self.call.deadline()) is not None and due <= until:
            assert due > self.now, f"a deadline in the past: {due} at {self.now}"
            self.now = due
            commands += self._keep(self.call.tick(self.now))
        self.now = until
        return commands

    def frames(self, seconds: float) -> list[cmd.Command]:
        """The caller's line, open for a while: twenty milliseconds at a time."""
        commands = []
        for _ in range(round(seconds / 0.02)):
            commands += self.wait(0.02)
            commands += self.feed(ev.CallerAudio(self.line, round((self.now - 0.02) * 1000)))
        return commands

    def connect(self, session: int = 0) -> list[cmd.Command]:
        """The model is there and has accepted the session."""
        ready = ev.SessionReady(PCM16_24K, PCM16_24K, turn_detection=True, session=session)
        return self.feed(ev.ModelConnected("grok", session), ready)

    def greet(self) -> None:
        """A greeting of a second, heard to its end."""
        self.connect()
        self.say("r0", "i0", 1000, "Hello.")
        self.hear(1.0)

    def reach(self, moment: str) -> None:
        """Bring a new call to one of `MOMENTS`."""
        if moment == "connected":
            self.feed(ev.ModelConnected("grok"))
        elif moment == "greeting":
            self.connect()
            self.feed(ev.ResponseStarted("r0"), ev.ModelAudio("r0", "i0", speech(300)))
            self.frames(0.1)
        elif moment != "connecting":
            self.greet()
            self.feed(*_LATER[moment])
            self.hear(0.5)

    def say(self, response: str, item: str, milliseconds: float, text: str = "") -> list[cmd.Command]:
        """A whole response with one spoken item, generated at once."""
        return self.feed(
            ev.ResponseStarted(response),
            ev.ModelTranscript(response, item, text, final=True),
            ev.ModelAudio(response, item, speech(milliseconds)),
            ev.ModelAudioDone(response, item),
            ev.ResponseDone(response),
        )

    def hear(self, seconds: float) -> list[cmd.Command]:
        """Time passes at the caller's ear: every mark returns when what it follows was played."""
        until = self.now + seconds
        commands = []
        while self.now < until - 1e-9:
            commands += self.frames(0.02)
            commands += self.return_marks()
        return commands

    def return_marks(self) -> list[cmd.Command]:
        commands = []
        for name, due in list(self.marks().items()):
            if due <= self.now + 1e-9:
                commands += self.feed(ev.MarkReached(name))
                self._returned.add(name)
        return commands

    def marks(self) -> dict[str, float]:
        """Outstanding marks and when the carrier has played up to them, as a carrier would know."""
        tail, due = 0.0, {}
        for at, command in self._played:
            match command:
                case cmd.Play(payload):
                    tail = max(at, tail) + len(payload) / 48000
                case cmd.SendMark(name):
                    due[name] = max(tail, at)
                case cmd.ClearPlayback():
                    tail = at
                    due = dict.fromkeys(due, at)
        return {name: at for name, at in due.items() if name not in self._returned}

    @property
    def _returned(self) -> set[str]:
        return self.__dict__.setdefault("returned", set())

    def sent(self, *kinds: type[cmd.Command]) -> list[cmd.Command]:
        """Every command of these kinds so far."""
        return [command for _, command in self.log if isinstance(command, kinds)]

    @property
    def ending(self) -> cmd.EndCall | None:
        return next(iter(self.sent(cmd.EndCall)), None)  # type: ignore[return-value]

    def _keep(self, commands: list[cmd.Command]) -> list[cmd.Command]:
        kept = []
        for command in commands:
            if isinstance(command, cmd.Note):
                self.notes.append(command.event)
            else:
                self.log.append((self.now, command))
                kept.append(command)
                if isinstance(command, cmd.Play | cmd.SendMark | cmd.ClearPlayback):
                    self._played.append((self.now, command))
        for command in list(kept):
            if isinstance(command, cmd.OpenSession) and self.others == "absent":
                kept += self.feed(ev.ModelLost("nobody else is there", None, command.session))
            elif isinstance(command, cmd.OpenSession) and self.others == "there":
                kept += self.connect(command.session)
        return kept
