"""Whom this process may call: the rules, the list of those who must not be called, and who keeps count."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from telephony.agents.agent import Agent
from telephony.bridge.permits import Permits
from telephony.dialling import DialPolicy
from telephony.dialling.lists import number_or_beginning
from telephony.errors import ConfigurationError
from telephony.settings import Settings
from telephony.store.audit_keeper import AuditKeeper

KEY = "dialling.do_not_call_file"


def make_permits(settings: Settings, staff: Iterable[Agent], keeper: AuditKeeper) -> Permits:
    """What the calls of *staff* ask before they dial. Raises `ConfigurationError`, also for the file of those who must
    not be called: it is read here, once."""
    narrowed = {agent.name: agent.settings.directory for agent in staff}
    file = settings.dialling.do_not_call_file
    listed = do_not_call(Path(file)) if file else []
    return Permits(DialPolicy(settings.dialling, narrowed, settings.numbers, listed), keeper)


def do_not_call(file: Path) -> list[str]:
    """The entries of *file*: one a line, without comments. A line that is no number is somebody who would be called
    after all, so it is a mistake."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        problem = f"{file} cannot be read ({error.strerror})"
        raise ConfigurationError(KEY, problem, "Name a text file with one number a line.") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(KEY, f"{file} is no text in UTF-8", "Save it as UTF-8.") from error
    entries = [(number, line.partition("#")[0].strip()) for number, line in enumerate(lines, 1)]
    for number, entry in entries:
        if entry and number_or_beginning(entry) is None:
            remedy = "Write +15550100, or +1555* for all that begin so, one a line."
            raise ConfigurationError(KEY, f"{entry[:40]!r} is no phone number", remedy, f"{file}:{number}")
    return [entry for _, entry in entries if entry]
