// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Blocks in code that is made while the program runs: eval, new Function, vm, and files as
// compilers and minifiers write them, with source maps whose truth is made here too.
'use strict';
const fs = require('fs');
const os = require('os');
const path = require('path');
const vm = require('vm');
const { own } = require('../lib/own-stack');

global.own = own; // code that is not in a module finds it there

const LOOP = 'let s = 0; do { for (let i = 0; i < 1000; i++) s += i % 5; } while (Date.now() < end); return s;';
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'looptop-stalls-'));
process.on('exit', () => {
  for (const name of fs.readdirSync(folder)) fs.unlinkSync(path.join(folder, name));
  fs.rmdirSync(folder);
});

const scenarios = [];

// no_file: the code is in no file that has a name; what V8 calls the place is its own affair.
function scenario(name, run, expected, more) {
  scenarios.push({ name, run, expected: [].concat(expected), ...more });
}

scenario('evalBlock', function evalBlock(end) {
  own(evalBlock);
  // eslint-disable-next-line no-eval
  return eval(`(function evaluated(end) { own(evaluated); ${LOOP} })`)(end);
}, 'evaluated', { no_file: true });

scenario('evalUrl', function evalUrlBlock(end) {
  own(evalUrlBlock);
  // eslint-disable-next-line no-eval
  return eval(`(function named(end) { own(named); ${LOOP} })\n//# sourceURL=/app/rules/price.js`)(end);
}, 'named');

scenario('newFunctionBlock', function newFunctionBlock(end) {
  own(newFunctionBlock);
  // eslint-disable-next-line no-new-func
  const made = new Function('end', `own(null); ${LOOP}`);
  return made(end);
}, ['anonymous', '(anonymous)', 'eval'], { no_file: true });

const script = new vm.Script(`(function inScript(end) {\n  own(inScript);\n  ${LOOP}\n})`, {
  filename: '/app/invoice/template.js',
  lineOffset: 41,
});
scenario('vmBlock', function vmBlock(end) {
  own(vmBlock);
  return script.runInThisContext()(end);
}, 'inScript');

// A file as a minifier writes it: one line, so that only columns tell the calls apart.
const minified = path.join(folder, 'app.min.js');
fs.writeFileSync(minified, `module.exports=function a(e){own(a);return b(e)+b(0)};`
  + `function b(e){own(b);return c(e)+c(0)}function c(end){own(c);${LOOP}}`);
const minifiedMain = require(minified);
scenario('minified', function minifiedBlock(end) {
  own(minifiedBlock);
  return minifiedMain(end);
}, 'c');

// Base 64 VLQ, the digits of a source map.
function vlq(value) {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  let rest = value < 0 ? (-value << 1) | 1 : value << 1;
  let out = '';
  do {
    const digit = rest & 31;
    rest >>>= 5;
    out += digits[rest ? digit | 32 : digit];
  } while (rest);
  return out;
}

// Line n of the generated file was written in line 10 + 3 n of the original, at column 5.
const ORIGINAL_LINE = (line) => 10 + 3 * line;

function mapOf(lines, source) {
  const mappings = Array.from({ length: lines }, (_, i) => (
    i ? `A${vlq(0)}${vlq(3)}A` : `A${vlq(0)}${vlq(ORIGINAL_LINE(1) - 1)}${vlq(4)}`));
  return { version: 3, sources: [source], names: [], mappings: mappings.join(';') };
}

const mappedText = (name, callee) => [
  "'use strict';",
  `function ${name}(end) {`,
  `  own(${name});`,
  `  return ${callee}(end) + 1;`,
  '}',
  `function ${callee}(end) {`,
  `  own(${callee});`,
  `  ${LOOP}`,
  '}',
  `module.exports = ${name};`,
];

function writeMapped(name, lines, url) {
  const file = path.join(folder, name);
  fs.writeFileSync(file, [...lines, `//# sourceMappingURL=${url}`, ''].join('\n'));
  return require(file);
}

const original = (name) => ({ file: name, line_of_1: ORIGINAL_LINE(1), lines_per_line: 3 });

const fileLines = mappedText('mappedEntry', 'mappedLeaf');
fs.writeFileSync(path.join(folder, 'orders.js.map'), JSON.stringify(mapOf(fileLines.length, 'orders.ts')));
const mappedByFile = writeMapped('orders.js', fileLines, 'orders.js.map');
scenario('sourceMapFile', function mapFileBlock(end) {
  own(mapFileBlock);
  return mappedByFile(end);
}, 'mappedLeaf', { original: original('orders.ts') });

const inlineLines = mappedText('inlineEntry', 'inlineLeaf');
const inlineMap = Buffer.from(JSON.stringify(mapOf(inlineLines.length, 'prices.ts'))).toString('base64');
const mappedInline = writeMapped('prices.js', inlineLines, `data:application/json;base64,${inlineMap}`);
scenario('sourceMapInline', function mapInlineBlock(end) {
  own(mapInlineBlock);
  return mappedInline(end);
}, 'inlineLeaf', { original: original('prices.ts') });

const brokenLines = mappedText('brokenEntry', 'brokenLeaf');
fs.writeFileSync(path.join(folder, 'broken.js.map'), '{"version":3,"sources":["x.ts"],"mappings":"AAAA;A');
const mappedBroken = writeMapped('broken.js', brokenLines, 'broken.js.map');
scenario('sourceMapTruncated', function mapBrokenBlock(end) {
  own(mapBrokenBlock);
  return mappedBroken(end);
}, 'brokenLeaf');

module.exports = scenarios;
