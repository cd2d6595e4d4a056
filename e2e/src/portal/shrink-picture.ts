import { crc32, deflateSync, inflateSync } from "node:zlib";

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** As many as a palette has. */
const mostColours = 256;
/** Colours that are nearer than this to a more frequent one are drawn as that: a squared distance in RGB. */
const leastDistance = 40;
const rgb = 3;

interface Pixels {
  width: number;
  height: number;
  /** Three bytes each, row by row. */
  data: Buffer;
}

function readChunks(picture: Buffer): { type: string; data: Buffer }[] {
  const chunks: { type: string; data: Buffer }[] = [];
  for (let at = signature.length; at < picture.length;) {
    const length = picture.readUInt32BE(at);
    chunks.push({
      type: picture.toString("latin1", at + 4, at + 8),
      data: picture.subarray(at + 8, at + 8 + length),
    });
    at += length + 12;
  }
  return chunks;
}

/** The predictor of PNG's filter 4: of left, above and above left the one that is nearest to left + above - above left. */
function predict(left: number, above: number, corner: number): number {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  return toLeft <= toAbove && toLeft <= toCorner ? left : toAbove <= toCorner ? above : corner;
}

function unfilterByte(filter: number, left: number, above: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  return filter === 4 ? predict(left, above, corner) : 0;
}

/** @throws Error for a PNG of another kind than a browser's pictures are: eight bits, RGB or RGBA, not interlaced */
function readPixels(picture: Buffer): Pixels {
  const chunks = readChunks(picture);
  const header = chunks.find(({ type }) => type === "IHDR")?.data;
  if (header === undefined) throw new Error("this is no PNG: it has no header");
  const [depth, kind, , , interlace] = header.subarray(8);
  if (depth !== 8 || (kind !== 2 && kind !== 6) || interlace !== 0)
    throw new Error(`a PNG of depth ${depth}, colour type ${kind} and interlace ${interlace} can't be made smaller`);
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const bytes = kind === 6 ? 4 : rgb;
  const stride = width * bytes;
  const packed = inflateSync(Buffer.concat(chunks.filter(({ type }) => type === "IDAT").map(({ data }) => data)));
  const rows = Buffer.alloc(stride * height);
  const data = Buffer.alloc(width * height * rgb);
  for (let y = 0; y < height; y++) {
    const filter = packed[y * (stride + 1)] ?? 0;
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x;
      const left = x < bytes ? 0 : (rows[at - bytes] ?? 0);
      const above = y === 0 ? 0 : (rows[at - stride] ?? 0);
      const corner = x < bytes || y === 0 ? 0 : (rows[at - stride - bytes] ?? 0);
      rows[at] = (packed[y * (stride + 1) + 1 + x] ?? 0) + unfilterByte(filter, left, above, corner);
    }
    for (let x = 0; x < width; x++)
      rows.copy(data, (y * width + x) * rgb, y * stride + x * bytes, y * stride + x * bytes + rgb);
  }
  return { width, height, data };
}

const distance = (a: number, b: number): number =>
  ((a >> 16) - (b >> 16)) ** 2 + (((a >> 8) & 255) - ((b >> 8) & 255)) ** 2 + ((a & 255) - (b & 255)) ** 2;

/** The most frequent colours that can be told apart. */
function choosePalette(colours: ReadonlyMap<number, number>): number[] {
  const chosen: number[] = [];
  const isExact = colours.size <= mostColours;
  for (const [colour] of [...colours].toSorted(([a, m], [b, n]) => n - m || a - b)) {
    if (chosen.length === mostColours) break;
    if (isExact || chosen.every((other) => distance(colour, other) >= leastDistance)) chosen.push(colour);
  }
  return chosen;
}

function findNearest(palette: readonly number[], colour: number): number {
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  for (const [index, other] of palette.entries()) {
    const far = distance(colour, other);
    if (far < least) [best, least] = [index, far];
  }
  return best;
}

function writeChunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

/**
 * Makes a browser's picture about a third as large: with a palette of the colours that are most frequent in it. The same picture always gets the same
 * bytes.
 * @param picture a PNG as a browser writes it
 * @returns a PNG of the same size in pixels
 */
export function shrinkPicture(picture: Buffer): Buffer {
  const { width, height, data } = readPixels(picture);
  const counts = new Map<number, number>();
  for (let at = 0; at < data.length; at += rgb) {
    const colour = data.readUIntBE(at, rgb);
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const palette = choosePalette(counts);
  const indices = new Map([...counts.keys()].map((colour) => [colour, findNearest(palette, colour)]));
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      rows[y * (width + 1) + 1 + x] = indices.get(data.readUIntBE((y * width + x) * rgb, rgb)) ?? 0;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const colours = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]));
  return Buffer.concat([
    signature,
    writeChunk("IHDR", header),
    writeChunk("PLTE", colours),
    writeChunk("IDAT", deflateSync(rows, { level: 9 })),
    writeChunk("IEND", Buffer.alloc(0)),
  ]);
}
