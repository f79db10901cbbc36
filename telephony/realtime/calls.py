"""The function calls of one session, put together from wherever a server mentions them.

A call is announced by an item, its arguments arrive on their own, and the finished item repeats both, twice. OpenAI and
xAI put everything into `response.function_call_arguments.done`; other servers leave out the name there, or skip the
event. Whatever comes first with name and arguments is the request; it is made once per call id.
"""

from __future__ import annotations

from telephony.events import ToolRequested
from telephony.realtime.reading import JsonObject, text


class FunctionCalls:
    """What is known of the calls of one session."""

    def __init__(self) -> None:
        self._announced: dict[str, tuple[str, str]] = {}
        """Item id or call id to (call id, name)."""
        self._nameless: dict[str, ToolRequested] = {}
        """By call id: arguments are complete, but nobody has said the name yet."""
        self._requested: set[str] = set()

    def announce(self, item: JsonObject) -> None:
        """Learn name and call id from an item that has begun."""
        if text(item, "type") != "function_call":
            return
        known = (text(item, "call_id") or text(item, "id"), text(item, "name"))
        for key in {text(item, "id"), text(item, "call_id")} - {""}:
            self._announced[key] = known

    def arguments_done(self, event: JsonObject) -> list[ToolRequested]:
        """The request in `response.function_call_arguments.done`, unless its name is still to come."""
        item_id = text(event, "item_id")
        announced_id, _ = self._announced.get(item_id, ("", ""))
        call_id = text(event, "call_id") or announced_id or item_id
        _, announced_name = self._announced.get(call_id) or self._announced.get(item_id) or ("", "")
        request = ToolRequested(
            response_id=text(event, "response_id"),
            call_id=call_id,
            name=text(event, "name") or announced_name,
            arguments=text(event, "arguments"),
            item_id=item_id,
        )
        if not request.name and call_id not in self._requested:
            self._nameless[call_id] = request
            return []
        return self._once(request)

    def item_done(self, item: JsonObject, response_id: str) -> list[ToolRequested]:
        """The request in a finished item. An item that was cut off (`incomplete`) is none: half its arguments may be
        missing."""
        if text(item, "type") != "function_call" or text(item, "status") in {"incomplete", "in_progress"}:
            return []
        item_id = text(item, "id")
        call_id = text(item, "call_id") or item_id
        _, announced_name = self._announced.get(call_id, ("", ""))
        name = text(item, "name") or announced_name
        if not name:
            return []
        earlier = self._nameless.get(call_id)
        arguments = text(item, "arguments") or (earlier.arguments if earlier else "")
        return self._once(ToolRequested(response_id, call_id, name, arguments, item_id))

    def response_done(self, response_id: str) -> list[ToolRequested]:
        """Calls of this response whose name never came. They are requested without one, because a model that gets no
        answer at all waits for ever."""
        left = [call for call in self._nameless.values() if call.response_id in {response_id, ""}]
        return [request for call in left for request in self._once(call)]

    def _once(self, request: ToolRequested) -> list[ToolRequested]:
        self._nameless.pop(request.call_id, None)
        if not request.call_id or request.call_id in self._requested:
            return []
        self._requested.add(request.call_id)
        return [request]
