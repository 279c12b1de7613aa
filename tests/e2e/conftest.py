# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Fixtures: the Node binaries, what must be compiled, and what the machine must be able to do."""

import os
import platform
import subprocess
import tempfile
from pathlib import Path

import pytest
from support import looptop
from support.disturbed import Disturbed
from support.workload import WORKLOADS, node_workload

MAJORS = (16, 18, 20, 22, 24, 26)
GET_NODE = Path(__file__).resolve().parents[1] / "get-node"


def pytest_addoption(parser):
    parser.addoption("--majors", default=None, help="comma-separated Node majors, instead of all")


def pytest_configure(config):
    config.pluginmanager.register(Disturbed())


def chosen_majors(config):
    text = config.getoption("--majors")
    return [int(major) for major in text.split(",")] if text else list(MAJORS)


def pytest_sessionstart(session):
    if session.config.option.collectonly:
        return
    if os.geteuid() != 0:
        pytest.exit("the end-to-end tests attach to processes: run them as root", 1)
    if not looptop.BINARY.exists():
        pytest.exit(f"{looptop.BINARY} is not there: run make first", 1)


def pytest_generate_tests(metafunc):
    """`node` is each major in turn; `one_node` the newest LTS of those chosen."""
    majors = chosen_majors(metafunc.config)
    if "node" in metafunc.fixturenames:
        metafunc.parametrize(
            "node", majors, indirect=True, scope="session", ids=[f"node{m}" for m in majors]
        )


def fetch_node(major):
    """A binary that cannot be had is a failure, not a skip: a version would go untested."""
    result = subprocess.run([GET_NODE, str(major)], capture_output=True, text=True, timeout=300)
    if result.returncode != 0:
        pytest.fail(f"no Node.js {major}: {result.stderr}")
    return NodeBinary(major, Path(result.stdout.strip()))


class NodeBinary:
    def __init__(self, major, path):
        self.major = major
        self.path = path
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
        self.version = answer.stdout.strip().lstrip("v")

    def run(self, script, *arguments, **options):
        return node_workload(self.path, script, *arguments, **options)


@pytest.fixture(scope="session")
def node(request):
    return fetch_node(request.param)


@pytest.fixture(scope="session")
def one_node(pytestconfig):
    majors = chosen_majors(pytestconfig)
    return fetch_node(24 if 24 in majors else majors[-1])


def compile_c(source, output, *options):
    command = ["cc", "-O2", "-Wall", "-Wextra", str(source), "-o", str(output), *map(str, options)]
    subprocess.run(command, check=True, timeout=60)
    return output


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """A folder for what the tests compile."""
    return tmp_path_factory.mktemp("built")


@pytest.fixture(scope="session")
def pool_addon(built, pytestconfig):
    """The add-on runs in all majors: Node-API and uv_work_t keep their ABI."""
    headers = fetch_node(chosen_majors(pytestconfig)[0]).path.parents[1] / "include" / "node"
    source = WORKLOADS / "pool-addon.c"
    return compile_c(source, built / "pool-addon.node", "-shared", "-fPIC", "-I", headers)


@pytest.fixture(scope="session")
def uv_tasks(built):
    """libuv_a.a has the symbols that Debian's shared library was stripped of."""
    libraries = ("-l:libuv_a.a", "-lpthread", "-ldl", "-lrt")
    return compile_c(WORKLOADS / "uv-tasks.c", built / "uv-tasks", *libraries)


@pytest.fixture(scope="session")
def waits_counter(built):
    """Loaded into a server it counts the waits of each thread."""
    return compile_c(WORKLOADS / "count-waits.c", built / "count-waits.so", "-shared", "-fPIC", "-ldl")


@pytest.fixture(scope="session")
def seccomp_run(built):
    if platform.machine() != "x86_64":
        pytest.skip("the numbers of the refused system calls are those of x86-64")
    return compile_c(WORKLOADS / "seccomp-run.c", built / "seccomp-run")


@pytest.fixture(scope="module")
def public():
    """A folder that everybody may look into. Pytest's own are closed, and closed again by each pytest that begins."""
    with tempfile.TemporaryDirectory(prefix="looptop-public-") as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.fixture
def idle(one_node):
    """A Node process that waits for commands and does nothing."""
    with one_node.run("mixed.js") as workload:
        workload.call("ping")
        yield workload


@pytest.fixture
def sleeper():
    """A process without an event loop."""
    process = subprocess.Popen(["sleep", "600"])
    yield process.pid
    process.kill()
    process.wait(10)


@pytest.fixture
def ended_pid():
    """The pid of a process that was there a moment ago."""
    process = subprocess.Popen(["true"])
    process.wait(10)
    return process.pid
