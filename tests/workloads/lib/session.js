// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// What all workloads share: commands and answers as JSON lines on stdin and stdout, and a window:
// the process's own account of what happened between two moments. Runs on Node 16 and later.
// Times are seconds; moments are seconds of CLOCK_MONOTONIC, which the tests can read as well.
'use strict';
const { performance } = require('perf_hooks');

// A double holds the nanoseconds of a hundred days' uptime to the microsecond at least.
function monotonic() {
  return Number(process.hrtime.bigint()) / 1e9;
}

// Keeps the thread busy; answers for how long it really did.
function burn(ms) {
  const start = performance.now();
  let now = start;
  while (now - start < ms) now = performance.now();
  return (now - start) / 1e3;
}

function loopCount() {
  const info = performance.nodeTiming.uvMetricsInfo;
  return info ? info.loopCount : null;
}

// The loop's own account since it began, up to this turn.
function account() {
  return { active: performance.eventLoopUtilization().active / 1e3, loop_count: loopCount() };
}

// Begins a window; the function it returns ends it and tells the truth about it.
function openWindow() {
  const elu = performance.eventLoopUtilization();
  const cpu = process.cpuUsage();
  const loops = loopCount();
  const start = monotonic();
  return function close(more) {
    const used = performance.eventLoopUtilization(elu);
    const end = monotonic();
    const count = loopCount();
    const spent = process.cpuUsage(cpu);
    return Object.assign({
      start,
      end,
      elapsed: end - start,
      active: used.active / 1e3,
      idle: used.idle / 1e3,
      utilization: used.utilization,
      loop_count: count === null ? null : count - loops,
      cpu: (spent.user + spent.system) / 1e6,
    }, more);
  };
}

function say(message) {
  process.stdout.write(JSON.stringify(message) + '\n');
}

function dispatch(handlers, request) {
  const handler = handlers[request.cmd];
  Promise.resolve()
    .then(() => handler(request))
    .then((truth) => say({ event: 'done', cmd: request.cmd, truth: truth || {} }))
    .catch((err) => {
      say({ event: 'error', cmd: request.cmd, message: String((err && err.stack) || err) });
      process.exit(1);
    });
}

// Runs a command for each line of stdin; the end of stdin ends the process.
function serve(handlers) {
  const all = Object.assign({ ping: account }, handlers);
  let rest = '';
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) dispatch(all, JSON.parse(line));
  });
  process.stdin.on('end', () => process.exit(0));
  say({ event: 'ready', pid: process.pid, version: process.versions.node });
}

// The same random numbers in every run (mulberry32).
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

module.exports = { account, burn, monotonic, openWindow, randomFrom, say, serve };
