# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""systemd itself, as far as it runs where another process is number 1: a user manager of root's, in a mount
namespace of its own. It restricts a service as the system's manager does."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

MANAGER = Path("/lib/systemd/systemd")

# /run is its own: what looks like a system that systemd has booted is seen by nobody else.
SCRIPT = """
set -eu
mount -t tmpfs none /run
mkdir -p /run/systemd/system /run/systemd/inaccessible/dir /run/user
cd /run/systemd/inaccessible # what the system's manager makes at boot, to hide files behind
touch reg
mkfifo fifo
mknod chr c 0 0
mknod blk b 0 0
chmod 0 *
export XDG_RUNTIME_DIR=/run/user HOME={folder} XDG_CONFIG_HOME={folder}/config XDG_CACHE_HOME={folder}/cache
export SYSTEMD_LOG_TARGET=console DBUS_SESSION_BUS_ADDRESS=
{manager} --user >{folder}/manager.log 2>&1 &
echo $! >{folder}/manager.pid
for i in $(seq 200); do [ ! -S /run/user/systemd/private ] || break; sleep 0.1; done
systemctl --user start {name} || true
systemctl --user show {name} -p MainPID --value >{folder}/pid.new
mv {folder}/pid.new {folder}/pid
read -r word
systemctl --user stop {name} || true
systemctl --user show {name} -p Result --value >{folder}/result
kill $(cat {folder}/manager.pid)
wait || true
"""


class Unit:
    """A service file, with another program and arguments, run until the end of the block."""

    def __init__(self, file, folder, program, *arguments):
        self.folder = folder
        self.name = file.name
        units = folder / "config" / "systemd" / "user"
        units.mkdir(parents=True)
        command = " ".join(map(str, (program, *arguments)))
        text, n = re.subn(r"^ExecStart=.*$", f"ExecStart={command}", file.read_text(), flags=re.M)
        assert n == 1
        log = f"StandardError=append:{folder}/messages\n"
        (units / file.name).write_text(text.replace("[Install]", log + "[Install]"))
        self.process = None

    def __enter__(self):
        script = SCRIPT.format(folder=self.folder, manager=MANAGER, name=self.name)
        self.process = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", script], stdin=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *exc):
        self.stop()

    def read(self, name):
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def wait_pid(self, timeout=60):
        deadline = time.monotonic() + timeout
        while not self.read("pid").strip():
            assert time.monotonic() < deadline, self.read("manager.log")
            time.sleep(0.1)
        return int(self.read("pid"))

    def stop(self):
        """What systemd says of the service's end."""
        if self.process.poll() is None:
            try:
                self.process.communicate("end\n", timeout=90)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        return self.read("result").strip()

    def kill(self):
        """What it began, too: it is another session's."""
        for pid in (self.read("manager.pid").strip(), self.process.pid):
            if pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
        self.process.wait(10)
