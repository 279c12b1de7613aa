// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Blocks in what JavaScript calls: V8's builtins, Node's native code, the kernel. `below` is what
// must be seen under the function that blocks, by whatever name it has there.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const os = require('os');
const path = require('path');
const v8 = require('v8');
const zlib = require('zlib');
const { own } = require('../lib/own-stack');

const scenarios = [];

function scenario(run, below) {
  scenarios.push({ name: run.name, run, expected: [run.name], below });
}

const items = Array.from({ length: 20000 }, (_, i) => ({ id: i, name: `item ${i}`, tags: ['a', i] }));
const text = JSON.stringify(items);
const bytes = crypto.randomBytes(1 << 20);
const compressible = Buffer.from(text);
const file = path.join(os.tmpdir(), `looptop-stalls-${process.pid}`);
fs.writeFileSync(file, bytes);
process.on('exit', () => fs.unlinkSync(file));

scenario(function jsonBlock(end) {
  own(jsonBlock);
  do JSON.parse(text); while (Date.now() < end);
}, 'json');

scenario(function jsonStr(end) {
  own(jsonStr);
  do JSON.stringify(items); while (Date.now() < end);
}, 'json');

scenario(function redosBlock(end) {
  own(redosBlock);
  do /^(\w+\s?)*$/.test('aaaaaaaaaaaaaaaaa!'); while (Date.now() < end);
}, 'regexp');

scenario(function pbkdf2Block(end) {
  own(pbkdf2Block);
  do crypto.pbkdf2Sync('password', 'salt', 20000, 64, 'sha512'); while (Date.now() < end);
}, 'pbkdf2|sha512|hmac|evp');

scenario(function hashBlock(end) {
  own(hashBlock);
  do crypto.createHash('sha256').update(bytes).digest('hex'); while (Date.now() < end);
});

scenario(function scryptBlock(end) {
  own(scryptBlock);
  do crypto.scryptSync('password', 'salt', 32); while (Date.now() < end);
});

scenario(function rsaBlock(end) {
  own(rsaBlock);
  do crypto.generateKeyPairSync('rsa', { modulusLength: 1024 }); while (Date.now() < end);
});

scenario(function zlibBlock(end) {
  own(zlibBlock);
  do zlib.gzipSync(compressible); while (Date.now() < end);
});

scenario(function readBlock(end) {
  own(readBlock);
  do fs.readFileSync(file); while (Date.now() < end);
});

scenario(function statBlock(end) {
  own(statBlock);
  do fs.statSync(file); while (Date.now() < end);
});

scenario(function existsBlock(end) {
  own(existsBlock);
  do fs.existsSync(`${file}-not-there`); while (Date.now() < end);
});

scenario(function bufCopy(end) {
  own(bufCopy);
  const target = Buffer.alloc(bytes.length);
  do bytes.copy(target); while (Date.now() < end);
});

scenario(function strBlock(end) {
  own(strBlock);
  do text.split('"').join('\''); while (Date.now() < end);
});

scenario(function taBlock(end) {
  own(taBlock);
  const numbers = new Float64Array(100000);
  do {
    for (let i = 0; i < numbers.length; i++) numbers[i] = (i * 7919) % 100003;
    numbers.sort();
  } while (Date.now() < end);
});

scenario(function serializeBlock(end) {
  own(serializeBlock);
  do v8.deserialize(v8.serialize(items)); while (Date.now() < end);
});

scenario(function bigIntBlock(end) {
  own(bigIntBlock);
  const big = 3n ** 20000n;
  let product = 0n;
  do product = big * big; while (Date.now() < end);
  return product;
});

module.exports = scenarios;
