// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// A process with prom-client in it (the folder with its node_modules: LT_PROM_CLIENT) that tells
// what prom-client exports.
//   start {}    work without a pause, until stop: turns of 1 to 3 ms, one in ten of 20 to 50 ms,
//               one in 300 of 150 ms; garbage, files, look-ups
//   scrape {}   prom-client's page, and what it rests on, of the time since the scrape before
//   delays {}   count and sum of the delays since that scrape
//   entries {}  each garbage collection since the start
'use strict';
const dns = require('dns');
const fs = require('fs');
const net = require('net');
const path = require('path');
const { createRequire } = require('module');
const { monitorEventLoopDelay } = require('perf_hooks');
const { observePauses } = require('./lib/pauses');
const { burn, monotonic, randomFrom, serve } = require('./lib/session');

const client = createRequire(path.join(process.env.LT_PROM_CLIENT, 'index.js'))('prom-client');
const seen = observePauses();
const seconds = ({ user, system }) => ({ user: user / 1e6, system: system / 1e6 });
const cpuBefore = seconds(process.cpuUsage());
client.collectDefaultMetrics();
const delays = monitorEventLoopDelay({ resolution: 10 });
delays.enable();

const random = randomFrom(1);
let working = false;
let turns = 0;

// Something for the gauges: a server, a connection to it that stays, a timer.
const server = net.createServer((socket) => socket.on('error', () => {}));
server.listen(0, '127.0.0.1', () => net.connect(server.address().port, '127.0.0.1'));
setInterval(() => {}, 3600e3);

function length() {
  const which = random();
  if (which < 1 / 300) return 150;
  return which < 0.1 ? 20 + random() * 30 : 1 + random() * 2;
}

const kept = [];
function garbage() {
  for (let i = 0; i < 40; i++) kept.push(Array.from({ length: 200 }, (_, n) => ({ n, text: `item ${n}` })));
  if (kept.length > 5000) kept.splice(0, 4500);
}

function turn() {
  turns++;
  burn(length());
  garbage();
  if (turns % 10 === 0) fs.stat(__filename, () => {});
  if (turns % 10 === 5) fs.statSync(__filename);
  if (turns % 50 === 0) dns.lookup('localhost', () => {});
  if (working) setImmediate(turn);
}

function start() {
  working = true;
  setImmediate(turn);
}

function stop() {
  working = false;
}

async function scrape() {
  const at = monotonic();
  const text = await client.register.metrics();
  const quantiles = {};
  for (const q of [30, 40, 60, 70, 80, 88, 92, 95, 98, 99.5]) quantiles[q] = delays.percentile(q) / 1e9;
  quantiles[0] = delays.min / 1e9;
  quantiles[100] = delays.max / 1e9;
  const { mean, stddev } = delays;
  delays.reset();
  return {
    at, text, quantiles, mean: mean / 1e9, stddev: stddev / 1e9,
    cpu_before: cpuBefore, cpu: seconds(process.cpuUsage()), uptime: process.uptime(), now: Date.now() / 1e3,
    memory: process.memoryUsage(), version: process.version,
  };
}

function delaysSoFar() {
  return { count: delays.count, sum: delays.count ? delays.mean * delays.count / 1e9 : 0 };
}

// Entries come in a later turn than the collection: give the last ones theirs.
async function entries() {
  await new Promise((resolve) => setTimeout(resolve, 100));
  return { entries: seen };
}

serve({ start, stop, scrape, delays: delaysSoFar, entries });
