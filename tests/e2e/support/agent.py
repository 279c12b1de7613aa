# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""The exporter as a child process, and asking it."""

import socket
import time
import urllib.error
import urllib.request

from . import PATIENCE
from .exposition import Exposition
from .looptop import NO_BUDGET, Running


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url, timeout=PATIENCE, **headers):
    """(status, content type, text) of a URL."""
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.headers["content-type"], answer.read().decode()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.headers["content-type"], answer.read().decode()


def wait_for(found, timeout, what):
    """Asks until there is a true answer; nobody listening is no answer yet."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            answer = found()
        except (urllib.error.URLError, ConnectionError):
            answer = None
        if answer:
            return answer
        assert time.monotonic() < deadline, f"{what}: not within {timeout} s"
        time.sleep(0.1)


class Agent(Running):
    def __init__(self, *arguments):
        self.url = f"http://127.0.0.1:{free_port()}"
        listen = self.url.removeprefix("http://")
        super().__init__("agent", "--listen", listen, *NO_BUDGET, *arguments, parse=str.rstrip)

    def wait_ready(self):
        wait_for(lambda: get(self.url + "/readyz")[0] == 200, PATIENCE, "ready")

    def metrics(self):
        """A page of figures; while the collector had no CPU for so long that they are old, the agent has none to give."""

        def page():
            status, kind, text = get(self.url + "/metrics")
            assert status in (200, 503)
            if status == 503:
                return None
            assert kind.startswith("text/plain") and "version=0.0.4" in kind
            return Exposition(text)

        return wait_for(page, PATIENCE, "a page of figures")

    def settle(self, pid):
        """Waits for a page of a collection that began after this call: the second that is new."""

        def counted():
            times = self.metrics().values("looptop_loop_time_seconds_total", pid=str(pid), loop="main")
            return sum(times)

        for _ in range(2):
            before = counted()
            wait_for(lambda before=before: counted() > before, PATIENCE, "another collection")

    def stop(self):
        """A normal end by SIGTERM."""
        super().stop(timeout=PATIENCE)
