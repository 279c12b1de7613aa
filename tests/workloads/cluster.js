// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// A cluster: a primary that starts {workers} of itself, and another one for each that ends. It tells of
// each worker that is up, as a line of JSON.
'use strict';
const cluster = require('cluster');

const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

function primary(workers) {
  cluster.on('online', (worker) => tell({ event: 'online', pid: worker.process.pid }));
  cluster.on('exit', (worker) => {
    tell({ event: 'exit', pid: worker.process.pid });
    cluster.fork();
  });
  for (let i = 0; i < workers; i++) cluster.fork();
  // The end of its input ends it; its workers end with it.
  process.stdin.on('end', () => process.exit(0)).resume();
}

if (cluster.isMaster) primary(Number(process.argv[2]));
else setInterval(() => {}, 20);
