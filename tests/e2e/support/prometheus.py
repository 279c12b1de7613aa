# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Debian's Prometheus, scraping an agent once a second."""

import json
import shutil
import subprocess
import urllib.parse

from .agent import free_port, get


class Prometheus:
    def __init__(self, folder, agent_url, rules=()):
        assert shutil.which("prometheus"), "Debian's package prometheus"
        config = folder / "prometheus.yml"
        target = agent_url.removeprefix("http://")
        config.write_text(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
            f"rule_files: {json.dumps([str(path) for path in rules])}\n"
            f"scrape_configs: [{{job_name: looptop, static_configs: [{{targets: ['{target}']}}]}}]\n"
        )
        self.url = f"http://127.0.0.1:{free_port()}"
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
             f"--web.listen-address={self.url.removeprefix('http://')}", "--log.level=error"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.terminate()
        self.process.wait(20)

    def ask(self, query):
        """The values of an instant query; none while it has not finished its start."""
        url = f"{self.url}/api/v1/query?" + urllib.parse.urlencode({"query": query})
        status, _, text = get(url, timeout=20)
        if status == 503:
            return []
        answer = json.loads(text)
        assert answer["status"] == "success", (query, answer)
        return [float(row["value"][1]) for row in answer["data"]["result"]]
