#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
#
# Start the sample server and open the dashboard on it; without a terminal print a few rows. The
# server is ended on every way out. LT_DEMO_NODE names another node, "none" for the libuv program.
set -eu
cd "$(dirname "$0")/../.."

node=${LT_DEMO_NODE:-$(command -v node || echo none)}
if [ "$node" != none ]; then
    "$node" packaging/demo/server.js &
else
    mkdir -p build/demo
    # static: the symbols of Debian's shared libuv are stripped
    cc -O2 -o build/demo/sample packaging/demo/sample.c -l:libuv_a.a -lpthread -ldl
    build/demo/sample &
fi
pid=$!
trap 'kill "$pid" 2>/dev/null || :; wait "$pid" 2>/dev/null || :' EXIT
trap 'exit 0' INT TERM HUP
sleep 1

if [ -t 0 ] && [ -t 1 ]; then
    build/looptop top "$pid"
else
    build/looptop stat -c 5 "$pid"
fi
