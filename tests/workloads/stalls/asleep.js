// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Blocks in which the thread does not run: it sleeps in the kernel, in the middle of a turn.
'use strict';
const { execFileSync, execSync, spawn } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { own } = require('../lib/own-stack');

const scenarios = [];

function scenario(run) {
  scenarios.push({ name: run.name, run, expected: [run.name], asleep: true });
}

const fifo = path.join(os.tmpdir(), `looptop-stalls-fifo-${process.pid}`);
execFileSync('mkfifo', [fifo]);
process.on('exit', () => fs.unlinkSync(fifo));

const seconds = (end) => Math.max(end - Date.now(), 1) / 1e3;

scenario(function execBlock(end) {
  own(execBlock);
  execSync(`sleep ${seconds(end)}`);
});

scenario(function waitBlock(end) {
  own(waitBlock);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds(end) * 1e3);
});

scenario(function fifoBlock(end) {
  own(fifoBlock);
  spawn('sh', ['-c', 'sleep "$1"; : >"$2"', 'sh', seconds(end), fifo], { stdio: 'ignore' }).unref();
  fs.closeSync(fs.openSync(fifo, 'r'));
});

module.exports = scenarios;
