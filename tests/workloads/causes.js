// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Busy time whose cause is known, each piece one turn long, from a timer:
//   run {parts: [[kind, ms, count], …], gap_ms, limit}
//     kind = cpu, gc, exec or fifo; a kind made of several with + does them in one turn
//     limit = the cpu.stat of the cgroup that holds the process, if it has a limit
// answers, for each turn, with the kernel's own account of the thread: how long it ran, how long
// it was ready and had no CPU, and how long it slept; for how long the limit held the process in
// this turn; and with every pause of the collector.
'use strict';
const { execFileSync, spawn } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { observePauses } = require('./lib/pauses');
const { burn, monotonic, openWindow, serve } = require('./lib/session');

const fifo = path.join(os.tmpdir(), `looptop-causes-fifo-${process.pid}`);
execFileSync('mkfifo', [fifo]);
process.on('exit', () => fs.unlinkSync(fifo));

const pauses = observePauses();

// Fields: time on a CPU, time ready without one, both in ns. The wall clock is read last at the
// beginning and first at the end, so that it has nothing that the account has not.
const schedstat = fs.openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
const buffer = Buffer.alloc(100);

// The kernel brings a thread's account up to date when it is switched, otherwise at its ticks only.
const nobody = new Int32Array(new SharedArrayBuffer(4));
const letSwitch = () => Atomics.wait(nobody, 0, 0, 0.1);

function account() {
  const length = fs.readSync(schedstat, buffer, 0, buffer.length, 0);
  const [ran, delayed] = buffer.toString('latin1', 0, length).split(' ').map((ns) => Number(ns) / 1e9);
  return { ran, delayed };
}

// While this runs, nothing of a process with one CPU is held: the account has all that ended before.
function held(limit) {
  if (!limit) return null;
  const [, key, value] = fs.readFileSync(limit, 'latin1').match(/^throttled_(time|usec) (\d+)$/m);
  return Number(value) / (key === 'time' ? 1e9 : 1e6);
}

// At least so much that it must be collected, also where this thread gets little of its CPU.
function collectMuch(ms) {
  const until = Date.now() + ms;
  let kept = [];
  let left = ms * 2500;
  do {
    for (let i = 0; i < 2000; i++) kept.push({ i, more: [i, { i }], text: `item ${i}` });
    left -= 2000;
    if (kept.length > 200000) kept = [];
  } while (left > 0 || Date.now() < until);
}

// The writer comes when the time is over: until then there is nobody to read from.
function readSlowPipe(ms) {
  const argv = ['-c', 'exec >"$2"; sleep "$1"; echo done', 'sh', ms / 1e3, fifo];
  spawn('sh', argv, { stdio: 'ignore' }).unref();
  fs.readFileSync(fifo);
}

const kinds = {
  cpu: burn,
  gc: collectMuch,
  exec: (ms) => execFileSync('sleep', [String(ms / 1e3)]),
  fifo: readSlowPipe,
};

function turn(kind, ms, limit) {
  letSwitch();
  const heldBefore = held(limit);
  const before = account();
  const start = monotonic();
  for (const part of kind.split('+')) kinds[part](ms);
  const end = monotonic();
  const after = account();
  const heldAfter = held(limit);
  const ran = after.ran - before.ran;
  const delayed = after.delayed - before.delayed;
  return { kind, start, end, ran, delayed, away: end - start - ran, held: limit && heldAfter - heldBefore };
}

async function run({ parts, gap_ms, limit = null }) {
  const close = openWindow();
  const turns = [];
  for (const [kind, ms, count] of parts) {
    for (let i = 0; i < count; i++) {
      await new Promise((resolve) => setTimeout(() => {
        turns.push(turn(kind, ms, limit));
        resolve();
      }, gap_ms));
    }
  }
  const truth = close({ turns });
  // Entries of pauses come in a later turn.
  await new Promise((resolve) => setTimeout(resolve, 50));
  return Object.assign(truth, { pauses });
}

serve({ run });
