import { operations } from "@pilothouse/contract";
import { summarizeValues, type Summary } from "../bench/statistics.ts";
import type { LoadTenant } from "./populate.ts";

/** Times of one kind of request, in milliseconds. */
export interface ListTimes extends Summary {
  name: string;
  requests: number;
}

const warmUps = 30;
/** A person or a program asks now and then, not without a break. In milliseconds. */
const pauseMs = 50;

/** Lists control planes over and over: single pages of two sizes, and all pages of a tenant by their cursors. */
export async function measureLists(
  { name, client }: LoadTenant,
  requests: number,
  pause: (ms: number) => Promise<void>,
): Promise<ListTimes[]> {
  const params = { tenant: name };
  const listPage = async (limit: number, cursor?: string): Promise<{ ms: number; next: string | null }> => {
    const startMs = performance.now();
    const query = { limit, ...(cursor === undefined ? {} : { cursor }) };
    const { body } = await client.call(operations.listControlPlanes, { params, query });
    const ms = performance.now() - startMs;
    if (body.items.length === 0) throw new Error("a page of control planes is empty");
    return { ms, next: body.nextCursor };
  };
  const measureSingle = async (limit: number): Promise<ListTimes> => {
    for (let count = 0; count < warmUps; count += 1) await listPage(limit);
    const times: number[] = [];
    for (let count = 0; count < requests; count += 1) {
      times.push((await listPage(limit)).ms);
      await pause(pauseMs);
    }
    return { name: `first page of ${limit}`, requests, ...summarizeValues(times) };
  };
  const measureCursors = async (limit: number): Promise<ListTimes> => {
    const times: number[] = [];
    let cursor: string | undefined;
    while (times.length < requests) {
      const { ms, next } = await listPage(limit, cursor);
      times.push(ms);
      cursor = next ?? undefined;
      await pause(pauseMs);
    }
    return { name: `pages of ${limit} by cursor`, requests, ...summarizeValues(times) };
  };
  return [await measureSingle(50), await measureSingle(100), await measureCursors(100)];
}
