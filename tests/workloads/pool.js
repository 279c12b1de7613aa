// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Thread pool tasks of every kind, counted and timed by those who ask for them. The add-on with
// tasks that know all their moments is in LT_POOL_ADDON (see pool-addon.c).
//   kinds {fs, dns, crypto, random, zlib, held}  all at once; per kind the number and the summed seconds. held: so
//                                          many threads are kept waiting until all is submitted
//   one_by_one {n}                         pbkdf2, the next when the last is done: no queue
//   moments {n, sleep_ms}                  tasks that know their moments, by Node-API and by libuv
//   saturate {n, held}                     that many pbkdf2 at once
//   flood {n, held, iterations}, drain {}  the same in two parts, to attach in between: what is held is let go by drain
//   cancel {n, sleep_ms}                   tasks cancelled while others fill the pool
//   files {n}                              whole files written, read, copied with their folder, and listed
//   sync {stats, bytes}                    file system calls on the loop's own thread
//   resize {size}                          sets the pool's size; only before its first use
'use strict';
const { execFileSync } = require('child_process');
const crypto = require('crypto');
const dns = require('dns');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { deflate } = require('./lib/deflate');
const { monotonic, openWindow, serve } = require('./lib/session');

const ITERATIONS = 100000; // of pbkdf2: 10 to 20 ms
const addon = process.env.LT_POOL_ADDON ? require(process.env.LT_POOL_ADDON) : null;

// Runs ask(callback) n times at once; how many were done and for how long they took in all.
function times(n, ask) {
  const result = { count: 0, seconds: 0 };
  const jobs = Array.from({ length: n }, () => new Promise((resolve, reject) => {
    const start = monotonic();
    ask((err) => {
      result.count++;
      result.seconds += monotonic() - start;
      if (err) reject(err);
      else resolve();
    });
  }));
  return Promise.all(jobs).then(() => result);
}

function pbkdf2(callback, iterations = ITERATIONS) {
  crypto.pbkdf2('password', 'salt', iterations, 32, 'sha256', callback);
}

// So many threads of the pool wait for somebody to open the other end of a pipe; whatever is submitted behind them
// waits until they are let go. Each is one task of the file system.
function hold(threads) {
  const pipe = path.join(os.tmpdir(), `looptop-hold-${process.pid}`);
  if (threads) execFileSync('mkfifo', [pipe]);
  const opened = times(threads || 0, (done) => fs.open(pipe, 'r', (err, fd) => {
    if (!err) fs.closeSync(fd);
    done(err);
  }));
  function letGo() {
    if (!threads) return;
    const fd = fs.openSync(pipe, 'r+'); // which does not wait
    opened.then(() => {
      fs.closeSync(fd);
      fs.unlinkSync(pipe);
    });
  }
  return { opened, letGo };
}

async function kinds({ fs: stats, dns: lookups, crypto: hashes, random, zlib: streams, held }) {
  const holding = hold(held);
  const close = openWindow();
  const deflated = { writes: 0 };
  const asked = Promise.all([
    holding.opened,
    times(stats, (done) => fs.stat(__filename, done)),
    times(lookups, (done) => dns.lookup('localhost', done)),
    times(hashes, pbkdf2),
    times(random, (done) => crypto.randomBytes(100000, done)),
    times(streams, (done) => deflate(deflated, done)),
  ]);
  holding.letGo();
  const [onHold, onFs, onDns, onHash, onRandom] = await asked;
  return close({
    kinds: {
      fs: { count: onFs.count + onHold.count, seconds: onFs.seconds + onHold.seconds },
      dns: onDns,
      crypto: { count: onHash.count + onRandom.count, seconds: onHash.seconds + onRandom.seconds },
      zlib: { count: deflated.writes, seconds: null },
    },
  });
}

async function one_by_one({ n }) {
  const close = openWindow();
  const all = { count: 0, seconds: 0 };
  for (let i = 0; i < n; i++) {
    const one = await times(1, pbkdf2);
    all.count += one.count;
    all.seconds += one.seconds;
  }
  return close(all);
}

function knowing(usesNodeApi, n, sleepMs) {
  const sums = { count: 0, wait: 0, run: 0, delivery: 0, tasks: [] };
  const jobs = Array.from({ length: n }, () => new Promise((resolve) => {
    addon.work(usesNodeApi, sleepMs, (submitted, started, finished, delivered) => {
      sums.count++;
      sums.tasks.push([submitted, started, finished]);
      sums.wait += started - submitted;
      sums.run += finished - started;
      sums.delivery += delivered - finished;
      resolve();
    });
  }));
  return Promise.all(jobs).then(() => sums);
}

async function moments({ n, sleep_ms }) {
  const close = openWindow();
  const [napi, other] = await Promise.all([
    knowing(true, n, sleep_ms), knowing(false, n, sleep_ms)]);
  return close({ kinds: { napi, other } });
}

async function saturate({ n, held }) {
  const holding = hold(held);
  const close = openWindow();
  const asked = times(n, pbkdf2);
  holding.letGo();
  return close(await asked);
}

let flooded = null;

function flood({ n, held, iterations }) {
  const holding = hold(held);
  flooded = { asked: times(n, (done) => pbkdf2(done, iterations)), letGo: holding.letGo };
}

async function drain() {
  flooded.letGo();
  flooded.letGo = () => {}; // who drains again only waits
  return flooded.asked;
}

async function cancel({ n, sleep_ms }) {
  const close = openWindow();
  const size = Number(process.env.UV_THREADPOOL_SIZE || 4);
  const fillers = knowing(true, size, sleep_ms);
  // Let the threads take the fillers first, so that what follows waits for sure.
  await new Promise((resolve) => setTimeout(resolve, sleep_ms / 4));
  const cancelled = await new Promise((resolve) => addon.cancel(n, 1, resolve));
  await fillers;
  return close({ submitted: size + n, cancelled, completed: size + n - cancelled });
}

async function files({ n }) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'looptop-files-'));
  const { cp, readFile, readdir, rm, writeFile } = fs.promises;
  const close = openWindow();
  for (let i = 0; i < n; i++) {
    const file = path.join(folder, 'from', `${i}`);
    await fs.promises.mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, 'looptop');
    await new Promise((done) => fs.writeFile(file, 'again', done));
    await readFile(file);
    await new Promise((done) => fs.readFile(file, done));
  }
  if (cp) await cp(path.join(folder, 'from'), path.join(folder, 'to'), { recursive: true });
  await readdir(folder, { recursive: true });
  await new Promise((done) => fs.readdir(folder, { recursive: true }, done));
  const truth = close({});
  await rm(folder, { recursive: true });
  return truth;
}

function sync({ stats, bytes }) {
  const file = path.join(os.tmpdir(), `looptop-sync-${process.pid}`);
  fs.writeFileSync(file, Buffer.alloc(bytes));
  const fd = fs.openSync(file, 'r');
  const buffer = Buffer.alloc(bytes);
  const close = openWindow();
  const before = monotonic();
  for (let i = 0; i < stats; i++) fs.statSync(file);
  const between = monotonic();
  // One call that takes long, so that its time is not lost among the calls' own overhead.
  fs.readSync(fd, buffer, 0, bytes, 0);
  const after = monotonic();
  const truth = close({ stats: between - before, read: after - between });
  fs.closeSync(fd);
  fs.unlinkSync(file);
  return truth;
}

function resize({ size }) {
  process.env.UV_THREADPOOL_SIZE = String(size);
}

serve({ kinds, one_by_one, moments, saturate, flood, drain, cancel, files, sync, resize });
