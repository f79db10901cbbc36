"""Build the sdist and the wheel, look inside, install the wheel into an empty environment and use it there.

What works in a checkout may still be missing from what users install: a data file, a dependency, the typing marker.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IN_SDIST = ["pyproject.toml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile"]
SOURCE_SUFFIXES = {".py", ".typed", ".sql", ".ulaw", ".json", ".yaml", ".jsonl", ".wav", ".md"}
SECONDS = 300
"""The longest any one step may take; a step that hangs fails the build."""


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Standard output of *command*; ends the program with what it printed if it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(f"dist: '{' '.join(words)}' ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def files_of(folder: str) -> set[str]:
    """Every file of a folder as git knows it (everything on disk in an unpacked sdist)."""
    listed = subprocess.run(  # noqa: S603  our own folders
        ["git", "ls-files", folder],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if listed.returncode == 0 and listed.stdout:
        return {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix in SOURCE_SUFFIXES
    }


def check_contents(sdist: Path, wheel: Path) -> None:
    """Nothing of the package is missing from either, and neither carries what is nobody else's business."""
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/")[2] for name in archive.getnames()}
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = set(archive.namelist())
    package = files_of("telephony")
    deployment = files_of("deploy")
    missing = [f"sdist: {name}" for name in sorted({*package, *deployment, *IN_SDIST} - in_sdist)]
    missing += [f"wheel: {name}" for name in sorted(package - in_wheel)]
    if not any(name.startswith("tests/") for name in in_sdist):
        missing.append("sdist: tests/")
    if not any(name.endswith("licenses/LICENSE") for name in in_wheel):
        missing.append("wheel: LICENSE")
    unwanted = [
        name
        for name in sorted((in_sdist | in_wheel) - deployment)
        if "__pycache__" in name or name.endswith((".db", ".env", ".pyc")) or name.startswith((".venv", "recordings"))
    ]
    unwanted += [name for name in sorted(in_wheel) if not name.startswith(("telephony/", "telephony_bridge-"))]
    if missing or unwanted:
        sys.exit("dist: missing:\n  " + "\n  ".join(missing) + "\ndist: unwanted:\n  " + "\n  ".join(unwanted))


def check_installed(wheel: Path, folder: Path) -> None:
    """The wheel alone, far from the checkout, has a version and a demo that succeeds."""
    home = folder / "elsewhere"
    home.mkdir()
    venv.create(folder / "venv", with_pip=True)
    program = folder / "venv" / "bin"
    run(program / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet", wheel, cwd=home)
    version = run(program / "telephony", "--version", cwd=home).strip()
    expected = wheel.name.split("-")[1]
    if expected not in version:
        sys.exit(f"dist: 'telephony --version' says {version!r}, the wheel is {expected}")
    json.loads(run(program / "telephony", "demo", "--json", cwd=home))


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="telephony-dist-") as name:
        folder = Path(name)
        run(sys.executable, "-m", "build", "--outdir", folder)
        [sdist] = folder.glob("*.tar.gz")
        [wheel] = folder.glob("*.whl")
        check_contents(sdist, wheel)
        check_installed(wheel, folder)
        print(f"dist: {sdist.name} and {wheel.name} hold what a user needs, and the wheel's demo succeeds")  # noqa: T201


if __name__ == "__main__":
    main()
