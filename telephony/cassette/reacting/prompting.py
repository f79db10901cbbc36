"""Makes a simulated model of a recorded one: its replies as a script, its voice, and the tools' answers.

Replies stand in the recorded order, each under its cue. Only the answers to the caller's turns must all come: a changed
agent may greet, ask or call in other places, and the script goes on where the caller next speaks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import msgspec

from telephony.cassette.reacting.scene import Response, Scene, Use
from telephony.errors import ScriptError
from telephony.rehearsal import Answer, Said
from telephony.settings import CallSettings
from telephony.sim.model import SimulatedModel
from telephony.sim.model_client import hum
from telephony.sim.model_script import Call, Cue, ModelScript, Reply, decode_script


def prompt(scene: Scene, settings: CallSettings) -> ModelScript:
    """What the model does, as it did. Where *settings* give a greeting, it says that."""
    words = {turn.item_id: turn.heard for turn in scene.caller_turns}
    replies = [_reply(response, words, greets=not settings.greeting) for response in scene.responses]
    return ModelScript(scene.profile, tuple(replies), sessions="continue", keen=True)


def _reply(response: Response, words: Mapping[str, str], *, greets: bool) -> Reply:
    """*greets*: whether a greeting is in its own words. Arguments that were no JSON stand for those of all calls of the
    reply."""
    return Reply(
        response.cue,
        say="" if response.cue == "greeting" and not greets else response.words,
        hears=words.get(response.turn, "") if response.turn else "",
        calls=tuple(Call(name, _object(text) or {}) for name, text in response.calls),
        bad_arguments=next((text for _, text in response.calls if _object(text) is None), None),
        optional=response.cue != "speech" or not (response.words or response.calls),
    )


def _object(text: str) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None


def prompt_from(document: Mapping[str, Any], scene: Scene, place: str) -> tuple[ModelScript, int]:
    """The script of a scenario's `model`, for the recorded caller, and how many of its replies are the scenario's.

    Where it does not say what it hears in a turn, the recorded words stand, and turns it does not foresee are heard,
    too. Without a `profile` it is the recorded one's.

    Raises `ScriptError` that names *place* and the remedy.
    """
    model = document.get("model", document)
    if isinstance(model, Mapping) and "profile" not in model:
        model = {"profile": scene.profile, **model}
    script = decode_script({"model": model}, place)
    _check_handshakes(script, place)
    words = iter([turn.heard for turn in scene.caller_turns])
    replies = [_hearing(reply, words) if reply.on == "speech" else reply for reply in script.replies]
    if not script.strict_script:
        replies += [Reply("speech", say=script.fallback, hears=heard, optional=True) for heard in words]
    return msgspec.structs.replace(script, replies=tuple(replies), keen=True), len(script.replies)


def _check_handshakes(script: ModelScript, place: str) -> None:
    for key in ("refuse", "most_sessions"):
        places = [
            f"connections[{number}].{key}" for number, differs in enumerate(script.connections) if differs.get(key)
        ]
        for where in [key] * bool(getattr(script, key)) + places:
            remedy = "Remove it, or write `faults` with `close`; `telephony simulate model` does refuse."
            raise ScriptError(f"{place}: model.{where}: a reactive replay has no handshake to refuse. {remedy}")


def _hearing(reply: Reply, words: Iterator[str]) -> Reply:
    """*reply*, with the words of the caller's next turn if it has none."""
    recorded = next(words, "")
    return reply if reply.hears else msgspec.structs.replace(reply, hears=recorded)


_UNFORESEEN: Mapping[Cue, str] = {
    "speech": "the caller spoke, and the script has no reply to it. Add one on speech",
    "text": "keys or other texts came, and the script has no reply to them. Add one on text",
    "tool": "functions had answered, and the script has no reply to that. Add one on tool",
}
"""What comes of the caller. Greeting, and asking whether it is still there, are the agent's own affair."""


def unforeseen(script: ModelScript, own: int, models: Iterable[SimulatedModel]) -> list[str]:
    """What the script, whose first *own* replies somebody wrote or recorded, had no reply to, one sentence each."""
    if script.strict_script:  # the model complains of it itself
        return []
    models = list(models)
    told = [_UNFORESEEN[cue] for model in models for cue in model.off_script if cue in _UNFORESEEN]
    if not any("replies" in differs for differs in script.connections):
        behind = max((model.reached for model in models), default=0)
        told += [
            f"the caller said “{reply.hears}”, and the script has no reply to it. Add one on speech"
            for reply in script.replies[own:behind]
        ]
    return list(dict.fromkeys(told))


# -- the voice --------------------------------------------------------------------------------------------------------


def voice(scene: Scene) -> Callable[[str], bytes]:
    """Says recorded sentences as they were recorded, and hums the others, 60 ms a character."""
    known: dict[str, bytes] = {}
    for response in scene.responses:
        audio = b"".join(scene.spoken.get(item, b"") for item in response.texts)
        if audio:
            known.setdefault(_normalised(response.words), audio)
    return lambda text: known.get(_normalised(text)) or hum(text)


def _normalised(text: str) -> str:
    """What is heard of *text*: no case, no punctuation, no spacing."""
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))


# -- the tools --------------------------------------------------------------------------------------------------------


class Props:
    """The tools of a recorded call. They answer as they did to the same arguments, else as they did next, and take as
    long. What was never recorded fails and says so."""

    def __init__(self, scene: Scene, own: Mapping[str, Answer]) -> None:
        """*own* are functions that are called instead."""
        self.missing: list[str] = []
        """What was called and never recorded, by name."""
        self._scene = scene
        self._own = own
        self._left = list(scene.uses.values())

    def answers(self, names: Iterable[str]) -> dict[str, Answer]:
        """A function for every one of *names*, and for all that were recorded."""
        every = [*names, *(use.name for use in self._left), *self._own]
        return {name: self._own.get(name) or partial(self._answer, name) for name in every}

    def _answer(self, name: str, arguments: dict[str, Any]) -> tuple[float, Said]:
        use = self._use(name, arguments)
        if use is None:
            self.missing.append(name)
            error = {"error": f"{name} was not called when this call was recorded, so nobody knows what it answers."}
            return 0.0, Said(msgspec.json.encode(error).decode(), "error")
        if use in self._left:
            self._left.remove(use)
        if use.ended is None:
            return max(0.0, self._scene.duration - use.began), Said('{"error": "it never came to an end"}', "error")
        return use.ended - use.began, Said(use.output, use.outcome, use.says, tuple(use.progress))

    def _use(self, name: str, arguments: dict[str, Any]) -> Use | None:
        """The next one to the same arguments, else the next one; once all are used up, the latest again."""
        every = [use for use in self._scene.uses.values() if use.name == name]
        left = [use for use in self._left if use.name == name]
        for uses in (left, every[::-1]):
            if same := [use for use in uses if _object(use.arguments) == arguments]:
                return same[0]
        return next(iter(left or every[::-1]), None)
