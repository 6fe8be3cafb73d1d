// Arrays as NumPy writes them: a .npy for each, and a .npz (a zip file that is not packed) of many.
// biome-ignore-all lint/correctness/noUnusedVariables: the player uses them, in the same script
"use strict";

const TYPES = { "<f8": Float64Array, "<f4": Float32Array };

function fromBase64(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

// The header of a .npy file, as text, and where its numbers begin.
function headerOf(bytes) {
  const magic = String.fromCharCode(...bytes.subarray(1, 6));
  if (bytes[0] !== 0x93 || magic !== "NUMPY" || bytes[6] !== 1) throw new Error("it holds something that is not an array");
  const start = 10 + bytes[8] + 256 * bytes[9];
  return [new TextDecoder().decode(bytes.subarray(10, start)), start];
}

// The numbers of a .npy file, as a typed array.
function numbersOf(bytes) {
  const [header, start] = headerOf(bytes);
  const type = TYPES[(/'descr': '([^']*)'/.exec(header) || [])[1]];
  if (!type || /'fortran_order': True/.test(header)) throw new Error("an array is not float32 or float64, row by row");
  return new type(bytes.slice(start).buffer);
}

// A .npy file with the header of another one.
function withNumbers(like, numbers) {
  const [, start] = headerOf(like), bytes = new Uint8Array(start + numbers.byteLength);
  bytes.set(like.subarray(0, start));
  bytes.set(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength), start);
  return bytes;
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

// Little-endian numbers: pairs of a width in bytes and a value.
function packed(...pairs) {
  const bytes = [];
  for (const [width, value] of pairs) {
    for (let i = 0; i < width; i++) bytes.push(Math.floor(value / 256 ** i) % 256);
  }
  return Uint8Array.from(bytes);
}

// A .npz file of { name: bytes of a .npy file }.
function writeArchive(arrays) {
  const parts = [], directory = [];
  let offset = 0, length = 0;
  for (const [key, content] of Object.entries(arrays)) {
    const name = new TextEncoder().encode(`${key}.npy`);
    const common = packed([2, 20], [2, 0x800], [2, 0], [2, 0], [2, 33], [4, crc32(content)], [4, content.length],
      [4, content.length], [2, name.length], [2, 0]);
    const entry = [packed([4, 0x04034b50]), common, name, content];
    directory.push(packed([4, 0x02014b50], [2, 20]), common, packed([2, 0], [2, 0], [2, 0], [4, 0], [4, offset]), name);
    parts.push(...entry);
    offset += entry.reduce((sum, part) => sum + part.length, 0);
  }
  for (const part of directory) length += part.length;
  const count = Object.keys(arrays).length;
  const end = packed([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, length], [4, offset], [2, 0]);
  return new Blob([...parts, ...directory, end], { type: "application/octet-stream" });
}

// The arrays of a .npz file: { name: bytes of a .npy file }. Throws an Error that says what is wrong with it.
function readArchive(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), arrays = {};
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw new Error("it is not a .npz file of arrays");
  let at = view.getUint32(end + 16, true);
  for (let n = view.getUint16(end + 10, true); n > 0; n--) {
    if (view.getUint32(at, true) !== 0x02014b50) throw new Error("it is damaged");
    const size = view.getUint32(at + 24, true), length = view.getUint16(at + 28, true), local = view.getUint32(at + 42, true);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + length)).replace(/\.npy$/, "");
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const content = bytes.slice(start, start + size);
    if (view.getUint16(at + 10, true) !== 0) throw new Error("it is packed; np.savez writes files that are not");
    if (content.length !== size || crc32(content) !== view.getUint32(at + 16, true)) throw new Error("it is damaged");
    arrays[name] = content;
    at += 46 + length + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return arrays;
}
