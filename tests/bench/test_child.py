"""A process that is asked in lines: what it answers, and what is said of one that does not."""

from __future__ import annotations

import asyncio
import sys

import pytest

from telephony.bench.child import ask, end
from telephony.bench.fleet import BenchError


async def start(program: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdin=pipe, stdout=pipe)


async def test_it_answers_in_a_line_and_ends_when_nobody_asks_any_more() -> None:
    process = await start("for line in iter(input, None): print(line[::-1], flush=True)\n")
    assert await ask(process, b"abc", "turning") == b"cba\n"
    await end(process)
    assert process.returncode == 1


async def test_one_that_has_ended_is_named() -> None:
    process = await start("")
    await process.wait()
    with pytest.raises(BenchError, match="The quiet process has ended"):
        await ask(process, b"abc", "quiet")
    await end(process)
