interface Range {
  type: string;
  quality: number;
}

/** How much an Accept header wants a media type, from 0 (not at all) to 1. Without the header everything is welcome (RFC 9110, 12.5.1). */
export function qualityOf(accept: string | null, mediaType: string): number {
  if (accept === null || accept.trim() === "") return 1;
  const [group = ""] = mediaType.split("/");
  const ranges = accept.split(",").map(readRange);
  for (const type of [mediaType, `${group}/*`, "*/*"]) {
    const found = ranges.find((range) => range.type === type);
    if (found !== undefined) return found.quality;
  }
  return 0;
}

/** Tells whether an event stream is asked for by name, and at least as much as JSON. */
export function wantsEventStream(accept: string | null): boolean {
  if (accept?.toLowerCase().includes("text/event-stream") !== true) return false;
  const quality = qualityOf(accept, "text/event-stream");
  const rival = /application\/(json|\*)/i.test(accept) ? qualityOf(accept, "application/json") : 0;
  return quality > 0 && quality >= rival;
}

function readRange(text: string): Range {
  const [type = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const quality = Number(parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? 1);
  return { type, quality: Number.isFinite(quality) ? Math.min(Math.max(quality, 0), 1) : 0 };
}
