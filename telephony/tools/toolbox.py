"""The functions of one agent, ready to be called by a model that gets everything wrong.

`Toolbox.run` answers whatever happens: a model that is left without an answer to a call stays silent, and silence on a
telephone is the one thing a caller does not forgive.
"""

from __future__ import annotations

import asyncio
import difflib
import inspect
import traceback
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from telephony.commands import RunTool
from telephony.conversation.arguments import found, paths_of, spelled, without
from telephony.errors import ConfigurationError, ToolError
from telephony.events import ToolFinished, ToolProgress, ToolSays
from telephony.settings import ToolSpec
from telephony.tools.arguments import InvalidArguments
from telephony.tools.builtin import Builtin
from telephony.tools.context import CallContext
from telephony.tools.hidden import hide, without_typed
from telephony.tools.output import UnusableResult, failure, render
from telephony.tools.progress import MAX_NEWS, last_of
from telephony.tools.remote import RemoteTool
from telephony.tools.threads import Threads
from telephony.tools.tool import Tool

THREADS = 32
"""Sync tools that run at once in one toolbox; the next one waits for a place, inside its own timeout."""

CANCEL_GRACE = 1.0
"""Seconds a cancelled tool has to clean up while we wait for it; after that it is left to itself."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.tools")

_FAILED = (
    "The function {name} failed for a technical reason. Tell the caller that it did not work right now, and offer "
    "another way; do not call it again with the same arguments."
)
_TIMED_OUT = (
    "The function {name} took longer than {timeout:g} s and was given up. {effect} Tell the caller that it takes too "
    "long right now, and offer another way."
)
_MAYBE_DONE = "It may have taken effect or not, so do not repeat it."
_NOTHING_DONE = "Nothing was changed."


class Toolbox:
    """Runs the tools of one agent, for all of its calls. Belongs to one event loop; `close` it when that ends."""

    def __init__(
        self,
        tools: Iterable[Tool[..., Any] | Builtin | RemoteTool],
        provided: Mapping[type, Any] | None = None,
        *,
        threads: int = THREADS,
        others: Callable[[str], RemoteTool | None] = lambda name: None,
    ) -> None:
        """*provided*: what tools are given besides the arguments, by its type. *others* finds tools that come and go
        while the process runs, by name. Raises `ConfigurationError` if a tool needs what is not provided, or two have
        one name."""
        offered = list(tools)
        self.specs: tuple[ToolSpec, ...] = tuple(tool.spec for tool in offered)
        """What to offer to the model, in the given order, built-in tools included."""
        self._tools = {tool.spec.name: tool for tool in offered}
        if len(self._tools) < len(offered):
            _refuse_duplicates(offered)
        self._others = others
        self._given = {tool.spec.name: tool.given(provided or {}) for tool in offered if isinstance(tool, Tool)}
        self._threads = Threads(threads)
        self._running: set[asyncio.Task[ToolFinished]] = set()
        self._closed = False

    @property
    def abandoned(self) -> int:
        """Calls that were given up and still run: threads that hang, tasks that ignore their cancellation."""
        return len(self._threads.abandoned) + sum(task.cancelling() > 0 and not task.done() for task in self._running)

    async def run(self, call: RunTool, context: CallContext) -> ToolFinished:
        """Run one function call and say how it went. Raises nothing but `CancelledError`.

        Bounded by the tool's own timeout, waiting for a free thread included. Cancelling is safe: the tool is
        cancelled too and has `CANCEL_GRACE` seconds to clean up; a sync tool runs on in its thread, unheard. One that
        is to be detached runs on in any case, for the rest of its timeout.
        """
        tool = self._tools.get(call.name) or self._others(call.name)
        if tool is None:
            return self._unknown(call, context)
        if isinstance(tool, Builtin) or self._closed:
            _log.error("tool not run", tool=call.name, call_id=context.call_id, closed=self._closed)
            return _failed(call)
        # Not the call's TaskGroup: a group waits for its children, and a tool is the one child that may refuse to end.
        task = asyncio.get_running_loop().create_task(
            self._attempt(tool, call, context), name=f"tool {call.name} of {context.call_id}"
        )
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        until = asyncio.get_running_loop().time() + tool.spec.timeout
        try:
            await asyncio.wait({task}, timeout=tool.spec.timeout)
        except asyncio.CancelledError:
            if tool.spec.on_barge_in == "detach" and not self._closed:
                _leave_alone(task, until)
                raise
            task.cancel("the call no longer wants the answer")
            await asyncio.wait({task}, timeout=CANCEL_GRACE)
            raise
        if not task.done():
            task.cancel("timeout")
            await asyncio.sleep(0)  # lets the cancellation land: only a task that ignores it counts as abandoned
            return self._timed_out(tool.spec, call, context)
        if task.cancelled():  # not by us: the tool waited for something of its own that was cancelled
            _log.error("tool cancelled itself", tool=call.name, call_id=context.call_id)
            return _failed(call)
        return task.result()

    async def close(self, timeout: float = 5.0) -> None:
        """Cancel what runs and wait up to *timeout* seconds for it; what remains is logged by name and left behind.

        Threads that hang are daemons, so they end with the process. Later calls are answered with a failure.
        """
        self._closed = True
        deadline = asyncio.get_running_loop().time() + timeout
        for task in self._running:
            task.cancel("closing")
        if self._running:
            await asyncio.wait(self._running, timeout=timeout)
        hanging = await self._threads.close(max(0.0, deadline - asyncio.get_running_loop().time()))
        left = [*hanging, *(task.get_name() for task in self._running)]
        if left:
            _log.warning("tools left behind", tools=left, waited_s=timeout)

    async def _attempt(self, tool: Tool[..., Any] | RemoteTool, call: RunTool, context: CallContext) -> ToolFinished:
        """One call from JSON to JSON, and the shell around other people's code."""
        log = _log.bind(tool=call.name, call_id=context.call_id)
        for value in found(call.arguments, paths_of(tool.spec.sensitive)):
            hide(spelled(value))
        try:
            answer = await self._answer(tool, call, context, log)
            return msgspec.structs.replace(answer, output=without_typed(answer.output))
        except (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            if tool.spec.sensitive:
                trace = "".join(traceback.format_exception(error))
                log.error("tool raised", traceback=without(trace, call.arguments, paths_of(tool.spec.sensitive)))
            else:
                log.exception("tool raised")
            return _failed(call)

    async def _answer(
        self, tool: Tool[..., Any] | RemoteTool, call: RunTool, context: CallContext, log: FilteringBoundLogger
    ) -> ToolFinished:
        try:
            if isinstance(tool, RemoteTool):
                return ToolFinished(call.call_id, render(await tool.run(call.arguments, context)))
            arguments = tool.read(call.arguments)
            self._say(tool, call, arguments, context, log)
            result = await self._call(tool, call, arguments, context)
            return ToolFinished(call.call_id, render(result, tool.max_bytes))
        except InvalidArguments as error:
            log.info("tool called with invalid arguments")
            problem = without(str(error), call.arguments, paths_of(tool.spec.sensitive))
            output = failure(f"{problem} Correct the arguments and call {call.name} again.", retry=True)
            return ToolFinished(call.call_id, output, "invalid")
        except ToolError as error:
            log.info("tool refused")
            sentence = str(error) or _FAILED.format(name=call.name)
            return ToolFinished(call.call_id, failure(sentence, retry=False), "error")
        except UnusableResult as error:
            log.error("tool returned something unusable", problem=str(error))
            return _failed(call)

    def _say(
        self,
        tool: Tool[..., Any],
        call: RunTool,
        arguments: dict[str, Any],
        context: CallContext,
        log: FilteringBoundLogger,
    ) -> None:
        """Let the conversation know what is to be said if it takes long."""
        try:
            words = tool.words(arguments)
        except Exception:  # other people's code; the tool itself may still work
            log.exception("say raised")
            return
        if isinstance(words, str) and words and context.control:
            context.control.feed(ToolSays(call.call_id, without_typed(words)))

    async def _call(self, tool: Tool[..., Any], call: RunTool, arguments: dict[str, Any], context: CallContext) -> Any:
        given = (context,) if tool.takes_context else ()
        arguments = arguments | self._given[tool.spec.name]
        if tool.tells_progress:
            return await last_of(tool(*given, **arguments), partial(_tell, call, context))
        if tool.is_async:
            return await tool(*given, **arguments)
        result = await self._threads.run(lambda: tool(*given, **arguments), tool.spec.name)
        return await result if inspect.isawaitable(result) else result  # a sync wrapper around a coroutine function

    def _unknown(self, call: RunTool, context: CallContext) -> ToolFinished:
        _log.warning("unknown tool", tool=call.name[:64], call_id=context.call_id)
        near = difflib.get_close_matches(call.name[:64], self._tools, n=1)
        advice = f"Did you mean {near[0]}?" if near else f"The functions are: {', '.join(self._tools) or 'none'}."
        sentence = f"There is no function of that name. {advice}"
        return ToolFinished(call.call_id, failure(sentence, retry=bool(self._tools)), "invalid")

    def _timed_out(self, spec: ToolSpec, call: RunTool, context: CallContext) -> ToolFinished:
        _log.warning(
            "tool timed out",
            tool=spec.name,
            call_id=context.call_id,
            timeout_s=spec.timeout,
            abandoned=self.abandoned,
            busy_threads=len(self._threads.busy),
        )
        effect = _MAYBE_DONE if spec.side_effects else _NOTHING_DONE
        sentence = _TIMED_OUT.format(name=spec.name, timeout=spec.timeout, effect=effect)
        return ToolFinished(call.call_id, failure(sentence, retry=False), "timeout")


def _tell(call: RunTool, context: CallContext, news: Any) -> None:
    """Let the conversation know how far a tool has come."""
    try:
        words = without_typed(render(news, MAX_NEWS))
    except UnusableResult as error:
        _log.error("tool told something unusable", tool=call.name, call_id=context.call_id, problem=str(error))
        return
    if context.control:
        context.control.feed(ToolProgress(call.call_id, words))


def _leave_alone(task: asyncio.Task[ToolFinished], until: float) -> None:
    """Let *task* run without anybody waiting for it, but no longer than *until* (the loop's time)."""
    end = asyncio.get_running_loop().call_at(until, task.cancel, "timeout")

    def report(done: asyncio.Task[ToolFinished]) -> None:
        end.cancel()
        outcome = "cancelled" if done.cancelled() else done.result().outcome
        _log.info("tool ended after its call", task=done.get_name(), outcome=outcome)

    task.add_done_callback(report)


def _failed(call: RunTool) -> ToolFinished:
    """The neutral answer: what went wrong is for the log and not for a stranger's ear."""
    return ToolFinished(call.call_id, failure(_FAILED.format(name=call.name), retry=False), "error")


def _refuse_duplicates(tools: list[Tool[..., Any] | Builtin | RemoteTool]) -> None:
    names = [tool.spec.name for tool in tools]
    name = next(name for name in names if names.count(name) > 1)
    both = " and ".join(tool.reference for tool in tools if tool.spec.name == name)
    problem = f"two tools are called {name}: {both}"
    raise ConfigurationError("tools", problem, 'Rename one with @tool(name="…"), or list it once.')
