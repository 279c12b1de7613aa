// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Processes that end, each in its own way:
//   end {how, code, seconds}   exit (with the code), throw, abort, heap (out of memory), buffers (until somebody ends it),
//                              block (for so long, then exits), hang (blocks for ever), exec (another program)
// Answers before it does.
'use strict';
const { serve } = require('./lib/session');

const kept = [];

function hold(seconds) {
  const until = Date.now() + seconds * 1000;
  while (Date.now() < until);
}

function keepObjects() {
  for (let i = 0; i < 3000; i++) kept.push({ s: 'x' + i, o: { i, a: [i, i] } });
}

const ways = {
  exit({ code }) { process.exit(code); },
  throw() { throw new Error('nobody catches this'); },
  abort() { process.abort(); },
  heap() { setInterval(keepObjects, 10); },
  buffers() { setInterval(() => kept.push(Buffer.alloc(4 << 20, 1)), 5); },
  block({ seconds }) { hold(seconds); process.exit(0); },
  hang() { hold(Infinity); },
  exec() { process.execve('/bin/sleep', ['sleep', '30']); },
};

serve({
  async end(arguments_) {
    setTimeout(ways[arguments_.how], 300, arguments_);
    return {};
  },
});
