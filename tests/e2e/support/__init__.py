# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""What the end-to-end tests stand on: target processes, looptop itself, and sums of its output."""
