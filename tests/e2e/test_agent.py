# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""The Prometheus exporter, and a real Prometheus that scrapes it."""

import shutil
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from support import PATIENCE, procfs
from support.agent import Agent, get, wait_for
from support.looptop import assert_says_why, run
from support.prometheus import Prometheus
from support.workload import add_beside

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


@pytest.fixture(scope="module")
def served(one_node):
    """An agent that has watched a load: (agent, pid of the target, the load's truth, the page after it)."""
    with one_node.run("mixed.js") as target:
        before = target.account()
        with Agent(target.pid) as agent:
            agent.wait_ready()
            wait_for(lambda: agent.metrics().values("looptop_process_info"), PATIENCE, "the target")
            truth = target.call("start", seconds=2)
            agent.settle(target.pid)
            page = agent.metrics()
            add_beside(truth, before, target.account())
            yield agent, target.pid, truth, page
            agent.stop()
            procfs.wait_text_back(target.pid)


def assert_busy(busy, truth):
    """As the process counts it; what it did beside the load may have been seen as well."""
    room = max(0.02 * truth["active"], 0.005)
    assert truth["active"] - room <= busy <= truth["active"] + room + truth["beside"], (busy, truth)


def test_counters_are_the_truth(served):
    _, pid, truth, metrics = served
    loop = {"pid": str(pid), "name": "mixed.js", "loop": "main"}
    assert_busy(metrics.value("looptop_loop_time_seconds_total", state="busy", **loop), truth)
    if truth["loop_count"] is not None:
        iterations = metrics.value("looptop_loop_iterations_total", **loop)
        assert 0 <= iterations - truth["loop_count"] <= truth["loop_count_beside"]
    fs = {"pid": str(pid), "kind": "fs"}
    tasks = metrics.value("looptop_pool_tasks_total", state="completed", **fs)
    assert tasks == truth["timers"], "one fs.stat for each timer"
    info = metrics.value("looptop_process_info", pid=str(pid), runtime="node", tier="phases")
    assert info == 1


def histogram(metrics, name, /, **labels):
    """Cumulative buckets in order; checked for being a histogram."""
    found = [
        (float(has["le"]), value)
        for sample, has, value in metrics.samples
        if sample == name + "_bucket" and labels.items() <= has.items()
    ]
    assert found, name
    assert found == sorted(found) and found[-1][0] == float("inf")
    counts = [count for _, count in found]
    assert counts == sorted(counts)
    assert counts[-1] == metrics.value(name + "_count", **labels)
    return found


def test_histograms_are_histograms(served):
    _, pid, truth, metrics = served
    loop = {"pid": str(pid), "loop": "main"}
    for name in ("loop_turn", "loop_lag", "loop_timer_lateness"):
        histogram(metrics, f"looptop_{name}_seconds", **loop)
    assert_busy(metrics.value("looptop_loop_turn_seconds_sum", **loop), truth)


def test_lag_is_of_a_thousand_arrivals_a_second(served):
    _, pid, _, metrics = served
    loop = {"pid": str(pid), "loop": "main"}
    times = metrics.values("looptop_loop_time_seconds_total", **loop)
    arrivals = metrics.value("looptop_loop_lag_seconds_count", **loop)
    assert arrivals == pytest.approx(1000 * sum(times), rel=0.02)


def test_promtool_has_nothing_to_say(served):
    assert shutil.which("promtool"), "promtool is in Debian's package prometheus"
    _, _, text = get(served[0].url + "/metrics")
    result = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=PATIENCE
    )
    assert result.returncode == 0 and not result.stderr.strip(), result.stdout + result.stderr


def test_openmetrics_when_asked_for(served):
    status, kind, text = get(served[0].url + "/metrics", Accept=OPENMETRICS)
    assert status == 200
    assert kind.startswith("application/openmetrics-text")
    assert text.endswith("# EOF\n")
    types = {line.split()[2]: line.split()[3] for line in text.splitlines() if line[:6] == "# TYPE"}
    # A counter's family has no _total there; its samples have.
    assert types["looptop_loop_time_seconds"] == "counter"
    assert "looptop_loop_time_seconds_total{" in text


def test_health_and_other_paths(served):
    url = served[0].url
    assert get(url + "/healthz")[0] == 200
    assert get(url + "/readyz")[0] == 200
    assert get(url + "/no-such-page")[0] == 404
    post = urllib.request.Request(url + "/metrics", data=b"x", method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(post, timeout=PATIENCE)
    assert refused.value.code == 405
    refused.value.close()


def test_taken_port(served):
    listen = served[0].url.removeprefix("http://")
    assert_says_why(run("agent", "--listen", listen), 1, listen.split(":")[1], "in use")


def test_real_prometheus(served, tmp_path):
    """Debian's Prometheus scrapes the agent and answers the questions that people ask."""
    agent, pid, truth, _ = served
    with Prometheus(tmp_path, agent.url) as prometheus:
        loop = f'{{loop="main",pid="{pid}"}}'
        name = "looptop_loop_utilization_ratio"
        utilization = wait_for(lambda: prometheus.ask(name + loop), PATIENCE, "a scrape")
        assert len(utilization) == 1 and 0 <= utilization[0] <= 1
        buckets = f"sum by (le) (looptop_loop_lag_seconds_bucket{loop})"
        # The bursts stay in the counters; their share shrinks with all the idle time since.
        lag = prometheus.ask(f"histogram_quantile(0.999, {buckets})")
        assert len(lag) == 1 and 0 <= lag[0] < truth["active"] + truth["beside"], lag
        waited = prometheus.ask(f"looptop_loop_lag_seconds_sum{loop}")
        assert len(waited) == 1 and waited[0] > 0, waited
        assert prometheus.ask('up{job="looptop"}') == [1]


@pytest.mark.alone
def test_agent_finds_processes_by_itself(one_node):
    """No target named: every process with an event loop, also those that start later."""
    with Agent() as agent:
        agent.wait_ready()
        with one_node.run("spin.js") as target:
            pid = str(target.pid)
            wait_for(
                lambda: agent.metrics().values("looptop_process_info", pid=pid), PATIENCE, "a new process"
            )
        wait_for(
            lambda: not agent.metrics().values("looptop_process_info", pid=pid), PATIENCE, "its end"
        )
        agent.stop()


def test_a_stall_in_the_metrics(one_node):
    """While it runs, and once it has ended; its function is a label only for those who ask."""
    with one_node.run("stalls.js") as target, Agent("--stall-functions", 5, target.pid) as agent:
        agent.wait_ready()
        wait_for(lambda: agent.metrics().values("looptop_process_info"), PATIENCE, "the target")
        before, begun = target.account(), time.monotonic()
        target.send("endless", way="loop", seconds=3)
        wait_for(
            lambda: max(agent.metrics().values("looptop_loop_stalled_seconds"), default=0) > 0.1,
            begun + 3 - time.monotonic(), "the stall while it goes on",
        )  # fmt: skip
        truth = target.answer("endless", PATIENCE)
        elapsed = time.monotonic() - begun
        name = "looptop_stall_function_seconds_total"
        wait_for(lambda: agent.metrics().values(name, function="endlessLoop"), PATIENCE, "its function")
        metrics = agent.metrics()
        busy = target.account()["active"] - before["active"]
        assert truth["ended"] - truth["begun"] - 0.002 <= metrics.value(name, function="endlessLoop") <= elapsed
        # Its main cause may be that others have the CPU, and the turns before and after it may be late for that.
        stalls = metrics.values("looptop_loop_stalls_total")
        assert 1 <= sum(stalls) <= 1 + busy / 0.1
        seconds = sum(metrics.values("looptop_loop_stall_seconds_total"))
        assert truth["ended"] - truth["begun"] - 0.002 <= seconds <= busy + 0.002
        assert metrics.value("looptop_loop_stalled_seconds", loop="main") == 0
        agent.stop()


def test_functions_are_no_labels_by_default(served):
    _, _, text = get(served[0].url + "/metrics")
    assert "function=" not in text


def test_tier_changes_are_metrics(one_node):
    """A budget of a tenth of a per cent is too small for any spinner; the end of its input ends it."""
    with one_node.run("spin.js") as target:
        target.call("ping")
        target.send("immediates", seconds=2 * PATIENCE)
        with Agent("--budget", "0.1", target.pid) as agent:
            agent.wait_ready()

            def changes():
                return agent.metrics().values("looptop_self_tier_changes_total", reason="budget") == [1]

            wait_for(changes, PATIENCE, "the change of the tier")
            page = agent.metrics()
            agent.stop()
    assert page.values("looptop_self_tier_changes_total", reason="budget") == [1]
    assert page.values("looptop_process_info", pid=str(target.pid), tier="memory")
    assert not page.values("looptop_loop_turns_total", pid=str(target.pid))
