# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""What the end-to-end tests stand on: target processes, looptop itself, and sums of its output."""

import signal

# What runs in the background of a shell has been told to ignore Ctrl-C, and tells its children: what is sent to looptop
# before it listens would be lost.
signal.signal(signal.SIGINT, signal.default_int_handler)

# For how long a test waits for what will come, however slow and shared the machine is: it costs only where something is
# broken. What is to be quick is compared with something of the same run.
PATIENCE = 120
