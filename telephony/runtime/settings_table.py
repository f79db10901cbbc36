"""Every setting in a row, generated from `telephony.settings`, so that README and `--help` cannot fall behind.

python -m telephony.runtime.settings_table            print the table
python -m telephony.runtime.settings_table README.md  renew it between its markers in that file
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from telephony.errors import ConfigurationError
from telephony.runtime.environment import env_name
from telephony.runtime.located import dotted
from telephony.runtime.schema import Schema, settings_schema

BEGIN = "<!-- settings: begin (made by python -m telephony.runtime.settings_table README.md) -->"
END = "<!-- settings: end -->"


@dataclass(frozen=True)
class Row:
    """One setting."""

    key: str
    """As in YAML, `*` for a name or a position of the user's choice: `agents.*.limits.dead_air`."""
    variable: str
    """The environment variable; empty where no single one can name it."""
    default: str
    """As YAML writes it; `required` if there is none."""
    meaning: str
    """The setting's sentence, with what it accepts where that is a choice."""


def describe_settings() -> list[Row]:
    """Every setting, in the order of `telephony.settings`."""
    return [_row(path, schema) for path, schema in settings_schema().leaves()]


def _row(path: tuple[str, ...], schema: Schema) -> Row:
    variable = "" if "*" in path else env_name(path)
    choices = f"One of {', '.join(f'`{choice}`' for choice in schema.choices)}." if schema.choices else ""
    meaning = " ".join(filter(None, [schema.sentence, choices]))
    return Row(dotted(path), variable, _default(schema), meaning)


def _default(schema: Schema) -> str:
    if schema.required:
        return "required"
    value = schema.default
    if value is None or value in ("", [], {}):
        return "unset" if value in ("", None) else "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def markdown(rows: Sequence[Row]) -> str:
    """The table with its markers."""
    lines = [BEGIN, "", "| setting | environment | default | meaning |", "|---|---|---|---|"]
    for row in rows:
        variable = f"`{row.variable}`" if row.variable else ""
        default = row.default if row.default in {"unset", "none", "required"} else f"`{row.default}`"
        meaning = row.meaning.replace("|", "\\|")
        lines.append(f"| `{row.key}` | {variable} | {default} | {meaning} |")
    return "\n".join([*lines, "", END])


def renewed(text: str) -> str:
    """*text* with the table between its markers replaced; raises `ConfigurationError` if the markers are missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        problem = "the markers of the settings table are missing"
        raise ConfigurationError("README", problem, f"Put '{BEGIN}' and '{END}' where the table belongs.")
    return before + markdown(describe_settings()) + after


def main(arguments: Sequence[str]) -> int:
    """Print the table, or renew it in the files named."""
    for name in arguments:
        path = Path(name)
        path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
    if not arguments:
        sys.stdout.write(markdown(describe_settings()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
