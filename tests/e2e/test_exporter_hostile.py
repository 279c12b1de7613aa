# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Clients that want the exporter for themselves: everybody else is served as before."""

import http.client
import time
from pathlib import Path

import pytest
from support import procfs
from support.agent import Agent, get
from support.attack import Attack, Scraper
from support.pressure import Waited

# The connections that the exporter keeps, with those that it is about to close.
PLACES = 128 + 64
# (way, seconds, connections, sources); one that trickles is let go after ten seconds.
ATTACKS = [
    ("trickle", 12, 200, 1),
    ("trickle", 6, 200, 200),
    ("deaf", 12, 200, 1),
    ("asks", 4, 100, 1),
    ("flood", 4, 1, 200),
    ("body", 4, 50, 1),
]


@pytest.fixture(scope="module")
def agent(one_node):
    with one_node.run("mixed.js") as target:
        target.call("ping")
        with Agent(target.pid) as running:
            running.wait_ready()
            yield running
            running.stop()


def peak_kb(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0])


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: f"{a[0]}-{a[3]}")
def test_others_are_served(agent, attack):
    """From the attacker's own address too: on one host nobody has another one for sure."""
    pid, most = agent.process.pid, 0
    with Attack(agent.url, *attack) as attacker:
        before = procfs.threads(pid)
        with Scraper(agent.url + "/metrics", pid) as scraper, Scraper(agent.url + "/healthz", pid) as health:
            deadline = time.monotonic() + attack[1] + 20
            while attacker.goes_on and time.monotonic() < deadline:
                most = max(most, procfs.fd_count(pid))
                time.sleep(0.1)
        result = attacker.result(timeout=30)
    assert result["opened"] >= attack[2] and not result["failed"], result
    assert not scraper.bad and not health.bad, (scraper.bad, health.bad)
    assert scraper.good > 10 and health.good > 10
    assert health.slowest < 1, "the promise of docs/SECURITY.md"
    assert procfs.threads(pid) == before
    assert peak_kb(pid) < 100_000, "the promise of docs/SECURITY.md"
    with Scraper(agent.url + "/metrics", pid) as scraper:
        time.sleep(0.3)
    assert scraper.good and not scraper.bad
    assert most - procfs.fd_count(pid) <= PLACES


@pytest.mark.parametrize("way", ["once", "deaf-once"])
def test_ten_seconds(agent, way):
    """Few who trickle a request, or do not read an answer, for whom there is room: each is closed when its time is
    over, not before."""
    with Attack(agent.url, way, 40, 8) as attacker, Waited(agent.process.pid) as waited:
        result = attacker.result(timeout=60)
    assert result["ended"] == 8 and result["held"] == 0, result
    assert 9.9 < result["shortest"] <= result["longest"] < 13 + waited.seconds, (result, waited.seconds)


def test_keep_alive(agent):
    """Two requests on one connection, and the server has not closed it."""
    connection = http.client.HTTPConnection(agent.url.removeprefix("http://"), timeout=5)
    connection.connect()
    first = connection.sock
    for path in ("/metrics", "/healthz", "/metrics"):
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read().endswith(b"\n")
        assert connection.sock is first
    # Longer than a request may take: it rests, and that is something else.
    time.sleep(11)
    connection.request("GET", "/readyz")
    answer = connection.getresponse()
    assert answer.status == 200 and answer.read() == b"ok\n"
    assert connection.sock is first
    connection.close()


def test_bodies_are_refused_early(agent):
    """Gigabytes that are announced are not waited for."""
    connection = http.client.HTTPConnection(agent.url.removeprefix("http://"), timeout=5)
    connection.putrequest("PUT", "/metrics")
    connection.putheader("Content-Length", str(4 << 30))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 405 and answer.getheader("Allow") == "GET, HEAD"
    connection.close()
    assert get(agent.url + "/healthz")[0] == 200
