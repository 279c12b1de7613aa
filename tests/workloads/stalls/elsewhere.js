// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Blocks in ES modules and on the loop of a Worker.
'use strict';
const fs = require('fs');
const { Worker, isMainThread, parentPort } = require('worker_threads');
const ownStack = require('../lib/own-stack');

const { own } = ownStack;
global.own = own;

let worker = null;
let told = null;

// The Worker is there before anything is measured: its start is no block.
function prepare() {
  worker = new Worker(__filename);
  worker.unref();
  return new Promise((resolve) => worker.once('message', resolve));
}

// Answers with the thread that blocked.
async function workerBlock(end) {
  const answer = new Promise((resolve) => worker.once('message', resolve));
  worker.postMessage({ end, tell: end === 0 });
  const { tid, functions } = await answer;
  told = functions;
  return { tid };
}

function blockInWorker(end) {
  own(blockInWorker);
  let sum = 0;
  do {
    for (let i = 0; i < 1000; i++) sum += i % 61;
  } while (Date.now() < end);
  return sum;
}

function serveWorker({ end, tell }) {
  if (tell) ownStack.begin();
  blockInWorker(end);
  const tid = Number(fs.readlinkSync('/proc/thread-self').split('/').pop());
  parentPort.postMessage({ tid, functions: tell ? ownStack.end() : null });
}

let loads = 0;

// Each load is a module of its own, so that its top level runs again.
function moduleLevelBlock(end) {
  global.moduleEnd = end;
  return import(`./module.mjs?${loads++}`).then(() => null);
}

async function moduleBlock(end) {
  global.moduleEnd = 0;
  const { moduleFunction } = await import('./module.mjs');
  moduleFunction(end);
}

if (isMainThread) {
  module.exports = [
    { name: 'workerBlock', run: workerBlock, expected: ['blockInWorker'], prepare, told: () => told },
    { name: 'moduleLevel', run: moduleLevelBlock, expected: ['(anonymous)'] },
    { name: 'moduleFunction', run: moduleBlock, expected: ['moduleFunction'] },
  ];
} else {
  parentPort.on('message', serveWorker);
  parentPort.postMessage('ready');
}
