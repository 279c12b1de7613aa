// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Blocks of known length, one after the other, each from a timer of its own:
// start {blocks: [[ms, count], …], gap_ms} answers with each block's real start and length, and
// with how late its timer came.
'use strict';
const { burn, monotonic, openWindow, serve } = require('./lib/session');

function start({ blocks, gap_ms }) {
  const close = openWindow();
  const queue = blocks.flatMap(([ms, count]) => Array(count).fill(ms));
  const done = [];
  return new Promise((resolve) => {
    function next() {
      if (queue.length === 0) {
        resolve(close({ blocks: done }));
        return;
      }
      const ms = queue.shift();
      const set = monotonic();
      setTimeout(() => {
        const begun = monotonic();
        const seconds = burn(ms);
        done.push({ asked_ms: ms, start: begun, seconds, late: begun - set - gap_ms / 1e3 });
        next();
      }, gap_ms);
    }
    next();
  });
}

serve({ start });
