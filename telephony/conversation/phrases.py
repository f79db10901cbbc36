"""What we tell the model to say when the bridge itself has a reason to speak.

Instructions, not sentences: the model speaks the language of the conversation, we need not know it.
"""

from __future__ import annotations

STILL_THERE = (
    "The caller has not said anything for a while. In the language of this conversation, ask in one short sentence "
    "whether they are still there. Say nothing else."
)
NO_ANSWER = (
    "The caller does not answer any more. In the language of this conversation, say in one short sentence that you "
    "will end the call now and that they are welcome to call again. Say goodbye. Say nothing else."
)
PRESS_KEYS = (
    "The caller was asked to type something on the telephone keypad, and it did not come whole. In the language of "
    "this conversation, ask for it once more in one short sentence. Say nothing else."
)
TIME_IS_UP = (
    "This call has reached its maximum length and must end now. In the language of this conversation, tell the caller "
    "so in one short, kind sentence and say goodbye. Say nothing else."
)
CLOSING_DOWN = (
    "The telephone service is about to be restarted and this call must end now. In the language of this conversation, "
    "apologise in one short sentence, ask the caller to call again in a few minutes, and say goodbye. Say nothing else."
)
STILL_RINGING = (
    "The person the caller is to be put through to has not answered yet. In the language of this conversation, ask the "
    "caller in a few words to wait a little longer. Say nothing else."
)
NOT_TRANSFERRED = (
    "[The caller spoke up before they were put through, so they are still with you. If they still want to be put "
    "through, call the function again.]"
)
TRANSFER_REFUSED = (
    "[The telephone network did not put the caller through; they are still with you. In the language of this "
    "conversation, apologise and offer another way.]"
)
MOVED = (
    "[The telephone connection of this call was renewed between two turns, which the caller has not noticed. Go on "
    "where you were. Do not greet again.]"
)
BROKEN_OFF = (
    "[A technical fault has interrupted this call for some seconds, perhaps while somebody was speaking. In the "
    "language of this conversation, apologise in one short sentence and go on where you were. Do not greet again.]"
)
_CUT_OFF = (
    "Your last answer was cut off in the middle by a technical fault, and the caller waited. In the language of this "
    "conversation, go on from where you were. Do not repeat what you have said, and do not greet again."
)


def ending_soon(seconds: float) -> str:
    """Instructions for a call that may go on for so many *seconds*."""
    minutes = round(seconds / 60)
    left = f"{minutes} minutes" if minutes > 1 else "a minute" if seconds >= 45 else "a few seconds"
    return (
        f"This call has a maximum length and must end in {left}. In the language of this conversation, tell the caller "
        "so in one short, kind sentence. Do not say goodbye yet. Say nothing else."
    )


def cut_off(heard: str = "") -> str:
    """A message to a model that takes up what was being said in another session. *heard*: what the caller has heard of
    it, where the model remembers more than that."""
    return f"{_CUT_OFF} All that the caller has heard of it is: {heard}" if heard else _CUT_OFF


def earlier(lines: str) -> str:
    """A message to a model that was not there: what was said long ago, one line for each turn."""
    return f"Earlier in this telephone call:\n{lines}"


def come_back(name: str, outcome: str) -> str:
    """A message to a model whose caller was put through to *name* and is with it again."""
    why = {
        "busy": "the line was busy",
        "no-answer": "nobody answered",
        "canceled": "nobody answered",
        "completed": "they hung up at once",
    }.get(outcome, "the call could not be made")
    return (
        f"[You tried to put the caller through to {name}, but {why}, and the caller is back with you. In the language "
        "of this conversation, tell them so in one short sentence and offer another way. Do not greet again.]"
    )


def not_taken(outcome: str) -> str:
    """Why somebody who was asked first does not take the call, for a model that has the caller with it."""
    why = {
        "busy": "The line is busy.",
        "no-answer": "Nobody answers there.",
        "canceled": "Nobody answers there.",
        "completed": "They hung up before the caller was put through.",
    }.get(outcome, "They could not be called.")
    return f"{why} The caller is still with you: tell them, and offer another way."


def taken_over(before: str) -> str:
    """A message to an agent that goes on with the caller of another one."""
    return (
        f"[You take over this telephone call from {before}. What was said so far stands above; the caller hears you "
        "for the first time. In the language of this conversation, say in one short sentence who you are, and go on.]"
    )


def not_taken_over(agent: str) -> str:
    """A message to an agent who wanted to hand over."""
    return f"[{agent} is not available, and the caller is still with you. Tell them so and offer another way.]"


def background_result(name: str, output: str) -> str:
    """A message to a model that was told of a function that it goes on in the background."""
    return f"[The function {name}, which went on in the background, has come to an end. Its result: {output}]"


def progress(name: str, news: str) -> str:
    """A message to a model that waits for a function."""
    return f"[The function {name} is still running. It tells: {news}]"


def keys_pressed(digits: str) -> str:
    """A text item in the caller's name."""
    return f"[The caller pressed these keys on the telephone keypad: {digits}]"
