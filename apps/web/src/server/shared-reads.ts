import type { NoticeBatch } from "./event-stream.ts";

/** Reads events once for all streams that ask for the same at the same time. */
export interface SharedReads {
  /**
   * @param source whose events
   * @param position behind which they are read
   * @param read is called by the first who asks
   */
  read: (source: string, position: string, read: () => Promise<NoticeBatch>) => Promise<NoticeBatch>;
}

/**
 * One notification wakes all streams of a tenant, and most of them stand at the same event. Who asks after the others have begun to wait for the database
 * reads for itself: what it was woken by may not be in what they get.
 */
export function createSharedReads(): SharedReads {
  const begun = new Map<string, Promise<NoticeBatch>>();
  return {
    read(source, position, read) {
      const key = `${source} ${position}`;
      const known = begun.get(key);
      if (known !== undefined) return known;
      const reading = read();
      begun.set(key, reading);
      setImmediate(() => begun.delete(key));
      return reading;
    },
  };
}
