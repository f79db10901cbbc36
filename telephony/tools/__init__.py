"""Functions that a model may call during a phone call.

`tool` makes one of a typed function, `load_tools` finds those that the configuration names, a `Toolbox` runs them and
always has an answer, and `CallContext` is what they may know of the call. `builtin:hang_up` and its like act on the
call itself, so they are only offered here and enacted by the conversation.
"""

from telephony.tools.builtin import BUILTINS, HANG_UP, Builtin, builtin
from telephony.tools.context import CallContext
from telephony.tools.load import AnyTool, load_tools
from telephony.tools.tool import Tool, tool
from telephony.tools.toolbox import Toolbox

__all__ = [
    "BUILTINS",
    "HANG_UP",
    "AnyTool",
    "Builtin",
    "CallContext",
    "Tool",
    "Toolbox",
    "builtin",
    "load_tools",
    "tool",
]
