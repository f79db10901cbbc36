"""The public door: few names, all of them there, all of them explained, and quick to open."""

from __future__ import annotations

import subprocess
import sys

import telephony

NARROW = 15


def test_public_names_exist_and_are_few() -> None:
    names = getattr(telephony, "__all__", ())
    assert [name for name in names if not hasattr(telephony, name)] == []
    assert len(set(names)) == len(names) <= NARROW


def test_public_names_say_what_they_are() -> None:
    public = [getattr(telephony, name) for name in getattr(telephony, "__all__", ()) if not name.startswith("__")]
    assert [thing for thing in public if callable(thing) and not thing.__doc__] == []


def test_nothing_public_is_missing_from_the_list() -> None:
    names = set(getattr(telephony, "__all__", ()))
    modules = {name for name, thing in vars(telephony).items() if type(thing).__name__ == "module"}
    public = {name for name in vars(telephony) if not name.startswith("_")} - modules - {"annotations"}
    assert public <= names


def test_importing_the_package_does_not_pay_for_what_only_some_commands_use() -> None:
    code = "import sys, telephony; print(*[m for m in ('sqlalchemy', 'twilio.rest', 'typer') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)  # noqa: S603
    assert done.stdout.split() == []
