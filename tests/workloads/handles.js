// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Handles of all kinds, and what the process itself says of them. With `worker` as its argument a Worker has them.
// open {path}: servers, sockets, pipes, a datagram socket, a child, a watched directory; resources: what
// getActiveResourcesInfo() says; flood {port, chunks}: writes to somebody who does not read; drop: ends that;
// hold {immediates, timers, ms}: blocks the loop with so many waiting, and tells from when to when; many {n}: so many handles without descriptors;
// serve {}: a server that closes what connects, and tells how many were open at most with `served`.
'use strict';
const dgram = require('dgram');
const fs = require('fs');
const net = require('net');
const { spawn } = require('child_process');
const { Worker, isMainThread, parentPort } = require('worker_threads');
const { burn, monotonic, serve } = require('./lib/session');

const open = [];
let flooded, server, most = 0, now = 0;

const listening = (s, where) => new Promise((resolve) => s.listen(where, () => resolve(s)));
const connected = (where) => new Promise((resolve) => {
  const socket = net.connect(where, () => resolve(socket));
});

async function openAll({ path }) {
  const tcp = [await listening(net.createServer((c) => open.push(c)), { port: 0, host: '127.0.0.1' }),
               await listening(net.createServer(), { port: 0, host: '::1' })];
  const local = await listening(net.createServer((c) => open.push(c)), { path });
  open.push(await connected({ port: tcp[0].address().port, host: '127.0.0.1' }), await connected({ path }));
  const udp = dgram.createSocket('udp4');
  await new Promise((resolve) => udp.bind(0, '127.0.0.1', resolve));
  open.push(...tcp, local, udp, spawn('sleep', ['1000'], { stdio: ['ignore', 'pipe', 'ignore'] }),
            fs.watch('/tmp', () => {}));
  await new Promise((resolve) => setTimeout(resolve, 100)); // until both ends of all connections are there
}

function resources() {
  const counts = {};
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] || 0) + 1;
  return { counts, requests: isMainThread ? process._getActiveRequests().length : null };
}

async function flood({ port, chunks }) {
  flooded = await connected({ port, host: '127.0.0.1' });
  flooded.on('error', () => {});
  for (let i = 0; i < chunks; i++) flooded.write(Buffer.alloc(1 << 20));
  await new Promise((resolve) => setTimeout(resolve, 200));
  return { queued: flooded._handle.writeQueueSize, fd: flooded._handle.fd,
           address: `127.0.0.1:${port}`, since: monotonic() - 0.2 };
}

function hold({ immediates, timers, ms }) {
  const waiting = [];
  for (let i = 0; i < timers; i++) waiting.push(setInterval(() => {}, 1e6));
  const due = setInterval(() => {}, 100), since = monotonic();
  return new Promise((resolve) => setTimeout(resolve, 1)).then(() => new Promise((resolve) => {
    // From a callback of the poll phase, where the timers' handle is in libuv's heap. What waits is all there before
    // the last immediate is, and goes when that runs: a reading in between sees all of it.
    fs.stat('/', () => {
      const truth = { immediates, timers: resources().counts.Timeout };
      const blocked = [];
      const end = () => {
        for (const timer of [...waiting, due]) clearInterval(timer);
        resolve({ ...truth, seconds: monotonic() - since, blocked });
      };
      process.nextTick(() => {});
      for (let i = 1; i < immediates; i++) setImmediate(() => {});
      setImmediate(end);
      blocked.push(monotonic());
      burn(ms);
      blocked.push(monotonic());
    });
  }));
}

async function serveClients() {
  server = await listening(net.createServer((c) => {
    most = Math.max(most, ++now);
    c.on('error', () => {});
    c.on('close', () => now--);
    c.end('x');
  }), { port: 0, host: '127.0.0.1' });
  return { port: server.address().port };
}

function many({ n }) {
  for (let i = 0; i < n / 2; i++) open.push(new MessageChannel());
}

const handlers = {
  open: openAll, resources, flood, hold, many, serve: serveClients,
  drop: () => new Promise((resolve) => flooded.on('close', () => resolve({})).destroy()),
  served: () => ({ most, now }),
};

if (!isMainThread) {
  parentPort.on('message', ({ cmd, request }) => Promise.resolve(handlers[cmd](request))
    .then((truth) => parentPort.postMessage(truth || {})));
} else if (process.argv[2] === 'worker') {
  const worker = new Worker(__filename);
  const through = (cmd) => (request) => new Promise((resolve) => {
    worker.once('message', resolve);
    worker.postMessage({ cmd, request });
  });
  serve(Object.fromEntries(Object.keys(handlers).map((cmd) => [cmd, through(cmd)])));
} else {
  serve(handlers);
}
