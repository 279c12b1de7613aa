// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Loops that do not come back for a long time, in three ways. Each tells when it began.
'use strict';

function endlessLoop(end, resolve) {
  let sum = 0;
  do {
    for (let i = 0; i < 1000; i++) sum += i % 3;
  } while (Date.now() < end);
  resolve(sum);
}

// A bit of work in each, as real ones have it: a tick alone is mostly Node's own code.
function endlessTick(end, resolve) {
  let sum = 0;
  for (let i = 0; i < 20000; i++) sum += i % 3;
  if (Date.now() < end) process.nextTick(endlessTick, end, resolve);
  else resolve(sum);
}

function endlessPromise(end, resolve) {
  let sum = 0;
  for (let i = 0; i < 20000; i++) sum += i % 3;
  if (Date.now() < end) Promise.resolve().then(() => endlessPromise(end, resolve));
  else resolve(sum);
}

const ways = { loop: endlessLoop, next_tick: endlessTick, promise: endlessPromise };

// From a timer of its own, so that the turn begins with it.
function endless({ way, seconds }) {
  return new Promise((resolve) => {
    setTimeout(() => {
      const begun = Date.now();
      const done = () => resolve({ begun: begun / 1e3, ended: Date.now() / 1e3 });
      ways[way](begun + seconds * 1e3, done);
    }, 20);
  });
}

module.exports = { endless };
