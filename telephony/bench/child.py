"""A process of the benchmark's own, asked in lines."""

from __future__ import annotations

import asyncio

from telephony.bench.fleet import BenchError

ANSWER_TIME = 20.0
"""Seconds that it has for an answer, and for its end."""


async def ask(process: asyncio.subprocess.Process, line: bytes, name: str) -> bytes:
    """Its answer to *line*, a line as well. Raises `TimeoutError`, and `BenchError` in which it is called *name*."""
    if process.stdin is None or process.stdout is None:
        raise BenchError(f"The {name} process has no pipes.")
    process.stdin.write(line + b"\n")
    async with asyncio.timeout(ANSWER_TIME):
        answer = await process.stdout.readline()
    if not answer:
        raise BenchError(f"The {name} process has ended.")
    return answer


async def end(process: asyncio.subprocess.Process) -> None:
    """It ends when nobody asks any more, or is killed."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(ANSWER_TIME):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
