// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Worker threads, each with a load of its own, each with its own account of its loop.
// spawn {names}; start {loads: [share, …], seconds} answers with each worker's window and the main
// thread's; accounts tells what each of their loops did since it began; end stops the workers and waits for them.
'use strict';
const { Worker, isMainThread, parentPort } = require('worker_threads');
const { account, burn, openWindow, serve } = require('./lib/session');

const PERIOD_MS = 20;
let workers = [];

function once(worker, type) {
  return new Promise((resolve, reject) => {
    function listen(message) {
      if (message.type !== type) return;
      worker.off('message', listen);
      resolve(message);
    }
    worker.on('message', listen);
    worker.once('error', reject);
  });
}

async function spawn({ names }) {
  workers = names.map((name) => new Worker(__filename, name ? { name } : {}));
  await Promise.all(workers.map((worker) => once(worker, 'ready')));
}

async function start({ loads, seconds }) {
  const close = openWindow();
  const answers = workers.map((worker) => once(worker, 'truth'));
  workers.forEach((worker, i) => worker.postMessage({ share: loads[i], seconds }));
  const truths = await Promise.all(answers);
  return close({ workers: truths.map((message) => message.truth) });
}

async function accounts() {
  const answers = workers.map((worker) => once(worker, 'account'));
  workers.forEach((worker) => worker.postMessage({ account: true }));
  return { main: account(), workers: (await Promise.all(answers)).map((message) => message.account) };
}

async function end() {
  await Promise.all(workers.map((worker) => worker.terminate()));
  workers = [];
}

// Busy for the given share of each period, until the time is over.
function load({ share, seconds }) {
  const close = openWindow();
  const until = Date.now() + seconds * 1e3;
  function tick() {
    burn(PERIOD_MS * share);
    if (Date.now() < until) setTimeout(tick, PERIOD_MS * (1 - share));
    else parentPort.postMessage({ type: 'truth', truth: close({}) });
  }
  tick();
}

if (isMainThread) {
  serve({ spawn, start, accounts, end });
} else {
  parentPort.on('message', (message) => {
    if (message.account) parentPort.postMessage({ type: 'account', account: account() });
    else load(message);
  });
  parentPort.postMessage({ type: 'ready' });
}
