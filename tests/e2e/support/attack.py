# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Somebody without rights who attacks the exporter, and somebody who scrapes it meanwhile."""

import http.client
import json
import subprocess
import sys
import threading
import time

from . import procfs
from .agent import get
from .pressure import waited_seconds
from .workload import WORKLOADS


class Attack:
    """tests/workloads/attack-http.py as nobody, under way from the beginning of the block."""

    def __init__(self, url, way, seconds, *arguments):
        port = url.rpartition(":")[2]
        with open(WORKLOADS / "attack-http.py", encoding="utf-8") as script:
            self.process = subprocess.Popen(
                [sys.executable, "-", port, way, str(seconds), *map(str, arguments)],
                stdin=script,
                stdout=subprocess.PIPE,
                text=True,
                user="nobody",
                group="nogroup",
                extra_groups=[],
                cwd="/",
            )

    def __enter__(self):
        said = self.process.stdout.readline()
        if said != "ready\n":
            self.__exit__()
            raise AssertionError(f"the attacker says {said!r}")
        return self

    def __exit__(self, *exc):
        self.process.kill()
        self.process.wait(10)
        self.process.stdout.close()

    @property
    def goes_on(self):
        return self.process.poll() is None

    def result(self, timeout):
        """When it has ended by itself."""
        self.process.wait(timeout)
        return json.loads(self.process.stdout.readline())


class Scraper:
    """Asks for a page again and again: what was answered, and how long it took at most, without what both sides, the
    process pid (that of its threads which waited longest) and this thread, were kept from a CPU meanwhile, as the kernel
    says."""

    def __init__(self, url, pid, pause=0.05):
        self.url, self.pid, self.pause = url, pid, pause
        self.good, self.bad, self.slowest = 0, [], 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._scrape)

    def _scrape(self):
        while not self._end.is_set():
            waited, begin = self._waited(), time.monotonic()
            try:
                status, _, text = get(self.url, timeout=5)
                if status == 200 and text.endswith("\n"):
                    self.good += 1
                else:
                    self.bad.append(status)
            except (http.client.HTTPException, OSError) as error:
                self.bad.append(repr(error))
            took = time.monotonic() - begin
            self.slowest = max(self.slowest, took - self._waited_since(waited))
            self._end.wait(self.pause)

    def _waited(self):
        own = threading.get_native_id()
        return waited_seconds("self", own), {tid: waited_seconds(self.pid, tid) for tid in procfs.threads(self.pid)}

    def _waited_since(self, before):
        own, theirs = self._waited()
        return own - before[0] + max(theirs[tid] - before[1].get(tid, theirs[tid]) for tid in theirs)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._end.set()
        self._thread.join(20)
