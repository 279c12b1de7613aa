# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Somebody without rights who attacks the exporter, and somebody who scrapes it meanwhile."""

import json
import subprocess
import sys
import threading
import time
import urllib.error

from .agent import get
from .workload import WORKLOADS


class Attack:
    """tests/workloads/attack-http.py as nobody, under way from the beginning of the block."""

    def __init__(self, url, way, seconds, *arguments):
        port = url.rpartition(":")[2]
        self.process = subprocess.Popen(
            [sys.executable, "-", port, way, str(seconds), *map(str, arguments)],
            stdin=open(WORKLOADS / "attack-http.py", encoding="utf-8"),
            stdout=subprocess.PIPE,
            text=True,
            user="nobody",
            group="nogroup",
            extra_groups=[],
            cwd="/",
        )

    def __enter__(self):
        assert self.process.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self.process.stdin = None
        self.process.stdout.close()

    @property
    def goes_on(self):
        return self.process.poll() is None

    def result(self):
        return json.loads(self.process.stdout.readline())


class Scraper:
    """Asks for a page again and again: what was answered, and how long it took at most."""

    def __init__(self, url, pause=0.05):
        self.url, self.pause = url, pause
        self.good, self.bad, self.slowest = 0, [], 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._scrape)

    def _scrape(self):
        while not self._end.is_set():
            begin = time.monotonic()
            try:
                status, _, text = get(self.url, timeout=5)
                if status == 200 and text.endswith("\n"):
                    self.good += 1
                else:
                    self.bad.append(status)
            except (urllib.error.URLError, OSError) as error:
                self.bad.append(repr(error))
            self.slowest = max(self.slowest, time.monotonic() - begin)
            self._end.wait(self.pause)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._end.set()
        self._thread.join(20)
