# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Python's asyncio on uvloop, which is on the shared libuv. start {blocks, block_ms, tasks} blocks the
loop that often in timers, and asks the thread pool for that many name lookups."""

import asyncio
import json
import os
import sys
import time

import uvloop


def tell(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


def burn(seconds):
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        pass
    return time.monotonic() - begin


async def start(blocks, block_ms, tasks):
    loop = asyncio.get_running_loop()
    blocked = 0
    for _ in range(blocks):
        await asyncio.sleep(0.02)
        blocked += burn(block_ms / 1e3)
    for _ in range(tasks):
        await loop.getaddrinfo("127.0.0.1", 80)
    await asyncio.sleep(0.05)
    return {"blocks": blocks, "blocked_seconds": blocked, "tasks": tasks}


async def main():
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tell("ready", pid=os.getpid())
    while line := await reader.readline():
        command = json.loads(line)
        cmd = command.pop("cmd")
        tell("done", cmd=cmd, truth=await start(**command) if cmd == "start" else {})


uvloop.install()
asyncio.run(main())
