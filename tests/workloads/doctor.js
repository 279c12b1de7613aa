// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Services with one illness each, as they are found in the field, and healthy ones:
//   start {illness}   begins, and goes on until the process ends; answers once it is under way
// An illness is named like the finding that it is to lead to. Those that need something from
// outside (a CPU that is taken, a slow name server) have their ordinary load here.
'use strict';
const { execFileSync } = require('child_process');
const crypto = require('crypto');
const dns = require('dns');
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');
const { Worker, isMainThread, workerData } = require('worker_threads');
const zlib = require('zlib');
const { burn, serve } = require('./lib/session');

const every = (ms, work) => setInterval(work, ms);

function renderReport() {
  let sum = 0;
  const until = Date.now() + 180;
  do {
    for (let i = 0; i < 1000; i++) sum += Math.sqrt(i);
  } while (Date.now() < until);
  return sum;
}

function catalogue() {
  const products = Array.from({ length: 320000 }, (_, i) => (
    { id: i, name: `product ${i}`, price: i / 7, tags: ['new', 'sale'] }));
  return JSON.stringify(products);
}

function parseCatalogue(text) {
  return JSON.parse(text).length;
}

function checkAddress() {
  for (let i = 0; i < 5; i++) /^([a-z0-9]+[.-]?)+@$/.test('aaaaaaaaaaaaaaaaaaaaaa');
}

function hashPassword() {
  return crypto.pbkdf2Sync('password', 'salt', 300000, 64, 'sha512');
}

function compressPage(page) {
  return zlib.gzipSync(page, { level: 9 });
}

function loadTemplates(folder) {
  for (let i = 0; i < 6; i++) {
    for (const name of fs.readdirSync(folder)) fs.readFileSync(path.join(folder, name));
  }
}

function templates() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'looptop-doctor-'));
  for (let i = 0; i < 20; i++) fs.writeFileSync(path.join(folder, `${i}.html`), Buffer.alloc(4 << 20, i));
  process.on('exit', () => {
    for (const name of fs.readdirSync(folder)) fs.unlinkSync(path.join(folder, name));
    fs.rmdirSync(folder);
  });
  return folder;
}

function resizeImage() {
  execFileSync('sleep', ['0.2']);
}

function drainQueue(left) {
  burn(0.5);
  if (left > 0) process.nextTick(drainQueue, left - 1);
}

function followChain(left) {
  burn(0.5);
  if (left > 0) Promise.resolve(left - 1).then(followChain);
}

// Tasks that wait for something slow (the add-on's sleep): more of them than threads.
function callDriver() {
  const addon = require(process.env.LT_POOL_ADDON);
  for (let i = 0; i < 16; i++) addon.work(true, 60, () => {});
}

function lookUpHosts() {
  for (let i = 0; i < 6; i++) dns.lookup(`host-${i}.example`, () => {});
}

// Busy in short turns, none of which is late by itself, while files wait to be delivered.
function manyShortTurns() {
  burn(12);
  setImmediate(manyShortTurns);
}
function readSmallFiles() {
  for (let i = 0; i < 8; i++) fs.stat(__filename, () => {});
}

// Rows that are kept for a few scavenges: they are copied, moved to the old heap, and dead soon after.
// (With a small young generation, and a collector that has no threads to help.)
const recent = [];
function keepRows(parts, size, kept) {
  for (let part = 0; part < parts; part++) {
    const rows = [];
    for (let i = 0; i < size; i++) rows.push({ i, more: [i, { i }] });
    recent.push(rows);
    if (recent.length > kept) recent.shift();
  }
}

// A large heap of small objects, all alive, and somebody who asks for it to be collected.
const cache = new Map();
function fillCache() {
  for (let i = 0; i < 1500000; i++) cache.set(`key ${i}`, { i, next: { i } });
}

function lightWork() {
  burn(6);
}

function unevenWorkers() {
  for (const share of [0.9, 0.05, 0.05]) new Worker(__filename, { workerData: { share } });
}

function listen() {
  const items = Array.from({ length: 20 }, (_, i) => ({ id: i, name: `item ${i}` }));
  const server = http.createServer((request, response) => response.end(JSON.stringify(items)));
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ port: server.address().port }));
  });
}

// What is never given back; large, so that it costs the collector nothing.
const forgotten = [];
function leak() {
  forgotten.push(Buffer.alloc(1000 * 1000, String(forgotten.length)).latin1Slice());
}
// The same outside of V8's heap.
function leakOutside() {
  forgotten.push(new Float64Array(128 * 1024).fill(forgotten.length));
}

const lock = new Int32Array(new SharedArrayBuffer(4));
function waitForLock() {
  Atomics.wait(lock, 0, 0, 200);
}

function manyCallbacks() {
  burn(2);
  setImmediate(manyCallbacks);
}

const illnesses = {
  'sync-javascript': () => every(350, renderReport),
  json: () => {
    const text = catalogue();
    every(600, () => parseCatalogue(text));
  },
  regexp: () => every(400, checkAddress),
  'sync-crypto': () => every(400, hashPassword),
  'sync-zlib': () => {
    const page = Buffer.from(Array.from({ length: 500000 }, (_, i) => `<li>${i * 7919 % 10007}</li>`).join(''));
    every(600, () => compressPage(page));
  },
  'sync-fs': () => {
    const folder = templates();
    every(400, () => loadTemplates(folder));
  },
  'child-process-sync': () => every(400, resizeImage),
  'sync-wait': () => every(400, waitForLock),
  'next-tick-starvation': () => every(500, () => drainQueue(400)),
  'microtask-starvation': () => every(500, () => followChain(400)),
  'pool-saturated': () => every(300, callDriver),
  'pool-backlog': () => every(150, callDriver), // 107 in a second, of which four threads can do 67
  'dns-slow-io': () => every(200, lookUpHosts),
  'slow-delivery': () => {
    every(10, readSmallFiles);
    manyShortTurns();
  },
  'gc-share': () => every(10, () => keepRows(10, 4000, 8)),
  'gc-scavenge-pressure': () => every(10, () => keepRows(32, 1500, 1)),
  'gc-long-major': () => {
    fillCache();
    every(700, () => global.gc());
  },
  'heap-grows': () => {
    every(20, leak);
    every(300, () => global.gc());
  },
  'memory-grows': () => {
    every(20, leakOutside);
    every(300, () => global.gc());
  },
  'memory-limit': () => {},
  'loop-busy': manyCallbacks,
  'cpu-starved': () => every(10, lightWork),
  'cpu-throttled': () => every(10, lightWork),
  'timers-late': () => every(20, () => burn(0.2)),
  'uneven-loops': unevenWorkers,
  idle: () => {},
  'light-timers': () => every(20, () => burn(0.5)),
  'light-http': listen,
};

async function start({ illness }) {
  const begun = illnesses[illness]();
  return begun instanceof Promise ? begun : {};
}

// A Worker: busy in short turns for its share of the time.
function workLoop(share) {
  setInterval(() => burn(20 * share), 20);
}

if (isMainThread) serve({ start });
else workLoop(workerData.share);
