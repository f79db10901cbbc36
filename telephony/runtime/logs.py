"""Logging: structlog and the standard library's loggers through one formatter, one handler, one mask.

In a terminal a line reads `12:00:01 [info] call answered  call_id=CA… agent=frontdesk`; elsewhere each line is a JSON
object. Whatever is bound to structlog's context variables, as the id of a call is, stands in
every line written inside it, by whichever library.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from types import TracebackType
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from telephony.runtime.masking import Mask

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "pretty", "json"]

QUIET = {
    "websockets": logging.INFO,  # at DEBUG it writes out every frame: the caller's voice, as base64
    "telephony.links.dialed.websockets": logging.INFO,  # the same library under our name
    "aiohttp.access": logging.WARNING,  # a line for every health check tells nobody anything
    "sqlalchemy": logging.WARNING,
    "urllib3": logging.WARNING,  # as traces are exported
    "mcp": logging.WARNING,  # below, it shows session ids, which let one in, and whole messages
    "httpx2": logging.WARNING,
    "httpcore2": logging.WARNING,
    "asyncio": logging.INFO,
}
"""Loggers that say too much, and the level below which they are never heard."""


class Handler(logging.StreamHandler[TextIO]):
    """Ours, so that setting logging up again replaces it and nothing else."""


def set_up(
    level: Level = "info",
    format: Format = "auto",  # noqa: A002  the name of the setting
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Send every log line to *stream* (standard error by default; standard output belongs to the commands).

    *secrets* are masked wherever they turn up, tracebacks included. Calling it again replaces what was set up before.
    """
    stream = stream or sys.stderr
    pretty = format == "pretty" or (format == "auto" and stream.isatty())
    hide = Mask(secrets)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if pretty else "iso", utc=not pretty),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.UnicodeDecoder(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = Handler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                hide,
                _in_reading_order,
                _terminal(stream) if pretty else structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
        )
    )
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h, Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    sys.excepthook = _uncaught
    for name, floor in QUIET.items():
        logging.getLogger(name).setLevel(max(floor, root.level))


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What nobody has caught goes the way of every line, so that it is masked as they are."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        structlog.get_logger("telephony").error("the program failed", exc_info=(kind, error, trace))


def _terminal(stream: TextIO) -> Processor:
    """Colours only where somebody sees them; tracebacks plain, since pretty ones print local variables."""
    return structlog.dev.ConsoleRenderer(
        colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
    )


def _in_reading_order(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """When, how bad, what; then the rest as it comes."""
    first = {key: event[key] for key in ("timestamp", "level", "event", "call_id") if key in event}
    return {**first, **event}
