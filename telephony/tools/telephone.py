"""Built-in tools for the telephone itself: what a model can do on a line besides talking. Each is a `@tool` like any
other, made of what `CallContext` offers, so whoever wants it otherwise writes their own in as many lines."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from telephony.errors import ToolError
from telephony.tools.context import LONGEST_BRIEFING, LONGEST_KEYS, CallContext, Digits
from telephony.tools.tool import tool

WHILE_TYPING = 600.0
"""Seconds a caller may take in all; each try has its own bounds, which are much shorter."""
SLOWLY = 6.0
"""Seconds from one key to the next in a number of unknown length that is read off a card."""
WHILE_RINGING = 720.0
"""Seconds in which it must be known whether somebody who is asked first takes the call: the longest it may ring there,
and what is said to them."""
LONGEST_MESSAGE = 300.0
"""Seconds."""

Keys = Annotated[str, Field(pattern=rf"^[0-9*#A-DwW]{{1,{LONGEST_KEYS}}}$")]
Briefing = Annotated[str, Field(max_length=LONGEST_BRIEFING)]
Count = Annotated[int, Field(ge=1, le=LONGEST_KEYS)]

_ADVICE = {
    "timeout": "They did not type it in time. Ask whether they need help, or offer another way.",
    "spoke": "They spoke instead of typing: answer what they said.",
    "busy": "Something else is being collected already; wait for it.",
    "over": "The call is ending.",
}


@tool(timeout=WHILE_RINGING)
async def transfer(call: CallContext, target: str, briefing: Briefing = "") -> dict[str, Any]:
    """Put the caller through to somebody else. Tell them so first, aloud and in the same turn. You leave the call; if
    nobody answers there, the caller comes back to you.

    Args:
        target: Who takes the call: a name of the directory, or a number the caller gave if that is allowed.
        briefing: One or two sentences for whoever takes the call, in their language: who calls, and what about. Some
            are told it before they have the caller on the line; the caller never hears it.
    """
    result = await call.transfer(target, briefing)
    if not result.accepted:
        raise ToolError(result.why_not)
    if result.waiting:
        note = f"{result.name} is on the line. Say in a few words that you put the caller through now, and no more."
        return {"status": "ok", "note": note}
    return {"status": "ok", "note": f"The caller is put through to {result.name} once they have heard your words."}


@tool
async def hand_over(call: CallContext, agent: str) -> dict[str, Any]:
    """Let a colleague go on with the caller, who stays on the line. Tell them so first, aloud and in the same turn.

    Args:
        agent: Who is to go on.
    """
    await call.hand_over(agent)
    return {"status": "ok", "note": "They go on as soon as the caller has heard your words. Say nothing more."}


@tool
async def send_sms(call: CallContext, body: str, to: str = "") -> dict[str, Any]:
    """Send a text message to the caller's telephone, such as a link or an address they will want to keep.

    Args:
        body: The text, as short as possible.
        to: Another number than the caller's, if they want it there.
    """
    await call.send_sms(body, to)
    return {"status": "sent"}


@tool(timeout=60)
async def send_digits(call: CallContext, keys: Keys) -> dict[str, Any]:
    """Press keys of the telephone keypad, so that the other side hears their tones: for menus and extensions.

    Args:
        keys: What to press, such as "1" or "4711#". A "w" waits half a second, a "W" a whole one.
    """
    return {"status": "ok" if await call.send_digits(keys) else "interrupted"}


@tool(timeout=WHILE_TYPING)
async def collect_digits(
    call: CallContext,
    prompt: str = "",
    length: Count | None = None,
    least: Count = 1,
    most: Count = LONGEST_KEYS,
) -> dict[str, Any]:
    """Let the caller type a number on the telephone keypad, and wait for it. Not for anything confidential.

    Args:
        prompt: Said to the caller, word for word, before they type. Leave it out if you have just asked.
        length: How many digits it has, if that is certain.
        least: How many it has at least.
        most: How many it has at most; more than that, or the key #, end it.
    """
    digits = await call.collect_digits(prompt=prompt, length=length, least=min(least, most), most=most)
    return {"status": digits.outcome, "digits": digits.keys} | _advice(digits)


@tool(timeout=WHILE_TYPING)
async def collect_secret_digits(call: CallContext, prompt: str, length: Count | None = None) -> dict[str, Any]:
    """Let the caller type something confidential, such as a card number or a PIN, on the telephone keypad. You never
    learn the digits: you get a handle, which other functions take in their place, once.

    Args:
        prompt: Said to the caller, word for word, before they type. Never ask before calling this.
        length: How many digits it has, if that is certain.
    """
    digits = await call.collect_digits(prompt=prompt, length=length, between=3.0 if length else SLOWLY, secret=True)
    return {"status": digits.outcome, "handle": digits.handle, "count": digits.count} | _advice(digits)


@tool(timeout=LONGEST_MESSAGE + 60)
async def voicemail(call: CallContext) -> dict[str, Any]:
    """Take a message from the caller: after a tone they speak, and you hear nothing of it. First tell them, aloud and
    in the same turn, to speak after the tone and to press any key when they are done."""
    message = await call.take_message(longest=LONGEST_MESSAGE)
    if message.outcome == "timeout":
        return {"status": "empty", "note": "Nothing was said. Ask whether they want to try again."}
    return {"status": message.outcome, "seconds": round(message.seconds)}


def _advice(digits: Digits) -> dict[str, str]:
    return {"note": _ADVICE[digits.outcome]} if digits.outcome in _ADVICE else {}
