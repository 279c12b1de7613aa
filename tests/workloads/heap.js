// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// What V8 says of its own heap, in the main thread and in a Worker. fill {megabytes} keeps objects in both;
// litter {megabytes} keeps none; statistics tells both; storm {seconds} allocates as fast as it can in both, and tells the lowest and the
// highest figures that each saw of itself; collect asks for a full collection in both (needs --expose-gc).
'use strict';
const v8 = require('v8');
const { Worker, isMainThread, parentPort } = require('worker_threads');
const { serve } = require('./lib/session');

const kept = [];
const outside = Buffer.alloc(3e6);

function fill({ megabytes }) {
  for (let i = 0; i < megabytes * 8000; i++) kept.push({ i, text: `kept ${i}`, more: [i, i + 1, i + 2] });
}

const latest = [];

function litter({ megabytes }) {
  for (let i = 0; i < megabytes * 8000; i++) latest[i % 64] = { i, text: `litter ${i}`, more: [i, i + 1, i + 2] };
}

function statistics() {
  const heap = v8.getHeapStatistics();
  const memory = process.memoryUsage();
  return {
    used: heap.used_heap_size,
    total: heap.total_heap_size,
    limit: heap.heap_size_limit,
    external: heap.external_memory,
    heapUsed: memory.heapUsed,
    heapTotal: memory.heapTotal,
    outside: outside.length,
    spaces: Object.fromEntries(
      v8.getHeapSpaceStatistics().map((space) => [
        space.space_name.replace(/_space$/, ''),
        { used: space.space_used_size, total: space.space_size, available: space.space_available_size },
      ]),
    ),
  };
}

// Young garbage, old garbage, large objects and Buffers.
function storm({ seconds }) {
  const until = Date.now() + seconds * 1e3;
  const seen = { highest_total: 0 };
  let window = [];
  return new Promise((resolve) => {
    function slice() {
      const pause = Date.now() + 10;
      while (Date.now() < pause) {
        for (let i = 0; i < 200; i++) window.push({ a: [i, Math.random()], s: 'x'.repeat(60) + i });
        if (window.length > 150000) window = [];
        Buffer.alloc(2000);
        if (Math.random() < 0.01) window.push(new Array(50000).fill(1));
      }
      seen.highest_total = Math.max(seen.highest_total, v8.getHeapStatistics().total_heap_size);
      if (Date.now() < until) setImmediate(slice);
      else resolve(seen);
    }
    slice();
  });
}

function collect() {
  global.gc();
}

const commands = { fill, litter, statistics, storm, collect };

if (isMainThread) {
  const worker = new Worker(__filename);
  const both = (name) => async (request) => {
    const answer = new Promise((resolve) => worker.once('message', resolve));
    worker.postMessage({ name, request });
    const main = await commands[name](request);
    return { main, 'worker-1': await answer };
  };
  worker.once('message', () =>
    serve(Object.fromEntries(Object.keys(commands).map((name) => [name, both(name)]))),
  );
} else {
  parentPort.on('message', async ({ name, request }) => {
    parentPort.postMessage((await commands[name](request)) || {});
  });
  parentPort.postMessage('ready');
}
