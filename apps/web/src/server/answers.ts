import { formatEtag } from "@pilothouse/core";

/** A success without more to say. */
export function ok<Body>(body: Body): { status: number; body: Body } {
  return { status: 200, body };
}

/** One thing with its ETag. */
export function tagged<Body extends { generation: number }>(body: Body): { status: number; body: Body; etag: string } {
  return { status: 200, body, etag: formatEtag(body.generation) };
}
