# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""The exporter as a child process, and asking it."""

import socket
import time
import urllib.error
import urllib.request

from .exposition import Exposition
from .looptop import NO_BUDGET, Running


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url, timeout=5, **headers):
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
        wait_for(lambda: get(self.url + "/readyz")[0] == 200, 10, "ready")

    def metrics(self):
        status, kind, text = get(self.url + "/metrics")
        assert status == 200
        assert kind.startswith("text/plain") and "version=0.0.4" in kind
        return Exposition(text)

    def stop(self):
        """A normal end by SIGTERM, soon."""
        super().stop(timeout=5)
