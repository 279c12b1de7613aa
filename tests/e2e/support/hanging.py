# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""A file system in user space that answers, or does not: just enough of the FUSE protocol for a folder of files."""

import ctypes
import errno
import os
import stat
import struct
import subprocess
import sys
import threading
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
HEADER = struct.Struct("<IIQQIIIHH")
LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, RELEASE = 1, 2, 3, 14, 15, 17, 18
FLUSH, INIT, OPENDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET = 25, 26, 27, 29, 36, 42
MNT_DETACH = 2
ROOT = 1


def check(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), what)


class HangingFiles:
    """`with HangingFiles(folder, {name: file})`: `hang()`, and nothing is answered until `answer()`. It is a process of
    its own: one that serves itself would wait for itself."""

    def __init__(self, folder, files):
        self.folder = folder
        self.argv = [sys.executable, __file__, str(folder), *(f"{name}={file}" for name, file in files.items())]

    def __enter__(self):
        self.process = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.expect()
        return self

    def __exit__(self, *exc):
        LIBC.umount2(os.fsencode(self.folder), MNT_DETACH)
        self.process.kill()  # with it goes the last descriptor of the device: who waits is told
        self.process.wait(20)
        self.process.stdin.close()
        self.process.stdout.close()

    def expect(self):
        assert self.process.stdout.readline() == "done\n"

    def tell(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        self.expect()

    def hang(self, only_reads=False):
        self.tell("hang reads" if only_reads else "hang")

    def answer(self):
        self.tell("answer")


class Server:
    def __init__(self, folder, files):
        self.files, self.names = files, list(files)
        self.lock = threading.Lock()
        self.hanging, self.only_reads, self.waiting = False, False, []
        self.device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self.device},rootmode=40000,user_id=0,group_id=0,allow_other"
        check(LIBC.mount(b"hanging", os.fsencode(folder), b"fuse", 0, options.encode()), "mount")
        threading.Thread(target=self.serve, daemon=True).start()

    def switch(self, word):
        with self.lock:
            self.hanging = word.startswith("hang")
            self.only_reads = word == "hang reads"
            waiting, self.waiting = ([], self.waiting) if self.hanging else (self.waiting, [])
        for request in waiting:
            self.handle(*request)

    def serve(self):
        while True:
            try:
                message = os.read(self.device, 1 << 20)
            except OSError as error:
                if error.errno in (errno.EINTR, errno.ENOENT, errno.EAGAIN):
                    continue
                return  # unmounted
            _, opcode, unique, node, *_ = HEADER.unpack_from(message)
            request = (opcode, unique, node, message[HEADER.size :])
            with self.lock:
                keep = self.hanging and opcode not in (INIT, FORGET, BATCH_FORGET, INTERRUPT)
                keep &= opcode == READ or not self.only_reads
                if keep:
                    self.waiting.append(request)
            if not keep:
                self.handle(*request)

    def reply(self, unique, data=b"", error=0):
        try:
            os.write(self.device, struct.pack("<IiQ", 16 + len(data), -error, unique) + data)
        except OSError:
            pass  # nobody waits for it any more

    def attributes(self, node):
        if node == ROOT:
            size, mode = 0, stat.S_IFDIR | 0o755
        else:
            size, mode = len(self.files[self.names[node - 2]]), stat.S_IFREG | 0o755
        return struct.pack("<6Q10I", node, size, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def handle(self, opcode, unique, node, data):
        if opcode in (FORGET, BATCH_FORGET, INTERRUPT):
            return
        if opcode == INIT:
            # No asynchronous reads: who reads waits in the kernel then, and cannot be killed.
            self.reply(unique, struct.pack("<4I2H2I2HI7I", 7, 31, 0, 0, 8, 6, 4096, 1, 1, 0, 0, *[0] * 7))
        elif opcode == LOOKUP:
            name = data.rstrip(b"\0").decode()
            if name not in self.files:
                self.reply(unique, error=errno.ENOENT)
                return
            found = self.names.index(name) + 2
            self.reply(unique, struct.pack("<4Q2I", found, 0, 0, 0, 0, 0) + self.attributes(found))
        elif opcode == GETATTR:
            self.reply(unique, struct.pack("<Q2I", 0, 0, 0) + self.attributes(node))
        elif opcode in (OPEN, OPENDIR):
            self.reply(unique, struct.pack("<Q2I", 0, 0, 0))
        elif opcode == READ:
            _, offset, size = struct.unpack_from("<QQI", data)
            self.reply(unique, self.files[self.names[node - 2]][offset : offset + size])
        elif opcode == STATFS:
            self.reply(unique, bytes(80))
        elif opcode in (RELEASE, RELEASEDIR, FLUSH):
            self.reply(unique)
        else:
            self.reply(unique, error=errno.ENOSYS)


def main():
    folder, *files = sys.argv[1:]
    server = Server(folder, {name: Path(file).read_bytes() for name, file in (f.split("=", 1) for f in files)})
    print("done", flush=True)
    for line in sys.stdin:
        server.switch(line.strip())
        print("done", flush=True)


if __name__ == "__main__":
    main()
