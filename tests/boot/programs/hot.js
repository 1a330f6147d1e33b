// SPDX-License-Identifier: MulanPSL-2.0
'use strict';
// Integer, floating-point and bit loops that V8 compiles, deoptimizes and compiles again.
const assert = require('assert');
function sieve(n) {
    const composite = new Uint8Array(n + 1);
    let count = 0;
    for (let i = 2; i <= n; i++) {
        if (composite[i]) continue;
        count++;
        for (let j = i * i; j <= n; j += i) composite[j] = 1;
    }
    return count;
}
function crc32(bytes) {
    let crc = -1;
    for (const byte of bytes) {
        crc ^= byte;
        for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
    }
    return (crc ^ -1) >>> 0;
}
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
function nbody(steps) {
    const b = [[0, 0, 0, 0, 0, 0, 39.47841760435743],
        [4.84143144246472090, -1.16032004402742839, -0.103622044471123109, 0.606326392995832, 2.81198684491626, -0.02521836165988763, 0.03769367487038949],
        [8.34336671824457987, 4.12479856412430479, -0.403523417114321381, -1.01077434617879236, 1.82566237123041186, 0.00841576137658415, 0.011286326131968767]];
    for (let s = 0; s < steps; s++) {
        for (let i = 0; i < b.length; i++)
            for (let j = i + 1; j < b.length; j++) {
                const dx = b[i][0] - b[j][0], dy = b[i][1] - b[j][1], dz = b[i][2] - b[j][2];
                const d2 = dx * dx + dy * dy + dz * dz, mag = 0.01 / (d2 * Math.sqrt(d2));
                b[i][3] -= dx * b[j][6] * mag; b[i][4] -= dy * b[j][6] * mag; b[i][5] -= dz * b[j][6] * mag;
                b[j][3] += dx * b[i][6] * mag; b[j][4] += dy * b[i][6] * mag; b[j][5] += dz * b[i][6] * mag;
            }
        for (const p of b) for (let k = 0; k < 3; k++) p[k] += 0.01 * p[k + 3];
    }
    return b.map(p => p.slice(0, 3));
}
function bigint(n) { let f = 1n; for (let i = 1n; i <= n; i++) f *= i; return f.toString(); }
function adder(n) { return x => x + n; }
function closures() {
    const list = [];
    for (let i = 0; i < 1000; i++) list.push(adder(i));
    let s = 0;
    for (let r = 0; r < 300; r++) for (const f of list) s = (s + f(r)) | 0;
    return s;
}
// Called with integers until it is compiled, then with what its code was not made for.
function add(a, b) { return a + b; }
function deopt() {
    let s = 0;
    for (let i = 0; i < 200000; i++) s = add(s, i & 7);
    const mixed = [add(0.5, 0.25), add('a', 1), add([1], { toString: () => 'x' }), add(2 ** 31, 2 ** 31), add(1n, 2n)];
    for (let i = 0; i < 200000; i++) s = add(s, 0.5);
    return [s, ...mixed.map(String)];
}
function json() {
    const data = { rows: [] };
    for (let i = 0; i < 3000; i++)
        data.rows.push({ id: i, name: 'r' + i, value: i / 7, tags: ['a', 'é', '\u{1f600}', null, i % 3 === 0], deep: { x: [i, [i + 1]] } });
    const text = JSON.stringify(data), again = JSON.stringify(JSON.parse(text));
    assert.strictEqual(text, again);
    return [text.length, crc32(Buffer.from(text))];
}
function regexps() {
    let text = '';
    for (let i = 0; i < 4000; i++) text += `user${i}@host${i % 17}.example.org, 2026-${String(i % 12 + 1).padStart(2, '0')}-${String(i % 28 + 1).padStart(2, '0')}; `;
    const mails = text.match(/\b[\w.]+@[\w.]+\.org\b/g).length;
    const sum = [...text.matchAll(/(\d{4})-(\d\d)-(\d\d)/g)].reduce((s, m) => s + +m[2] * +m[3], 0);
    const swapped = text.replace(/(\d{4})-(\d\d)-(\d\d)/g, '$3.$2.$1');
    return [mails, sum, crc32(Buffer.from(swapped)), /^(?:(a+)b?)+?$/.test('aaabaaab'), 'ſ'.match(/s/iu) !== null, 'x1y22z'.split(/\d+/)];
}
function* generator(n) { for (let i = 0; i < n; i++) yield i * i; }
function collections() {
    const map = new Map(), set = new Set();
    for (let i = 0; i < 100000; i++) { map.set('k' + (i * 7919 % 50021), i); set.add(i * i % 65537); }
    let s = 0;
    for (const v of generator(10000)) s += v;
    const sorted = Array.from({ length: 50000 }, (_, i) => (i * 48271) % 65521).sort((a, b) => a - b);
    return [map.size, set.size, s, sorted[0], sorted[25000], sorted[49999]];
}
class Shape { area() { return 0; } }
class Square extends Shape { constructor(a) { super(); this.a = a; } area() { return this.a * this.a; } }
class Circle extends Shape { constructor(r) { super(); this.r = r; } area() { return Math.PI * this.r ** 2; } }
function classes() {
    let s = 0;
    for (let i = 0; i < 300000; i++) s += (i % 3 ? new Square(i % 10) : new Circle(i % 5)).area();
    return s;
}
function exceptions() {
    let n = 0;
    for (let i = 0; i < 30000; i++) try { if (i % 3 === 0) throw new RangeError('x' + i); n += 1; } catch (e) { n += e.message.length; } finally { n ^= 1; }
    return n;
}
const tests = { sieve: () => sieve(2000000), fib: () => fib(27), nbody: () => nbody(20000), bigint: () => crc32(Buffer.from(bigint(1000n))),
    closures, deopt, json, regexps, collections, classes, exceptions,
    math: () => { let s = 0; for (let i = 1; i < 200000; i++) s += Math.sin(i) * Math.log(i) / Math.cbrt(i) + Math.hypot(i, 3) % 1; return s; },
    crypto: () => require('crypto').createHash('sha256').update('x'.repeat(1 << 20)).digest('hex'),
    zlib: () => require('zlib').inflateSync(require('zlib').deflateSync(Buffer.from('abc'.repeat(100000)))).length };
for (const [name, f] of Object.entries(tests)) {
    console.log(name, JSON.stringify(f()));
}
// Worker threads and promises.
const { Worker } = require('worker_threads');
const shared = new SharedArrayBuffer(8), counter = new Int32Array(shared);
const worker = () => new Promise((resolve, reject) => {
    const w = new Worker(`const { workerData } = require('worker_threads'); const c = new Int32Array(workerData);
        for (let i = 0; i < 100000; i++) Atomics.add(c, 0, 1);`, { eval: true, workerData: shared });
    w.on('exit', resolve); w.on('error', reject);
});
(async () => {
    await Promise.all([worker(), worker()]);
    let s = 0;
    for (let i = 0; i < 20000; i++) s += await i;
    console.log('workers', counter[0], s);
})();
