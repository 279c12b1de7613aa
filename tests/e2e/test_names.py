# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""The names of others beside the process's own prom-client, and every query of the dashboards in a real Prometheus."""

import json
import re
import subprocess
import time
from collections import namedtuple
from pathlib import Path

import pytest
from support import PATIENCE
from support.agent import Agent, wait_for
from support.exposition import Exposition
from support.looptop import assert_says_why, run
from support.prometheus import Prometheus

ROOT = Path(__file__).resolve().parents[2]
DASHBOARDS = sorted((ROOT / "packaging" / "grafana").glob("*.json"))
RULES = sorted((ROOT / "packaging" / "prometheus").glob("*.yml"))

# What looptop adds to each series, and what a dashboard's variables stand for.
OWN_LABELS = {"pid", "name", "container"}
VARIABLES = {"instance": ".*", "name": ".*", "pid": ".*", "loop": ".*", "__rate_interval": "15s", "__range": "1m"}

# prom-client's metrics that looptop does not have (docs/METRICS.md says why).
ABSENT = {"nodejs_active_resources", "nodejs_active_handles", "nodejs_active_requests"}

# What Grafana's dashboard 11159 asks for.
DASHBOARD_11159 = [
    'irate(process_cpu_user_seconds_total{instance=~"$instance"}[2m]) * 100',
    'irate(process_cpu_system_seconds_total{instance=~"$instance"}[2m]) * 100',
    'nodejs_eventloop_lag_seconds{instance=~"$instance"}',
    'sum(nodejs_version_info{instance=~"$instance"}) by (version)',
    'process_start_time_seconds{instance=~"$instance"}',
    'process_resident_memory_bytes{instance=~"$instance"}',
    'nodejs_heap_size_total_bytes{instance=~"$instance"}',
    'nodejs_heap_size_used_bytes{instance=~"$instance"}',
    'nodejs_external_memory_bytes{instance=~"$instance"}',
    'nodejs_active_handles_total{instance=~"$instance"}',
    'nodejs_active_requests_total{instance=~"$instance"}',
    'nodejs_heap_space_size_total_bytes{instance=~"$instance"}',
    'nodejs_heap_space_size_used_bytes{instance=~"$instance"}',
    'nodejs_heap_space_size_available_bytes{instance=~"$instance"}',
    "nodejs_version_info",
]

Beside = namedtuple("Beside", "pid spawned attached asked loaded load page first second rest entries")


def prom_client():
    result = subprocess.run([ROOT / "tests" / "get-prom-client"], capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def expected(query, page):
    """Is there an answer? Whether its container has a limit is for this machine to say."""
    limit = re.search(r"looptop_process_(cpu|memory)_limit\w*", query)
    return not limit or bool(page.values(limit.group(0)))


def ask_all(prometheus, agent):
    """Every query of every dashboard: {query: values}. The last ones need two scrapes and an evaluation of rules."""
    queries = [query for path in DASHBOARDS for query in dashboard_queries(path)] + DASHBOARD_11159
    wait_for(lambda: prometheus.ask("count_over_time(looptop:loop_lag_seconds:p99_5m[1m]) > 3"), PATIENCE, "recorded rules")
    answers = {query: prometheus.ask(filled_in(query)) for query in queries}
    # A figure that could not be read in one interval is absent then, and there in the next.
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and any(unanswered := [query for query in answers if not answers[query]]):
        answers.update({query: prometheus.ask(filled_in(query)) for query in unanswered})
        if not [query for query in unanswered if not answers[query] and expected(query, agent.metrics())]:
            break
        time.sleep(0.5)
    return answers


@pytest.fixture(scope="module")
def watched(one_node, tmp_path_factory):
    """One run: under a load that begins before the agent and ends when all has been asked, then at rest."""
    with one_node.run("prom-client.js", env={"LT_PROM_CLIENT": prom_client()}) as target:
        target.call("start")
        target.call("scrape")
        spawned = time.monotonic()
        extra = ("--names", "prom-client", "--names", "otel,prom-client", "--stall-functions", 5, target.pid)
        with Agent(*extra) as agent:
            agent.wait_ready()
            wait_for(lambda: agent.metrics().values("looptop_process_info"), PATIENCE, "the target")
            attached = time.monotonic()
            with Prometheus(tmp_path_factory.mktemp("prometheus"), agent.url, RULES) as prometheus:
                time.sleep(8)
                answers = ask_all(prometheus, agent)
                loaded = agent.metrics()
                load = target.call("scrape")
            target.call("stop")
            agent.settle(target.pid)
            first = target.call("scrape")
            rest = target.account()["active"]
            collected = time.monotonic()  # what was before this is in the page
            agent.settle(target.pid)
            asked = time.monotonic()
            page = agent.metrics()
            rest = target.account()["active"] - rest
            second = target.call("scrape")
            entries = target.call("entries")["entries"]
            agent.stop()
    beside = Beside(target.pid, spawned, attached, (collected, asked), loaded, load, page, first, second, rest, entries)
    return beside, answers


@pytest.fixture
def beside(watched):
    return watched[0]


@pytest.fixture
def answers(watched):
    return watched[1]


def theirs(scrape, name, /, **labels):
    return Exposition(scrape["text"]).value(name, **labels)


def label_names(exposition, family):
    """The labels of a family's series, without what is in them; a histogram's series are one family."""
    return {
        frozenset(labels) - OWN_LABELS
        for name, labels, _ in exposition.samples
        if re.fullmatch(re.escape(family) + "(_bucket|_sum|_count)?", name)
    }


def test_names_types_and_labels(beside):
    own, ours = Exposition(beside.second["text"]), beside.page
    both = {name: kind for name, kind in own.types.items() if name in ours.types}
    # How many timers there are is not known of every version.
    unknown = set() if ours.types.get("looptop_js_timers") else {"nodejs_active_resources_total"}
    assert set(own.types) - set(both) == (ABSENT | unknown) & set(own.types)
    for name, kind in both.items():
        assert ours.types[name] == kind, name
        assert label_names(ours, name) == label_names(own, name), name


def test_buckets(beside):
    def bounds(exposition):
        found = exposition.samples
        return {float(labels["le"]) for name, labels, _ in found if name == "nodejs_gc_duration_seconds_bucket"}

    assert bounds(beside.page) == bounds(Exposition(beside.second["text"]))


def test_version_and_start(beside):
    info = [labels for name, labels, _ in beside.page.samples if name == "nodejs_version_info"]
    own = [labels for name, labels, _ in Exposition(beside.second["text"]).samples if name == "nodejs_version_info"]
    assert [{key: value for key, value in labels.items() if key not in OWN_LABELS} for labels in info] == own
    # Theirs is rounded to a second, and so is Node's clock of its own start; the kernel's has ticks.
    start = beside.page.value("process_start_time_seconds")
    assert start == pytest.approx(theirs(beside.second, "process_start_time_seconds"), abs=1.1)


@pytest.mark.parametrize("mode", ["user", "system"])
def test_cpu_time(beside, mode):
    """Theirs counts from when prom-client was loaded; ticks of 10 ms are cut on either side."""
    name = f"process_cpu_{mode}_seconds_total"
    low, high = (scrape["cpu_before"][mode] + theirs(scrape, name) for scrape in (beside.first, beside.second))
    assert low - 0.03 <= beside.page.value(name) <= high + 0.03


def test_cpu_time_of_both(beside):
    total = beside.page.value("process_cpu_seconds_total")
    low, high = (sum(scrape["cpu"].values()) for scrape in (beside.first, beside.second))
    assert low - 0.03 <= total <= high + 0.03


@pytest.mark.parametrize("name", ["resident_memory", "virtual_memory", "heap"])
def test_memory(beside, name):
    """At rest, between two scrapes of its own; a scrape itself takes a few megabytes."""
    name = f"process_{name}_bytes"
    values = [theirs(scrape, name) for scrape in (beside.first, beside.second)]
    assert min(values) - 8e6 <= beside.page.value(name) <= max(values) + 8e6


@pytest.mark.parametrize("name", ["process_open_fds", "process_max_fds"])
def test_descriptors(beside, name):
    assert theirs(beside.first, name) == theirs(beside.second, name) == beside.page.value(name)


# A timer of libuv's is due at whole milliseconds of the loop's clock: its runs are 1 ms early or late.
ROUNDING = 0.0016


@pytest.mark.parametrize("quantile", [50, 90, 99])
def test_delay_quantiles(beside, quantile):
    """Between the process's own quantiles on either side: the load is the same all the time, the windows are not."""
    around = {50: ("30", "70"), 90: ("80", "95"), 99: ("95", "100")}[quantile]
    low, high = (beside.load["quantiles"][q] for q in around)
    for name in ("lag", "delay"):
        suffix = f"p{quantile}_seconds"
        value = beside.loaded.value(f"nodejs_eventloop_{name}_{suffix}")
        assert low - ROUNDING <= value <= high + ROUNDING, beside.load["quantiles"]


def test_delay_mean_and_deviation(beside):
    """The two windows differ by up to two seconds of ten, in which the machine may do anything: how right the figures
    are of one window is for tests/unit/util_delay.c."""
    mean = beside.loaded.value("nodejs_eventloop_lag_mean_seconds")
    assert mean == pytest.approx(beside.load["mean"], rel=0.3)
    assert theirs(beside.load, "nodejs_eventloop_lag_mean_seconds") == pytest.approx(beside.load["mean"], rel=0.02)
    deviation = beside.loaded.value("nodejs_eventloop_lag_stddev_seconds")
    assert beside.load["stddev"] / 2 < deviation < beside.load["stddev"] * 2


def test_delay_ends(beside):
    """The longest of our window is in theirs, which is longer; it may be half a step more, or less."""
    low, high = beside.load["quantiles"]["0"], beside.load["quantiles"]["100"]
    least = beside.loaded.value("nodejs_eventloop_lag_min_seconds")
    assert 0.009 <= least <= beside.load["quantiles"]["30"] + ROUNDING and low <= least + ROUNDING
    longest = beside.loaded.value("nodejs_eventloop_lag_max_seconds")
    assert 0.150 <= longest <= high + 0.005 + ROUNDING
    # What one arrival waits, on average, in turns of 1 to 150 ms.
    assert 0.001 < beside.loaded.value("nodejs_eventloop_lag_seconds") < high


def pauses(beside, kind, since, until):
    entries = [entry for entry in beside.entries if entry["kind"] == kind]
    return [entry["seconds"] for entry in entries if since <= entry["start"] <= until]


@pytest.mark.parametrize("kind, v8_kind", [("minor", "scavenge"), ("major", "mark_compact")])
def test_collections(beside, kind, v8_kind):
    """All until a collection of the agent's own before the page, and none that was not between its start and then;
    prom-client misses some of its own."""
    names = (("nodejs_gc_duration_seconds", {"kind": kind}), ("v8js_gc_duration_seconds", {"v8js_gc_type": kind}))
    collected, asked = beside.asked
    least = pauses(beside, v8_kind, beside.attached, collected)
    most = pauses(beside, v8_kind, beside.spawned, asked + 0.1)
    assert least, "the load is too small"
    for name, label in names:
        assert len(least) <= beside.page.value(name + "_count", **label) <= len(most)
        # As in test_gc: 3 %, and what V8 does between its callbacks and the pause; there the thread may lose its CPU.
        total = beside.page.value(name + "_sum", **label)
        assert 0.97 * sum(least) - 50e-6 * len(least) - 0.1 <= total <= 1.03 * sum(most) + 50e-6 * len(most) + 0.1
    assert theirs(beside.second, "nodejs_gc_duration_seconds_count", kind=kind) <= len(beside.entries)


def between(beside, name, room, **labels):
    """At rest, between two scrapes of its own, but for so many bytes that they take themselves."""
    values = [theirs(scrape, name, **labels) for scrape in (beside.first, beside.second)]
    assert min(values) - room <= beside.page.value(name, **labels) <= max(values) + room, (name, labels, values)


def test_heap(beside):
    between(beside, "nodejs_heap_size_total_bytes", 2e6)
    between(beside, "nodejs_heap_size_used_bytes", 2e6)
    between(beside, "nodejs_external_memory_bytes", 1e5)


def test_heap_spaces(beside):
    """The same spaces, but for those that are empty or not counted."""
    for what in ("total", "used", "available"):
        name = f"nodejs_heap_space_size_{what}_bytes"
        own = {labels["space"]: value for found, labels, value in Exposition(beside.second["text"]).samples if found == name}
        ours = {labels["space"] for found, labels, _ in beside.page.samples if found == name}
        assert {"new", "old", "large_object"} <= ours <= set(own)
        assert {space for space in set(own) - ours if own[space]} <= {"read_only"}
        for space in ours:
            between(beside, name, 2e6, space=space)
            value = beside.page.value(name, space=space)
            otel = {
                "total": "v8js_memory_heap_space_size_bytes",
                "used": "v8js_memory_heap_used_bytes",
                "available": "v8js_memory_heap_space_available_size_bytes",
            }[what]
            assert beside.page.value(otel, v8js_heap_space_name=f"{space}_space") == value


def test_what_is_open(beside):
    """Its server, its connection's two ends, its timer and its own pipes; a scrape has an immediate of prom-client's."""
    for name, own in (("handles", 0), ("requests", 0), ("resources", 1)):
        if name == "resources" and not beside.page.values("looptop_js_timers"):
            continue
        name = f"nodejs_active_{name}_total"
        values = {theirs(scrape, name) for scrape in (beside.first, beside.second)}
        assert values == {beside.page.value(name) + own}, name


def test_utilization(beside):
    """No wait blocks under this load, and nothing else happens at rest."""
    assert beside.loaded.value("nodejs_eventloop_utilization_ratio") > 0.99
    # Of the latest collection's interval, which is a second long and began after the scrape before.
    assert beside.page.value("nodejs_eventloop_utilization_ratio") <= beside.rest + 0.005
    time_of = beside.page.value("nodejs_eventloop_time_seconds_total", nodejs_eventloop_state="active")
    assert time_of == beside.page.value("looptop_loop_time_seconds_total", state="busy")


def filled_in(query):
    for name, value in VARIABLES.items():
        query = query.replace("$" + name, value)
    assert "$" not in query, query
    return query


def dashboard_queries(path):
    """Of its panels, and the series that its variables are taken from."""
    board = json.loads(path.read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield re.fullmatch(r"label_values\((.*), *\w+\)", variable["definition"]).group(1)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_our_dashboards(beside, answers, path):
    queries = list(dashboard_queries(path))
    assert len(queries) > 15
    for query in queries:
        assert bool(answers[query]) == expected(query, beside.page), query


def test_dashboard_11159(beside, answers):
    for query in DASHBOARD_11159:
        assert answers[query], query


@pytest.mark.parametrize("names", ["prometheus", "", "otel,", "prom-client,otel,x"])
def test_unknown_names(names):
    result = run("agent", "--names", names)
    assert_says_why(result, 2, "--names", "prom-client, otel")


def test_dashboards_are_whole():
    """Each panel has a place of its own, an identity and a data source that can be chosen."""
    assert DASHBOARDS
    boards = [json.loads(path.read_text()) for path in DASHBOARDS]
    assert len({board["uid"] for board in boards}) == len(boards)
    for board in boards:
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)
        taken = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
            assert max(x for x, _ in cells) < 24 and not cells & taken, panel["title"]
            taken |= cells
            assert panel["type"] == "row" or panel["datasource"]["uid"] == "${datasource}"
            assert all(target["expr"] for target in panel.get("targets", ()))
        for link in re.findall(r"/d/([\w-]+)", json.dumps(board)):
            assert link in {other["uid"] for other in boards}
