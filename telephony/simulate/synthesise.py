"""Makes the recorded sentences that come with the program. Only whoever changes a sentence needs it, and `espeak-ng`.

    python -m telephony.simulate.synthesise                          all of them anew
    python -m telephony.simulate.synthesise --caller "Hello?"        add one in the caller's voice
    python -m telephony.simulate.synthesise --agent "One moment."    add one in the agent's voice

`telephony/simulate/clips/index.json` says which sentence is in which file; edit it and run this. Files are raw mu-law
at 8000 Hz, 8 kB to the second. The sentences of a bridge whose model is silent are `telephony/clips/*.ulaw`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from telephony.audio.g711 import mulaw_to_pcm
from telephony.audio.pcm import rms_dbfs
from telephony.errors import TelephonyError
from telephony.simulate.espeak import AGENT, SPEAKERS, Speaker, speak
from telephony.simulate.voice import normalised

FOLDER = Path(__file__).parent / "clips"
EMERGENCY_FOLDER = Path(__file__).parent.parent / "clips"
EMERGENCY = {
    "apology.ulaw": "I am sorry, we are having technical difficulties. Please call again later.",
    "filler.ulaw": "One moment, please.",
    "goodbye.ulaw": "Thank you for calling. Goodbye.",
    "transfer.ulaw": "I am sorry, we are having technical difficulties. I will put you through to somebody.",
}


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0, or 1 if a sentence could not be made."""
    parser = argparse.ArgumentParser(prog="synthesise", description="Make the simulations' recorded sentences.")
    for speaker in SPEAKERS:
        parser.add_argument(f"--{speaker}", action="append", default=[], metavar="TEXT", help="add a sentence")
    options = parser.parse_args(arguments)
    added = [(speaker, text) for speaker in SPEAKERS for text in getattr(options, speaker)]
    try:
        if added:
            add(FOLDER, added)
        else:
            make_all(FOLDER, EMERGENCY_FOLDER)
    except TelephonyError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def make_all(folder: Path, emergency: Path) -> None:
    """Write every sentence of *folder*'s index, and the emergency sentences to *emergency*."""
    for clip in _index(folder)["clips"]:
        _make(folder / clip["file"], clip["text"], SPEAKERS[clip["speaker"]])
    for name, text in EMERGENCY.items():
        _make(emergency / name, text, AGENT)


def add(folder: Path, sentences: list[tuple[str, str]]) -> None:
    """Write new sentences, given as speaker and text, and put them into *folder*'s index."""
    index = _index(folder)
    for speaker, text in sentences:
        known = [clip for clip in index["clips"] if clip["speaker"] == speaker]
        if any(normalised(clip["text"]) == normalised(text) for clip in known):
            continue
        stem = f"{speaker}-{'-'.join(normalised(text).split()[:6])}"
        taken = sum(clip["file"].startswith(stem) for clip in known)
        file = f"{stem}-{taken + 1}.ulaw" if taken else f"{stem}.ulaw"
        _make(folder / file, text, SPEAKERS[speaker])
        index["clips"].append({"speaker": speaker, "text": text, "file": file})
    (folder / "index.json").write_text(json.dumps(index, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _index(folder: Path) -> dict[str, Any]:
    index: dict[str, Any] = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    return index


def _make(path: Path, text: str, speaker: Speaker) -> None:
    audio = speak(text, speaker)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(audio)
    level = rms_dbfs(mulaw_to_pcm(audio))
    sys.stdout.write(f"{path.name:45} {len(audio) / 8000:5.1f} s  {level:5.1f} dBFS  {text}\n")


if __name__ == "__main__":
    sys.exit(main())
