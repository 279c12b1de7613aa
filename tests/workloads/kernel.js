// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// A known number of everything, small enough for an emulated machine:
//   work {immediates, stats, lookups, hashes, streams, minor, major, fresh}
//                                                                      truth has the counts; needs --expose-gc
//   block {ms}                                                         one function that holds the loop
//   entries {}                                                         all collections so far
'use strict';
const crypto = require('crypto');
const dns = require('dns');
const fs = require('fs');
const { deflate } = require('./lib/deflate');
const { callFresh } = require('./lib/fresh');
const { observePauses } = require('./lib/pauses');
const { burn, monotonic, openWindow, serve } = require('./lib/session');

const seen = observePauses();

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
  for (let i = 0; i < minor; i++) {
    global.gc({ type: 'minor' });
    await rest();
  }
  for (let i = 0; i < major; i++) {
    global.gc();
    await rest();
  }
  return close({
    immediates,
    kinds: { fs: stats, dns: lookups, crypto: hashes, zlib: deflated.writes },
  });
}

function holdTheLoop(ms) {
  return burn(ms);
}

function block({ ms }) {
  return new Promise((resolve) => {
    setTimeout(() => {
      const start = monotonic();
      resolve({ start, seconds: holdTheLoop(ms), innermost: 'burn', caller: 'holdTheLoop' });
    }, 50);
  });
}

// Entries come in a later turn than the collection: give the last ones theirs.
async function entries() {
  await new Promise((resolve) => setTimeout(resolve, 100));
  return { entries: seen };
}

serve({ work, block, entries });
