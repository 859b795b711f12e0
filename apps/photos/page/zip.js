"use strict";

// Files in one archive, stored as they are: pictures are compressed already. PKWARE's APPNOTE, sections 4.3.7, 4.3.12, 4.3.16.

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function sum(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

// Little-endian fields, given as [bytes, value].
function pack(...fields) {
  const view = new DataView(new ArrayBuffer(fields.reduce((size, [bytes]) => size + bytes, 0)));
  let at = 0;
  for (const [bytes, value] of fields) {
    if (bytes === 2) view.setUint16(at, value, true); else view.setUint32(at, value, true);
    at += bytes;
  }
  return new Uint8Array(view.buffer);
}

// Files are [name, blob]; the result is a Blob.
async function makeZip(files) {
  const now = new Date();
  const time = now.getHours() << 11 | now.getMinutes() << 5 | now.getSeconds() >> 1;
  const day = now.getFullYear() - 1980 << 9 | now.getMonth() + 1 << 5 | now.getDate();
  const parts = [], directory = [];
  let offset = 0, directorySize = 0;
  for (const [title, blob] of files) {
    const name = new TextEncoder().encode(title), crc = sum(new Uint8Array(await blob.arrayBuffer()));
    // Version 2.0, names in UTF-8, stored.
    const shared = [[2, 20], [2, 0x800], [2, 0], [2, time], [2, day], [4, crc], [4, blob.size], [4, blob.size], [2, name.length], [2, 0]];
    const head = pack([4, 0x04034b50], ...shared);
    const entry = pack([4, 0x02014b50], [2, 20], ...shared, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]);
    parts.push(head, name, blob);
    directory.push(entry, name);
    offset += head.length + name.length + blob.size;
    directorySize += entry.length + name.length;
  }
  const end = pack([4, 0x06054b50], [2, 0], [2, 0], [2, files.length], [2, files.length], [4, directorySize], [4, offset], [2, 0]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}
