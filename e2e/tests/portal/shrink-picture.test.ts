import { deflateSync, inflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { shrinkPicture } from "../../src/portal/shrink-picture.ts";

const part = (type: string, data: Buffer): Buffer => {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length);
  head.write(type, 4, "latin1");
  return Buffer.concat([head, data, Buffer.alloc(4)]);
};

/** A PNG of RGB rows that each begin with their filter. */
function makePicture(width: number, rows: readonly number[][]): Buffer {
  const header = Buffer.from([0, 0, 0, width, 0, 0, 0, rows.length, 8, 2, 0, 0, 0]);
  const parts = [
    part("IHDR", header),
    part("IDAT", deflateSync(Buffer.from(rows.flat()))),
    part("IEND", Buffer.alloc(0)),
  ];
  return Buffer.concat([Buffer.alloc(8), ...parts]);
}

const findPart = (picture: Buffer, type: string): Buffer => {
  const at = picture.indexOf(type, 0, "latin1");
  return picture.subarray(at + 4, at + 4 + picture.readUInt32BE(at - 4));
};

/** Its pixels as colours. */
function readColours(picture: Buffer): string[] {
  const palette = findPart(picture, "PLTE");
  const width = picture.readUInt32BE(16);
  const rows = inflateSync(findPart(picture, "IDAT"));
  return [...rows]
    .filter((_, index) => index % (width + 1) !== 0)
    .map((index) => palette.toString("hex", index * 3, index * 3 + 3));
}

test("each filter is undone, and few colours stay as they are", () => {
  const picture = makePicture(2, [
    [0, 10, 20, 30, 11, 21, 31],
    [1, 10, 20, 30, 1, 1, 1],
    [2, 0, 0, 0, 0, 0, 0],
    [3, 5, 10, 15, 2, 2, 2],
    [4, 0, 0, 0, 1, 1, 1],
  ]);
  const row = ["0a141e", "0b151f"];
  expect(readColours(shrinkPicture(picture))).toEqual([...row, ...row, ...row, "0a141e", "0c1620", "0a141e", "0d1721"]);
});

test("of many colours those stay that are frequent, and the others become the nearest of them", () => {
  const many = Array.from({ length: 400 }, (_, index) => [index % 256, index >> 1, 0]);
  const row = [...Array.from({ length: 50 }, () => [200, 100, 7]), ...many].flat();
  const colours = readColours(shrinkPicture(makePicture(450, [[0, ...row]])));
  expect(colours[0]).toBe("c86407");
  expect(new Set(colours).size).toBeLessThanOrEqual(256);
});

test("what a browser does not write is refused", () => {
  const picture = makePicture(1, [[0, 1, 2, 3]]);
  picture[picture.indexOf("IHDR") + 4 + 8] = 16;
  expect(() => shrinkPicture(picture)).toThrow("depth 16");
});
