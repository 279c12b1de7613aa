// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Work for zlib, counted where the pool gets it.
'use strict';
const zlib = require('zlib');

// A stream gives the pool one task for each write of its handle; how many that are, only it knows.
function deflate(result, callback) {
  const stream = zlib.createDeflate();
  const handle = stream._handle;
  const write = handle.write;
  handle.write = function counted(...args) {
    result.writes++;
    return write.apply(this, args);
  };
  stream.on('error', callback);
  stream.on('end', () => callback(null));
  stream.resume();
  stream.end(Buffer.alloc(200000, 'looptop'));
}

module.exports = { deflate };
