# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Attacks an exporter: PORT WAY SECONDS [CONNECTIONS [SOURCES]]. Says "ready" when it is under way, and in the end one
line of JSON. It needs no rights, and is read from stdin so that it needs no file either."""

import json
import random
import socket
import sys
import time

port, way, seconds = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
connections = int(sys.argv[4]) if len(sys.argv) > 4 else 200
sources = int(sys.argv[5]) if len(sys.argv) > 5 else 1
REQUEST = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


class Connection:
    def __init__(self):
        self.socket = socket.socket()
        if sources > 1:  # all of 127.0.0.0/8 is anybody's
            self.socket.bind((f"127.0.{random.randrange(sources)}.{random.randrange(1, 255)}", 0))
        if "deaf" in way:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        self.socket.settimeout(3)
        self.socket.connect(("127.0.0.1", port))
        self.begin = time.monotonic()
        self.socket.setblocking(False)
        if way in ("trickle", "once"):
            self.socket.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: ")
        elif "deaf" in way:
            self.socket.send(100 * REQUEST)
        elif way == "body":
            self.socket.send(b"POST /metrics HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n")
        elif way == "asks":
            self.socket.send(REQUEST)

    def go_on(self):
        """False: it is closed."""
        try:
            if way in ("trickle", "once"):
                self.socket.send(b"a")
            elif way == "body":
                self.socket.send(65536 * b"x")
            elif way == "asks" and self.socket.recv(1 << 20):
                self.socket.send(REQUEST)
            if "deaf" not in way:
                return self.socket.recv(1 << 16) != b""
            self.socket.getpeername()  # none any more once it was reset
            return not self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        except BlockingIOError:
            return True
        except OSError:
            return False


def dial():
    try:
        return Connection()
    except OSError:
        return None


begin, lives, opened, failed = time.monotonic(), [], 0, 0
held = []
told = False
pause = {"trickle": 0.5, "once": 0.2, "deaf": 0.2, "deaf-once": 0.2}.get(way, 0.01)
while time.monotonic() - begin < seconds:
    while len(held) < connections and ("once" not in way or not told):
        one = dial()
        if one is None:
            failed += 1
            break
        opened += 1
        held.append(one)
        if way == "flood":
            one.socket.close()
            held.clear()
            if time.monotonic() - begin > seconds or not told:
                break
    if not told:
        print("ready", flush=True)
        told = True
    for one in list(held):
        if not one.go_on():
            lives.append(time.monotonic() - one.begin)
            one.socket.close()
            held.remove(one)
    if "once" in way and not held:
        break
    if way != "flood":
        time.sleep(pause)
lives.sort()
print(json.dumps({"opened": opened, "failed": failed, "ended": len(lives), "held": len(held),
                  "shortest": lives[0] if lives else None, "longest": lives[-1] if lives else None}))
