"""What a simulated model does: a list of replies, each waiting for its cue, and the faults a test wants to see.

    model:
      profile: xai                       # or openai
      replies:
        - on: greeting                   # the client lets the model speak first
          say: Thanks for calling Acme. How can I help?
        - on: speech                     # the caller's turn ended
          hears: Where is my order A 1042?
          say: Let me look that up.
          call: {name: lookup_order, arguments: {order_id: A-1042}}
        - on: tool                       # every call was answered and a response asked for
          expect: {lookup_order: shipped}
          say: It has shipped and arrives on Thursday.
          stall_ms: 1500                 # and what goes wrong meanwhile
      faults:                            # what befalls every session, or (below) the first
        - {at_s: 20, error: session_expired, close: 1001}
      connections:                       # what differs by connection; the last holds for all that follow
        - {faults: [{at_s: 12, freeze: true}]}
        - {refuse: 503}
        - {}

Scripts are data, so that users can write one beside their agent and keep it under version control. Whatever is wrong in
one is a `ScriptError` that names the place and the remedy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Literal

import msgspec

from telephony.errors import ScriptError
from telephony.sim.model_trouble import TimedTrouble, Trouble

Cue = Literal["greeting", "speech", "tool", "text", "prompt", "silence", "resume"]
"""Why a reply is due. `greeting`: the client has the model speak before the caller did. `speech`: the caller's turn
ended. `tool`: every function call was answered and a response asked for. `text`: the client wrote a user message and
asked. `prompt`: the client asked out of turn. `silence`: the model's own idle timer (`idle_timeout_ms`) ran out.
`resume`: the client gave a new session the conversation so far and asked, whatever came last in it."""


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A function call the model makes."""

    name: str
    arguments: dict[str, Any] = {}


class Reply(Trouble, frozen=True, forbid_unknown_fields=True):
    """One reply, its cue, and what goes wrong with it. `malformed`, `error`, `mute`, `freeze`, `vanish` and `close`
    (`model_trouble`) happen at `trouble_at`."""

    on: Cue
    say: str = ""
    """Spoken text. A `force_message` says its own text instead."""
    hears: str = ""
    """What the caller's turn is taken to have said: the simulated model has no ears for words."""
    call: Call | None = None
    calls: tuple[Call, ...] = ()
    """Parallel calls; `call` is the short form for one."""
    expect: dict[str, Any] = msgspec.field(default_factory=dict)
    """By function name, what its output must be: a text is looked for inside it, anything else must equal its JSON."""
    knows: tuple[str, ...] = ()
    """Texts that must stand in this session's conversation when the cue comes: in messages, arguments or outputs."""
    knows_once: tuple[str, ...] = ()
    """Texts that must stand there exactly once: what a client told twice stands there twice."""
    knows_not: tuple[str, ...] = ()
    """Texts that must not stand there, such as words that the caller never heard."""
    optional: bool = False
    """Whether the script goes on without it if the cue of a later one comes first."""
    drop: bool = False
    """Open the response and never continue or close it (xAI drops replies so)."""
    omit_done: bool = False
    """Say everything, but leave `response.done` out."""
    fail: str = ""
    """Close the response as failed with this error code instead of speaking."""
    stall_ms: int = 0
    """Pause in the middle of the audio."""
    trouble_at: Literal["audio", "call", "done"] | None = None
    """When trouble happens: in the middle of the audio, once the calls are announced, or right after `response.done`.
    By default in the middle of the audio if anything is said, else after the calls."""
    late_deltas: int = 0
    """Audio deltas that still come after the response was cancelled or interrupted."""
    delta_ms: tuple[int, int] | None = None
    """Shortest and longest audio delta of this reply."""
    duplicate_call: bool = False
    """Announce the finished arguments of every call twice."""
    bad_arguments: str | None = None
    """Send this text as the arguments of every call, valid JSON or not."""

    @property
    def tool_calls(self) -> tuple[Call, ...]:
        return (self.call,) if self.call else self.calls


class ModelScript(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a simulated model behaves. Times are milliseconds unless the name says otherwise."""

    profile: Literal["xai", "openai"] = "xai"
    replies: tuple[Reply, ...] = ()
    sessions: Literal["anew", "continue"] = "anew"
    """What a later connection to the same model does: begin the replies anew, or go on with those that the earlier ones
    have not used up. A reply is used up once it has begun, however it ended."""
    strict_script: bool = False
    """Whether a cue that the script does not foresee is an error instead of being answered politely."""
    fallback: str = "I am sorry, I did not catch that."
    """Said when the caller spoke and the script has nothing to say."""
    grace_ms: int = 250
    """How long the client's and our messages may cross on the wire before a late one counts as the client's fault."""
    sound_check: bool = True
    """Whether to listen for audio that was sent in another format than declared."""
    keen: bool = False
    """Whether to take everything above the noise of a line for speech, whatever `threshold` says: for callers who are
    known to make a sound throughout their turns and none between them."""
    # -- timing
    ready_ms: int = 20
    """From `session.update` to `session.updated`."""
    created_ms: int | None = None
    """From the cue to `response.created`; by default 200 after xAI's turns and 20 elsewhere."""
    commit_ms: int = 120
    """xAI: from `speech_stopped` to `committed`. Beyond `created_ms` the reply begins before the commit, as it does in
    production, and a caller who goes on speaking in between makes xAI drop it without a word."""
    latency_ms: int = 400
    """From the cue to the first audio."""
    speed: tuple[float, float] = (5.0, 10.0)
    """How much faster than real time speech is generated: slowest and fastest."""
    delta_ms: tuple[int, int] | None = None
    """Shortest and longest audio delta; by default as recorded (xAI 31 to 887)."""
    ping_s: float = 10.0
    """xAI: seconds between `ping` events; 0 sends only the first."""
    # -- variants of the same provider
    first_events: Literal["both", "created_only", "conversation_only", "none", "reversed"] = "both"
    """xAI: which of `session.created` and `conversation.created` come, and in which order (all were seen in 2026)."""
    beta_names: bool = False
    """OpenAI: the event names of the beta (`response.audio.delta`, `conversation.item.created`)."""
    when_active: Literal["error", "replace"] = "error"
    """xAI: what a `response.create` during a response does; both were reported."""
    resumption: Literal["recorded", "documented", "none"] = "recorded"
    """xAI: what a connection with the `conversation_id` of an earlier one is sent before `session.updated`, if both
    enabled `session.resumption`. Recorded were the model's own words only; everything is documented. Either way the
    model knows all of it. `none`: such connections begin anew."""
    late_speech_started: bool = False
    """xAI: hold `speech_started` back until `speech_stopped`, as it sometimes happens right after the model spoke."""
    # -- faults of the session
    refuse: int = 0
    """HTTP status that refuses the WebSocket handshake (401, 403, 429, 503)."""
    most_sessions: int = 0
    """Sessions that may be open at once; one more is refused with 429, as xAI does above some ten of a team. 0: any."""
    open_error: str = ""
    """Accept the socket, send an error with this code as the first event and close: how OpenAI refuses a bad key."""
    never_ready: bool = False
    """Never acknowledge `session.update`."""
    echo_wrong_format: bool = False
    """Acknowledge another audio format than was asked for, and speak it."""
    session_limit_s: float = 0.0
    """Seconds until the session ends by itself, as after 60 or 120 minutes in production; 0 is never."""
    faults: tuple[TimedTrouble, ...] = ()
    """What befalls the session and when, such as `{at_s: 12, vanish: true}`."""
    connections: tuple[dict[str, Any], ...] = ()
    """What differs by connection, as keys of this script: for the first, the second and so on, refused ones included.
    The last holds for all that follow, so that `[{}, {refuse: 503}]` lets only the first one in."""

    def for_connection(self, number: int) -> ModelScript:
        """The script of connection *number*, from 0."""
        if not self.connections:
            return self
        differs = self.connections[min(number, len(self.connections) - 1)]
        return msgspec.convert({**msgspec.to_builtins(self), **differs}, ModelScript, strict=True)

    @property
    def delta_range(self) -> tuple[int, int]:
        if self.delta_ms:
            return self.delta_ms
        return (31, 887) if self.profile == "xai" else (50, 600)


def decode_script(document: Mapping[str, Any], place: str = "script") -> ModelScript:
    """A script from a loaded document: the mapping itself or its `model` entry. *place* (a file name) goes into errors.

    Raises:
        ScriptError: naming the entry and the remedy.
    """
    script = _converted(_spelled_out(document.get("model", document)), f"{place}: model")
    _check_all(script, f"{place}: model")
    for number, differs in enumerate(script.connections):
        within = f"{place}: model.connections[{number}]"
        for key in _FOR_ALL:
            if key in differs:
                raise ScriptError(f"{within}.{key}: holds for all connections. Move it to model.{key}.")
        if script.sessions == "continue" and "replies" in differs:
            remedy = "Remove it, or write sessions: anew."
            raise ScriptError(f"{within}.replies: with sessions: continue, model.replies go on here. {remedy}")
        _converted(differs, within)  # alone first, so that a mistake is named where it stands
        _check_all(script.for_connection(number), within)
    return script


_FOR_ALL = ("profile", "sessions", "connections")


def _converted(raw: Any, place: str) -> ModelScript:
    try:
        return msgspec.convert(raw, ModelScript, strict=True)
    except msgspec.ValidationError as error:
        raise ScriptError(_explain(str(error), place)) from error


def _spelled_out(raw: Any) -> Any:
    """YAML 1.1, which PyYAML speaks, reads a bare `on:` as the key True (yaml.org/type/bool.html)."""
    if isinstance(raw, Mapping):
        return {"on" if key is True else key: _spelled_out(value) for key, value in raw.items()}
    return [_spelled_out(item) for item in raw] if isinstance(raw, list) else raw


def _check_all(script: ModelScript, place: str) -> None:
    for number, reply in enumerate(script.replies):
        _check(script, number, reply, f"{place}.replies[{number}]")
    for number, trouble in enumerate(script.faults):
        wrong = trouble.wrong()
        if wrong:
            raise ScriptError(f"{place}.faults[{number}].{wrong}")
    _check_range(script.delta_ms, f"{place}.delta_ms")
    if script.refuse and not 400 <= script.refuse < 600:
        raise ScriptError(f"{place}.refuse: {script.refuse} refuses nothing. Use 401, 403, 429 or 503.")
    if script.most_sessions < 0:
        raise ScriptError(f"{place}.most_sessions: {script.most_sessions} is no number of sessions. Use 0 for any.")
    if not 0 < script.speed[0] <= script.speed[1]:
        raise ScriptError(f"{place}.speed: the slowest speed is above the fastest. Write for example [5, 10].")


def _check(script: ModelScript, number: int, reply: Reply, place: str) -> None:
    if reply.call and reply.calls:
        raise ScriptError(f"{place}: has both call and calls. Keep calls, with every function in it.")
    if reply.hears and reply.on != "speech":
        raise ScriptError(f"{place}.hears: only a reply on speech hears the caller. Remove it or write on: speech.")
    if reply.expect and reply.on != "tool":
        raise ScriptError(f"{place}.expect: only a reply on tool has outputs to check. Move it to the reply on tool.")
    asked = {call.name for earlier in script.replies[:number] for call in earlier.tool_calls}
    # A client that resumes may bring calls along which another session made.
    brought = any(known.on == "resume" or known.knows or known.knows_once for known in script.replies[: number + 1])
    if reply.on == "tool" and not asked and not brought:
        remedy = "Add call to an earlier reply, or knows if the client brings the call along from another session."
        raise ScriptError(f"{place}: waits for a tool, but no reply before it calls one. {remedy}")
    for name in reply.expect:
        if name not in asked and not brought:
            raise ScriptError(f"{place}.expect.{name}: {_instead('is not called before', name, asked)}")
    for key in ("knows", "knows_once", "knows_not"):
        if not all(getattr(reply, key)):
            raise ScriptError(f"{place}.{key}: an empty text stands everywhere. Remove it or write what to look for.")
    _check_trouble(reply, place)
    _check_range(reply.delta_ms, f"{place}.delta_ms")


def _check_trouble(reply: Reply, place: str) -> None:
    wrong = reply.wrong()
    if wrong:
        raise ScriptError(f"{place}.{wrong}")
    never = "drop" if reply.drop else "fail" if reply.fail else ""
    keys = [*reply.ends, *(key for key in ("malformed", "error") if getattr(reply, key))]
    if never and keys:
        raise ScriptError(
            f"{place}.{keys[0]}: with {never} the reply never comes to it. Remove {never}, or use faults."
        )
    if reply.trouble_at == "audio" and reply.tool_calls and not reply.say:
        raise ScriptError(f"{place}.trouble_at: nothing is said here. Add say, or write trouble_at: call.")
    if reply.trouble_at and not keys:
        raise ScriptError(f"{place}.trouble_at: there is no trouble. Add close, vanish, freeze, mute or error.")


def _check_range(delta_ms: tuple[int, int] | None, place: str) -> None:
    if delta_ms is not None and not 1 <= delta_ms[0] <= delta_ms[1]:
        raise ScriptError(f"{place}: is no range of milliseconds. Write the shortest first, such as [20, 900].")


def _instead(problem: str, word: str, known: set[str]) -> str:
    near = get_close_matches(word, known, n=1)
    return f"{problem}. Did you mean {near[0]}?" if near else f"{problem}. Known: {', '.join(sorted(known))}."


def _explain(message: str, place: str) -> str:
    """msgspec's message with our place and a remedy."""
    problem, _, path = message.partition(" - at `")
    entry = path.rstrip("`").removeprefix("$")
    unknown = re.search(r"unknown field `(.+)`", problem)
    if unknown:
        known = set(_owner(entry).__struct_fields__)
        return f"{place}{entry}.{unknown[1]}: {_instead('is not a known key', unknown[1], known)}"
    missing = re.search(r"required field `(.+)`", problem)
    if missing:
        return f"{place}{entry}: {missing[1]} is missing. Add it."
    return f"{place}{entry}: {problem}. Change it to a value of that kind."


def _owner(entry: str) -> type[msgspec.Struct]:
    if re.search(r"\.call(s\[\d+\])?$", entry):
        return Call
    if ".faults[" in entry:
        return TimedTrouble
    return Reply if ".replies[" in entry else ModelScript
