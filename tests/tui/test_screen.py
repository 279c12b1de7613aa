# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""The dashboard in a real terminal: tmux holds it, the driver feeds it synthetic snapshots.

What the views draw is tested on a memory canvas (tests/unit/ui_*.c). Here is what only a terminal
can show: start, keys, mouse, resize, colours, encodings, and the terminal given back on each way out.
"""
import os
import re
import subprocess
import time
import uuid

import pytest

FEED = os.environ.get("LT_TUI_FEED", "build/tests/tui/feed")
FEED = os.path.abspath(FEED)
# For how long what comes is waited for: it costs only where something is broken.
PATIENCE = 120
# The driver's title says whether a frame is being drawn; here none is any more, also if the driver was killed in one.
PROMPT = r"\[\e]2;whole\a\]$ "
COLOUR = re.compile(r"\x1b\[[0-9;]*(?:3[1-7]|38;5;\d+|9[1-7])m")


class Screen:
    """One tmux server with one window that runs a shell, and in it the driver."""

    def __init__(self, width, height, args="", env=""):
        self.socket = "lt-" + uuid.uuid4().hex[:12]
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height),
                  f"env -i PATH=$PATH TZ=UTC TERM=screen-256color PS1='{PROMPT}' LC_ALL=C.UTF-8 "
                  "bash --norc --noprofile -i")
        self.tmux("set-option", "-g", "default-terminal", "screen-256color")
        self.tmux("set-option", "-g", "window-size", "manual")
        self.wait(r"(?m)^\$")
        self.before = self.modes()
        # ${pid_file} tells the driver's own pid, also when it crashes.
        self.pid_file = f"/tmp/{self.socket}.pid"
        self.type(f"({env} sh -c 'echo $$ > {self.pid_file}; exec {FEED} {args}')")

    def tmux(self, *args):
        done = subprocess.run(["tmux", "-L", self.socket, *args], check=True,
                              capture_output=True, text=True, timeout=PATIENCE)
        return done.stdout

    def close(self):
        subprocess.run(["tmux", "-L", self.socket, "kill-server"], capture_output=True, timeout=PATIENCE)
        if os.path.exists(self.pid_file):
            os.unlink(self.pid_file)

    def keys(self, *names):
        self.tmux("send-keys", *names)

    def type(self, line):
        self.tmux("send-keys", "-l", line)
        self.tmux("send-keys", "Enter")

    def capture(self, *options):
        """The screen when a frame is there whole: tmux takes what is written in pieces, and shows the pieces."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            title, _, text = self.tmux("display-message", "-p", "#{pane_title}", ";",
                                       "capture-pane", "-p", *options).partition("\n")
            if title != "drawing":
                return text
        raise AssertionError(f"no frame gets whole:\n{text}")

    def text(self):
        return self.capture()

    def coloured(self):
        return self.capture("-e")

    def pid(self):
        with open(self.pid_file, encoding="ascii") as file:
            return int(file.read())

    def modes(self):
        """What a program could leave behind: alternate screen, mouse reports, cursor, keypad, line modes."""
        flags = self.tmux("display-message", "-p",
                          "#{alternate_on} #{mouse_any_flag} #{mouse_sgr_flag} #{cursor_flag} "
                          "#{keypad_cursor_flag} #{keypad_flag}").strip()
        tty = self.tmux("display-message", "-p", "#{pane_tty}").strip()
        line = subprocess.run(["stty", "-a", "-F", tty], check=True, capture_output=True,
                              text=True, timeout=PATIENCE).stdout
        # The shell's line editor switches these itself, whenever it has a prompt.
        return flags, re.findall(r"-?\b(?:opost|onlcr|isig|ixon|icrnl)\b", line)

    def wait(self, pattern, timeout=PATIENCE):
        """Waits for a pattern on the screen and returns the screen."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            text = self.text()
            if re.search(pattern, text):
                return text
            time.sleep(0.05)
        raise AssertionError(f"no {pattern!r} on the screen:\n{self.text()}")

    def wait_not(self, pattern, timeout=PATIENCE):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            text = self.text()
            if not re.search(pattern, text):
                return text
            time.sleep(0.05)
        raise AssertionError(f"{pattern!r} stays on the screen:\n{self.text()}")

    def resize(self, width, height):
        self.tmux("resize-window", "-x", str(width), "-y", str(height))

    def click(self, column, line, times=1):
        """A press and a release in the encoding that terminfo tells for this terminal, so many times without a pause."""
        place = chr(33 + column) + chr(33 + line)
        report = ("\x1b[M" + chr(32) + place + "\x1b[M" + chr(35) + place) * times
        # A semicolon at the end, the line 26, would end tmux's command.
        self.tmux("send-keys", "-l", report[:-1] + "\\;" if report.endswith(";") else report)

    def assert_restored(self, status):
        self.wait(r"(?m)^\$\s*$")
        assert self.modes() == self.before
        # And it still takes a line and shows it.
        self.type("echo it was $?.")
        self.wait(rf"it was {status}\.")


@pytest.fixture
def open_screen():
    screens = []

    def make(width=100, height=30, args="", env=""):
        screens.append(Screen(width, height, args, env))
        return screens[-1]

    yield make
    for screen in screens:
        screen.close()


def line_of(text, pattern):
    for number, line in enumerate(text.splitlines()):
        if re.search(pattern, line):
            return number
    raise AssertionError(f"no line with {pattern!r} in:\n{text}")


def selected(text):
    return next(line for line in text.splitlines() if line.startswith("▶"))


def test_start_and_quit(open_screen):
    screen = open_screen()
    text = screen.wait("worker-1")
    assert "web-1 · Linux 6.18.0 · 2 cpus" in text
    assert "cost 0.6 %" in text and "lost" in text and "tier auto" in text
    assert re.search(r"LAG p99▼", text)
    assert selected(text).split()[1:3] == ["4121", "server.js"]
    screen.keys("q")
    screen.assert_restored(0)
    assert "ended normally" in screen.text()


def test_the_first_screen_waits_for_nothing(open_screen):
    """It is there before the first snapshot, which never comes here."""
    screen = open_screen(args="--steps 0")
    screen.wait("Looking")
    screen.keys("q")
    screen.assert_restored(0)


def test_sort_menu_reverse_and_headings(open_screen):
    screen = open_screen()
    screen.wait("worker-1")
    screen.keys("s")
    screen.wait("sort by")
    screen.keys("Home", "Enter")
    text = screen.wait(r"PID▲")
    assert selected(text).split()[1] == "655"
    screen.keys("r")
    text = screen.wait(r"PID▼")
    assert text.index("4500") < text.index("4121") < text.index("655 ")
    screen.keys(">")
    screen.wait(r"PROCESS / LOOP▲")


def test_filter(open_screen):
    screen = open_screen()
    screen.wait("worker-1")
    screen.keys("/")
    screen.type("api.js")
    text = screen.wait_not("worker-1")
    assert "api.js" in text and "uvserver" not in text
    screen.keys("Escape")
    screen.wait("worker-1")
    screen.keys("/")
    screen.type("no such thing")
    screen.wait("No process matches the filter")


def test_open_and_back(open_screen):
    screen = open_screen()
    screen.wait("worker-1")
    screen.keys("Enter")
    text = screen.wait("thread pool")
    assert "4121 server.js" in text and "latest stalls" in text and "[main]" in text
    screen.keys("Tab")
    screen.wait(r"\[worker-1\]")
    screen.keys("Escape")
    screen.wait("PROCESS / LOOP")
    screen.keys("Enter")
    screen.wait("thread pool")
    screen.keys("BSpace")
    screen.wait("PROCESS / LOOP")


def test_blocker_and_stack(open_screen):
    screen = open_screen(width=120, height=40, args="--from 102 --steps 102")
    text = screen.wait(r"blocked 1\.30s now in drain  /app/lib/queue\.js:9")
    assert re.search(r"⚠1\.30s drain", text)
    screen.keys("Enter")
    screen.wait("latest stalls")
    screen.keys("s")
    text = screen.wait("stalls: 17")
    assert "blocks" not in text
    screen.keys("Right")
    text = screen.wait(r"blocks 100 %  drain")
    assert "one process.nextTick after another" in text and "node:internal/process/task_queues:77" in text
    screen.keys("Left", "Down", "Enter")
    text = screen.wait(r"blocks  90 %  parseInvoice +/app/src/invoice\.ts:17  \(/app/server\.js:42\)")
    assert "drain  " not in text.split("blocks")[1]
    screen.keys("Down", "Escape")
    screen.wait_not("blocks")
    screen.keys("Escape")
    screen.wait("latest stalls")
    text = screen.text()
    screen.click(30, line_of(text, "latest stalls") + 1)
    screen.wait(r"blocks 100 %  drain")
    screen.keys("q")
    screen.assert_restored(0)


def test_running_stall_goes_on_between_snapshots(open_screen):
    """Without another snapshot: it is longer the next time, and again."""
    screen = open_screen(width=120, height=24, args="--from 102 --steps 102 --pulse")
    running = r"blocked (\d+\.\d+)s now in drain"
    seconds, deadline = [1.3], time.monotonic() + PATIENCE
    while len(seconds) < 4:
        now = float(re.search(running, screen.wait(running)).group(1))
        assert now >= seconds[-1]
        if now > seconds[-1]:
            seconds.append(now)
        assert time.monotonic() < deadline, "it stands still"
        time.sleep(0.05)


def test_pause_freezes(open_screen):
    screen = open_screen()
    screen.wait("worker-1")
    screen.keys("Space")
    before = screen.wait("PAUSED")
    time.sleep(0.6)  # six steps of the driver's, on a machine that has time for them
    assert screen.text() == before
    screen.keys("Space")
    screen.wait_not("PAUSED")


def test_interval_tier_and_help(open_screen):
    screen = open_screen()
    screen.wait("every 1 s")
    screen.keys("+")
    screen.wait("every 2 s")
    screen.keys("-", "-", "-")
    screen.wait("every 0.2 s")
    screen.keys("t")
    screen.wait("tier wished: memory")
    screen.keys("?")
    text = screen.wait("keys")
    assert "open the selected process" in text
    screen.keys("End")
    screen.wait("no stack told a function of yours")
    screen.keys("Escape")
    screen.wait("PROCESS / LOOP")


def test_selection_stays_with_its_loop(open_screen):
    screen = open_screen(args="--from 95")
    screen.wait(r"▶ +4121")
    screen.keys("Down", "Down")
    screen.wait(r"▶ +└ thumbnails")
    screen.keys("<", "<", "r")
    text = screen.wait(r"PROCESS / LOOP▼")
    assert line_of(text, "thumbnails") > line_of(text, "uvserver")
    assert "thumbnails" in selected(text)


def test_mouse(open_screen):
    screen = open_screen(args="--from 95 --steps 95")
    text = screen.wait(r"14:14:54")
    screen.click(20, line_of(text, "api.js"))
    screen.wait(r"▶ +4500 api\.js")
    heading = line_of(text, "PROCESS / LOOP")
    screen.click(text.splitlines()[heading].index("BUSY") + 1, heading)
    text = screen.wait("BUSY▼")
    screen.click(20, line_of(text, "server.js"), times=2)
    screen.wait("thread pool")


def test_resize(open_screen):
    screen = open_screen()
    screen.wait("worker-1")
    for width, height in [(160, 50), (80, 24), (40, 10), (10, 3), (1, 1), (5, 40), (200, 2),
                          (100, 30)]:
        screen.resize(width, height)
        time.sleep(0.3)
        lines = screen.text().rstrip("\n").split("\n")
        assert len(lines) <= height
        assert all(len(line) <= width for line in lines)
    text = screen.wait(r"WORST last 60 s")
    assert "Enter open" in text
    screen.resize(160, 50)
    screen.wait(r"CPU +RSS")
    os.kill(screen.pid(), 0)


def test_tiny(open_screen):
    screen = open_screen(width=10, height=3)
    screen.wait(r"▶.*ms")
    screen.keys("Enter")
    screen.wait("4121")
    screen.keys("?", "Escape", "Escape", "s", "Escape")
    screen.wait(r"▶")
    screen.resize(80, 24)
    screen.keys("q")
    screen.assert_restored(0)


def test_colour_only_for_severity(open_screen):
    screen = open_screen(args="--from 102 --steps 102")
    screen.wait(r"⚠ .*s")
    line = next(line for line in screen.coloured().splitlines() if "server.js" in line)
    assert COLOUR.search(line)


@pytest.mark.parametrize("args,env", [("--mono", ""), ("", "NO_COLOR=1")])
def test_no_colour(open_screen, args, env):
    screen = open_screen(args=args + " --from 102 --steps 102", env=env)
    screen.wait(r"⚠ .*s")
    assert not COLOUR.search(screen.coloured())


def test_eight_colours(open_screen):
    screen = open_screen(env="TERM=xterm")
    screen.wait("worker-1")
    assert "38;5;" not in screen.coloured()
    screen.keys("q")
    screen.assert_restored(0)


@pytest.mark.parametrize("args,env", [("--ascii", ""), ("", "LC_ALL=C LANG=C")])
def test_ascii(open_screen, args, env):
    screen = open_screen(args=args + " --from 102 --steps 102", env=env)
    text = screen.wait("worker-1")
    screen.keys("Enter")
    text += screen.wait("thread pool")
    screen.keys("Enter", "Right")
    text += screen.wait(r"(?s)stalls: .*why")
    screen.keys("Left", "Escape", "Escape", "s")
    text += screen.wait("sort by")
    assert text.isascii()


def test_empty(open_screen):
    screen = open_screen(args="--empty")
    text = screen.wait("No process with an event loop is in sight")
    assert "looptop top PID" in text


def send(screen, signal):
    os.kill(screen.pid(), signal)


@pytest.mark.parametrize("signal,status", [(15, 143), (1, 129), (2, 130), (3, 131), (11, 139), (6, 134),
                                           (7, 135)])
def test_restored_after_signal(open_screen, signal, status):
    screen = open_screen()
    screen.wait("worker-1")
    assert screen.modes() != screen.before
    send(screen, signal)
    screen.assert_restored(status)


def test_own_handler_is_left_alone(open_screen):
    screen = open_screen(args="--own-term")
    screen.wait("worker-1")
    send(screen, 15)
    screen.assert_restored(0)
    assert "ended normally" in screen.text()


def test_ctrl_c(open_screen):
    screen = open_screen(args="--own-term")
    screen.wait("worker-1")
    screen.keys("C-c")
    screen.wait("ended normally")


def test_stop_and_continue(open_screen):
    screen = open_screen()
    screen.wait("worker-1")
    shown = screen.modes()
    screen.keys("C-z")
    screen.wait(r"Stopped")
    assert screen.modes()[0] == screen.before[0]
    screen.type("fg")
    screen.wait("worker-1")
    assert screen.modes() == shown
    screen.keys("Down")
    screen.wait(r"▶ +├")
    screen.keys("q")
    screen.wait("ended normally")


def test_no_terminal():
    done = subprocess.run([FEED], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
                          check=False)
    assert done.returncode == 3
    assert "must be a terminal" in done.stderr and done.stdout == ""


def test_unknown_terminal_type(open_screen):
    screen = open_screen(env="TERM=no-such-terminal")
    screen.wait("terminal type 'no-such-terminal' is not known")
    screen.assert_restored(1)
