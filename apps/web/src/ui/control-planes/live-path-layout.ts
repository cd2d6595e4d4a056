/** Where a part of the drawing is, in its own units, which are CSS pixels at full size. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

interface Point {
  x: number;
  y: number;
}

/** A straight way, and where its label stands. */
export interface Lane {
  from: Point;
  to: Point;
  label: Box;
}

/** A shape of the drawing. Ways are straight and never cross: each node is as long as the ways that begin or end at it. */
export interface Layout {
  width: number;
  height: number;
  mesh: Box;
  meshHeading: Box;
  host: Box;
  hostHeading: Box;
  apiServer: Box;
  proxies: Box;
  edge: Box;
  istiod: Box;
  watches: Lane;
  webhooks: Lane;
  streams: Lane;
  behindEdge: Omit<Lane, "label">;
}

/** From the left to the right, for half a page and more. */
export const wide: Layout = {
  width: 1080,
  height: 316,
  mesh: { x: 1, y: 1, width: 286, height: 314 },
  meshHeading: { x: 18, y: 10, width: 254, height: 26 },
  host: { x: 535, y: 1, width: 544, height: 314 },
  hostHeading: { x: 552, y: 10, width: 510, height: 26 },
  apiServer: { x: 17, y: 44, width: 254, height: 150 },
  proxies: { x: 17, y: 210, width: 254, height: 90 },
  edge: { x: 551, y: 120, width: 212, height: 180 },
  istiod: { x: 847, y: 44, width: 216, height: 256 },
  watches: { from: { x: 847, y: 76 }, to: { x: 271, y: 76 }, label: { x: 312, y: 52, width: 198, height: 48 } },
  webhooks: { from: { x: 271, y: 160 }, to: { x: 551, y: 160 }, label: { x: 312, y: 136, width: 198, height: 48 } },
  streams: { from: { x: 271, y: 255 }, to: { x: 551, y: 255 }, label: { x: 312, y: 231, width: 198, height: 48 } },
  behindEdge: { from: { x: 763, y: 208 }, to: { x: 847, y: 208 } },
};

/** From above to below, for a phone. */
export const narrow: Layout = {
  width: 320,
  height: 452,
  mesh: { x: 1, y: 1, width: 318, height: 122 },
  meshHeading: { x: 14, y: 6, width: 292, height: 24 },
  host: { x: 1, y: 224, width: 318, height: 227 },
  // Below, where no way passes.
  hostHeading: { x: 14, y: 422, width: 292, height: 24 },
  apiServer: { x: 11, y: 34, width: 184, height: 78 },
  proxies: { x: 205, y: 34, width: 104, height: 78 },
  edge: { x: 112, y: 240, width: 197, height: 66 },
  istiod: { x: 11, y: 334, width: 298, height: 84 },
  watches: { from: { x: 56, y: 334 }, to: { x: 56, y: 112 }, label: { x: 4, y: 149, width: 98, height: 50 } },
  webhooks: { from: { x: 158, y: 112 }, to: { x: 158, y: 240 }, label: { x: 109, y: 149, width: 98, height: 50 } },
  streams: { from: { x: 262, y: 112 }, to: { x: 262, y: 240 }, label: { x: 214, y: 149, width: 98, height: 50 } },
  behindEdge: { from: { x: 210, y: 306 }, to: { x: 210, y: 334 } },
};
