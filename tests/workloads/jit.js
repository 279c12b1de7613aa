// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Code that V8 optimises and has to leave again. The truth is V8's own trace of it, in a file: the process must run
// with --trace-opt --trace-deopt --redirect-code-traces --redirect-code-traces-to=FILE.
// storm {rounds}: in each round a new copy of one function gets hot with numbers, then is called with strings;
// calm {rounds}: the same without the strings. inWorker {rounds}: a storm in a Worker. fresh {count}: so many
// functions are called for the first time; flood {seconds}: as many as can be.
'use strict';
const vm = require('vm');
const { isMainThread, parentPort, Worker } = require('worker_threads');
const { callFresh } = require('./lib/fresh');
const { openWindow, serve } = require('./lib/session');

const SETTLE_MS = 20; // for the compilers' own threads
const SHOP = '/srv/shop/price.js';

// What V8 has seen a function do is kept for each run of its script: it learns anew in every round.
const script = new vm.Script(`
'use strict';
({
  priceOf: function priceOf(a, b) {
    let sum = 0;
    for (let i = 0; i < 40; i++) sum += a + b + i;
    return sum;
  },
  heat: function heat(priceOf) {
    for (let i = 0; i < 3000; i++) priceOf(i & 7, 3);
  },
});`, { filename: SHOP });

const pause = () => new Promise((resolve) => setTimeout(resolve, SETTLE_MS));

async function rounds({ rounds }, last) {
  const close = openWindow();
  for (let i = 0; i < rounds; i++) {
    const { priceOf, heat } = script.runInThisContext();
    heat(priceOf);
    await pause(); // its optimised code is put in
    heat(priceOf);
    last(priceOf);
  }
  await pause();
  return close({});
}

const spoil = (priceOf) => priceOf('a', 'b');

function fresh({ count }) {
  const close = openWindow();
  callFresh(count);
  return close({});
}

function flood({ seconds }) {
  const until = Date.now() + seconds * 1e3;
  return new Promise((resolve) => {
    function slice() {
      for (let i = 0; i < 5; i++) callFresh(100);
      if (Date.now() < until) setImmediate(slice);
      else resolve({});
    }
    slice();
  });
}

let worker;

function inWorker(request) {
  return new Promise((resolve) => {
    worker = worker || new Worker(__filename);
    worker.once('message', resolve);
    worker.postMessage(request);
  });
}

if (isMainThread) {
  serve({
    storm: (request) => rounds(request, spoil),
    calm: (request) => rounds(request, () => {}),
    fresh,
    flood,
    inWorker,
  });
} else {
  parentPort.on('message', async (request) => parentPort.postMessage(await rounds(request, spoil)));
}
