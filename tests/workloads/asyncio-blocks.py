# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Python's asyncio, which keeps account of its own selects in a file that is mapped: how many have begun,
and the time between them. start {blocks, block_ms} blocks the loop that often by work, and as often by a
sleep."""

import asyncio
import json
import mmap
import os
import selectors
import struct
import sys
import time


class CountingSelector(selectors.EpollSelector):
    def __init__(self, path):
        super().__init__()
        with open(path, "r+b") as file:
            self.account = mmap.mmap(file.fileno(), 16)
        self.selects = 0
        self.busy = 0.0
        self.returned = time.monotonic()

    def select(self, timeout=None):
        self.selects += 1
        self.busy += time.monotonic() - self.returned
        struct.pack_into("=qd", self.account, 0, self.selects, self.busy)
        try:
            return super().select(timeout)
        finally:
            self.returned = time.monotonic()


def tell(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


def burn(seconds):
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        pass
    return begin, time.monotonic() - begin


def sleep(seconds):
    begin = time.monotonic()
    time.sleep(seconds)
    return begin, time.monotonic() - begin


async def start(blocks, block_ms):
    truth = {"burn": [], "sleep": []}
    for _ in range(blocks):
        await asyncio.sleep(0.02)
        truth["burn"].append(burn(block_ms / 1e3))
        await asyncio.sleep(0.02)
        truth["sleep"].append(sleep(block_ms / 1e3))
    await asyncio.sleep(0.02)
    return truth


async def main():
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tell("ready", pid=os.getpid())
    while line := await reader.readline():
        command = json.loads(line)
        cmd = command.pop("cmd")
        tell("done", cmd=cmd, truth=await start(**command) if cmd == "start" else {})


loop = asyncio.SelectorEventLoop(CountingSelector(sys.argv[1]))
loop.run_until_complete(main())
