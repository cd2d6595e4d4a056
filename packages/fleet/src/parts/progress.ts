import { MultiBar, Presets } from "cli-progress";
import type { Options, Params, SingleBar } from "cli-progress";
import type { PartEvent, PartListener } from "./part-events.ts";

/** Shows the getting of parts to a person. */
export interface PartsProgress {
  listener: PartListener;
  /** Ends the display and its timer; call it in any case. */
  close: () => void;
}

/** A part on its way, as last heard of. */
interface Progress {
  version: string;
  startMs: number;
  step: string;
  done?: number;
  total?: number;
}

const heartbeatMs = 30_000;

/**
 * A display on a stream: one bar for each part on its way in a terminal, else plain lines for starts, ends and, every
 * 30 s, what goes on.
 */
export function createProgress(options: {
  stream: NodeJS.WritableStream & { isTTY?: boolean };
  now?: () => number;
}): PartsProgress {
  const { stream, now = () => performance.now() } = options;
  return stream.isTTY === true
    ? createBars(stream, now)
    : createLines((line) => {
        stream.write(`${line}\n`);
      }, now);
}

/** Keeps what is on its way up to date, and answers the line that an event deserves, if any. */
function trackEvent(active: Map<string, Progress>, event: PartEvent, nowMs: number): string | undefined {
  switch (event.type) {
    case "planned": {
      const ready = event.parts.filter((part) => part.isReady).length;
      const missing = event.parts.length - ready;
      return missing === 0 ? undefined : `Parts: ${ready} ready, ${missing} to get.`;
    }
    case "started":
      active.set(event.part, { version: event.version, startMs: nowMs, step: "starting" });
      return undefined;
    case "advanced": {
      const { part, type: _, ...step } = event;
      const known = active.get(part);
      if (known !== undefined) active.set(part, { version: known.version, startMs: known.startMs, ...step });
      return undefined;
    }
    case "finished": {
      active.delete(event.part);
      const notes = event.notes.map((note) => ` (${note})`).join("");
      return `${event.part} ${event.version}: ready after ${formatDuration(event.elapsedMs)}${notes}`;
    }
    case "failed":
      active.delete(event.part);
      return `${event.part}: failed: ${event.message}`;
  }
}

function createLines(write: (line: string) => void, now: () => number): PartsProgress {
  const active = new Map<string, Progress>();
  const timer = setInterval(() => {
    for (const line of describeActive(active, now())) write(line);
  }, heartbeatMs);
  timer.unref();
  return {
    listener: (event) => {
      const line = trackEvent(active, event, now());
      if (event.type === "started") write(`${event.part} ${event.version}: started`);
      if (line !== undefined) write(line);
    },
    close: () => clearInterval(timer),
  };
}

/** One line for each step that goes on; parts that are made together share theirs. */
function describeActive(active: ReadonlyMap<string, Progress>, nowMs: number): string[] {
  const lines = new Map<string, string[]>();
  for (const [part, progress] of active) {
    const text = `${describeStep(progress)}, ${formatDuration(nowMs - progress.startMs)} so far`;
    lines.set(text, [...(lines.get(text) ?? []), part]);
  }
  return [...lines].map(([text, parts]) => `${parts.join(", ")}: ${text}`);
}

function describeStep({ step, done, total }: Progress): string {
  return done === undefined || total === undefined ? step : `${step}, ${done} of ${total}`;
}

function createBars(stream: NodeJS.WritableStream, now: () => number): PartsProgress {
  const active = new Map<string, Progress>();
  const bars = new Map<string, SingleBar>();
  const format = (_: Options, __: Params, payload: unknown): string => {
    const part = readPart(payload);
    const progress = active.get(part);
    return progress === undefined ? part : formatBar(part, progress, now());
  };
  const display = new MultiBar(
    {
      stream,
      format,
      fps: 5,
      // The caller handles signals; a listener here would keep the process alive after Ctrl-C.
      gracefulExit: false,
      hideCursor: true,
      linewrap: false,
      clearOnComplete: true,
      emptyOnZero: true,
    },
    Presets.shades_grey,
  );
  return {
    listener: (event) => {
      const line = trackEvent(active, event, now());
      if (event.type === "started") bars.set(event.part, display.create(1, 0, { part: event.part }));
      if (event.type === "finished" || event.type === "failed") {
        const bar = bars.get(event.part);
        if (bar !== undefined) display.remove(bar);
        bars.delete(event.part);
      }
      if (line !== undefined) display.log(`${line}\n`);
      if (bars.size === 0) display.update();
    },
    close: () => display.stop(),
  };
}

function readPart(payload: unknown): string {
  const hasPart = typeof payload === "object" && payload !== null && "part" in payload;
  return hasPart && typeof payload.part === "string" ? payload.part : "";
}

const barWidth = 24;

/** A bar as text: name, bar where something can be counted, step, time. */
function formatBar(part: string, progress: Progress, nowMs: number): string {
  const { done, total } = progress;
  const isCounted = done !== undefined && total !== undefined && total > 0;
  const filled = isCounted ? Math.floor((done / total) * barWidth) : 0;
  const bar = isCounted ? "█".repeat(filled) + "░".repeat(barWidth - filled) : "·".repeat(barWidth);
  const time = formatDuration(nowMs - progress.startMs).padStart(11);
  return `${part.padEnd(24)} ${bar} ${time}  ${describeStep(progress)}`;
}

/** A duration for people: 0.8 s, 51 s, 3 min 20 s. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 9_950) return `${(durationMs / 1000).toFixed(1)} s`;
  const seconds = Math.round(durationMs / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
