/** One message of a stream of server-sent events. */
export interface StreamMessage {
  /** Last id that the stream named, also in an earlier message; "" when none. */
  id: string;
  /** `message` when the stream named none. */
  type: string;
  data: string;
}

/** What a piece of a stream brought. */
export interface StreamProgress {
  messages: StreamMessage[];
  /** Where to resume: the last id named, "" when none. */
  lastEventId: string;
  /** Milliseconds to wait before connecting again, when the stream said so. */
  retryMs: number | undefined;
}

/**
 * Reads server-sent events from text that comes in pieces, as the HTML standard says (section 9.2.6). A message that is cut off at the end is
 * never delivered.
 * @param lastEventId where the stream was resumed
 */
export function createStreamParser(lastEventId = ""): (piece: string) => StreamProgress {
  let rest = "";
  let isFirst = true;
  let id = lastEventId;
  let retryMs: number | undefined;
  let type = "";
  let data: string[] = [];
  const readLine = (line: string, messages: StreamMessage[]) => {
    if (line === "") {
      lastEventId = id;
      if (data.length > 0) messages.push({ id, type: type === "" ? "message" : type, data: data.join("\n") });
      type = "";
      data = [];
      return;
    }
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") data.push(value);
    else if (field === "event") type = value;
    else if (field === "id" && !value.includes("\0")) id = value;
    else if (field === "retry" && /^[0-9]+$/.test(value)) retryMs = Number(value);
  };
  return (piece) => {
    const messages: StreamMessage[] = [];
    rest += isFirst ? piece.replace(/^\uFEFF/, "") : piece;
    if (piece !== "") isFirst = false;
    for (;;) {
      // A carriage return at the very end may be half of a line's end.
      const end = /\r\n|\n|\r(?!$)/.exec(rest);
      if (end === null) return { messages, lastEventId, retryMs };
      const line = rest.slice(0, end.index);
      rest = rest.slice(end.index + end[0].length);
      readLine(line, messages);
    }
  };
}
