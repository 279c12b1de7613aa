// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// A known number of everything, small enough for an emulated machine:
//   work {immediates, stats, lookups, hashes, streams, minor, major, fresh}
//                                                                      truth has the counts, and how long the calls for
//                                                                      collections took; needs --expose-gc
//   block {ms}                                                         one function that holds the loop; moments
//                                                                      before and after the turn that it is in
//   begin {}                                                           what `entries` tells begins here
//   entries {}                                                         all collections so far, iterations since `begin`
'use strict';
const crypto = require('crypto');
const dns = require('dns');
const fs = require('fs');
const { deflate } = require('./lib/deflate');
const { callFresh } = require('./lib/fresh');
const { observePauses } = require('./lib/pauses');
const { burn, monotonic, openWindow, serve } = require('./lib/session');

const seen = observePauses();
let whole = openWindow();

function times(n, ask) {
  return Promise.all(Array.from({ length: n }, () => new Promise((resolve, reject) => {
    ask((err) => (err ? reject(err) : resolve()));
  })));
}

function spin(n) {
  return new Promise((resolve) => {
    const next = () => (n-- > 0 ? setImmediate(next) : resolve());
    next();
  });
}

const rest = () => new Promise((resolve) => setTimeout(resolve, 10));

async function collect(n, once) {
  let seconds = 0;
  for (let i = 0; i < n; i++) {
    const start = monotonic();
    once();
    seconds += monotonic() - start;
    await rest();
  }
  return seconds;
}

async function work({ immediates, stats, lookups, hashes, streams, minor, major, fresh }) {
  const close = openWindow();
  const deflated = { writes: 0 };
  await spin(immediates);
  callFresh(fresh);
  await times(stats, (done) => fs.stat(__filename, done));
  await Promise.all([
    times(lookups, (done) => dns.lookup('localhost', done)),
    times(hashes, (done) => crypto.pbkdf2('password', 'salt', 5000, 32, 'sha256', done)),
    times(streams, (done) => deflate(deflated, done)),
  ]);
  return close({
    immediates,
    gc_seconds: {
      scavenge: await collect(minor, () => global.gc({ type: 'minor' })),
      mark_compact: await collect(major, () => global.gc()),
    },
    kinds: { fs: stats, dns: lookups, crypto: hashes, zlib: deflated.writes },
  });
}

function holdTheLoop(ms) {
  return burn(ms);
}

async function block({ ms }) {
  const before = monotonic();
  // The first comes in this turn still, the second behind a wait: the block's turn begins later than that moment, even
  // if this one takes so long that the timer is due in it.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  return new Promise((resolve) => {
    setTimeout(() => {
      const start = monotonic();
      const truth = { before, start, seconds: holdTheLoop(ms), innermost: 'burn', caller: 'holdTheLoop' };
      setImmediate(() => resolve({ ...truth, after: monotonic() }));
    }, 50);
  });
}

// Entries come in a later turn than the collection: give the last ones theirs.
async function entries() {
  await new Promise((resolve) => setTimeout(resolve, 100));
  return { entries: seen, loop_count: whole().loop_count };
}

function begin() {
  whole = openWindow();
}

serve({ work, block, begin, entries });
