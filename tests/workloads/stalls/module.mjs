// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// An ES module that blocks while it is loaded, and a function of it.
const { own, moduleEnd } = globalThis;

own(null);
let sum = 0;
do {
  for (let i = 0; i < 1000; i++) sum += i % 3;
} while (Date.now() < moduleEnd);

export function moduleFunction(end) {
  own(moduleFunction);
  do {
    for (let i = 0; i < 1000; i++) sum += i % 7;
  } while (Date.now() < end);
  return sum;
}
