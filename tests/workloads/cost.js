// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// A load whose cost is measured: cost.js LOAD [INSIDE]
//   LOAD     spinner: turns; pool: fs.stat, 64 at a time; server: answers on a port; idle: a timer a second
//   INSIDE   what measures it from inside: delay, prom-client (LT_PROM_CLIENT: the folder with its node_modules)
// begin {} starts it, and end {} stops it and tells what it did: units (turns, tasks, requests) and the CPU
// time of all threads. port {} starts the server, scrape {} gives the length of prom-client's page.
'use strict';
const fs = require('fs');
const http = require('http');
const path = require('path');
const { createRequire } = require('module');
const { monitorEventLoopDelay } = require('perf_hooks');
const { serve } = require('./lib/session');

const [load, inside] = process.argv.slice(2);
let running = false;
let units = 0;
let before = null;

function turn() {
  units++;
  if (running) setImmediate(turn);
}

function stat(err) {
  if (err) throw err;
  units++;
  if (running) fs.stat(__filename, stat);
}

const starts = {
  spinner: () => setImmediate(turn),
  pool: () => { for (let i = 0; i < 64; i++) fs.stat(__filename, stat); },
  server: () => {},
  idle: () => {},
};

function begin() {
  running = true;
  units = 0;
  starts[load]();
  before = process.cpuUsage();
}

function end() {
  const { user, system } = process.cpuUsage(before);
  running = false;
  return { units, cpu: (user + system) / 1e6 };
}

function port() {
  const server = http.createServer((request, response) => {
    units++;
    response.end('hello world');
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ port: server.address().port }));
  });
}

let client = null;
if (inside === 'delay') monitorEventLoopDelay().enable();
if (inside === 'prom-client') {
  client = createRequire(path.join(process.env.LT_PROM_CLIENT, 'index.js'))('prom-client');
  client.collectDefaultMetrics();
}
if (load === 'idle') setInterval(() => {}, 1000);

async function scrape() {
  return { length: (await client.register.metrics()).length };
}

serve({ begin, end, port, scrape });
