"""Makes the library's cassettes; see the package."""

from __future__ import annotations

import argparse
import sys

from library import CALLS
from library.kit import Call
from library.shelf import README, NotShown, path_of, readme, recorded, same
from telephony.errors import CassetteError
from telephony.runtime.cassettes import write_cassette


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m library", description="Make cassettes of fixtures/calls/.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="calls to make; by default those that are missing")
    parser.add_argument("--again", action="store_true", help="also where the cassette replays as it was recorded")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in CALLS]
    if unknown:
        parser.error(f"there is no call {unknown[0]!r} in the list (tests/library/)")
    names = asked.names or [name for name in CALLS if asked.again or not path_of(name).exists()]
    made = [_make(CALLS[name], again=asked.again) for name in names]
    README.write_text(readme(README.read_text(encoding="utf-8"), CALLS.values()), encoding="utf-8")
    sizes = [path_of(name).stat().st_size for name in CALLS if path_of(name).exists()]
    _say(f"{len(sizes)} of {len(CALLS)} calls, {sum(sizes) / 1e6:.1f} MB in all, the largest {max(sizes) / 1e3:.0f} kB")
    return 0 if all(made) else 1


def _make(call: Call, *, again: bool) -> bool:
    path = path_of(call.name)
    try:
        if not again and path.exists() and same(call.name):
            _say(f"{call.name}: replays as it was recorded, so it is left alone; --again makes it all the same")
            return True
        lines = recorded(call)
    except (NotShown, CassetteError) as problem:
        _say(str(problem))
        return False
    write_cassette(path, lines)
    _say(f"{call.name}: {path.stat().st_size / 1e3:.0f} kB")
    return True


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
