/** One line of Prometheus' text format. */
export interface MetricSample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const linePattern = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*$/;
const labelPattern = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

/**
 * Reads samples out of Prometheus' text format, version 0.0.4. Lines that are none, and values that are no finite numbers, are passed over.
 * @param wanted names of metrics to read; all others are not even looked into
 */
export function parseMetrics(text: string, wanted: ReadonlySet<string>): MetricSample[] {
  const samples: MetricSample[] = [];
  for (const line of text.split("\n")) {
    const end = line.search(/[{\s]/);
    if (end < 1 || !wanted.has(line.slice(0, end))) continue;
    const [, name, labels = "", number] = linePattern.exec(line) ?? [];
    const value = Number(number);
    if (name === undefined || !Number.isFinite(value)) continue;
    samples.push({ name, labels: readLabels(labels), value });
  }
  return samples;
}

const escapes: Readonly<Record<string, string>> = { "\\n": "\n", '\\"': '"', "\\\\": "\\" };

function readLabels(text: string): Record<string, string> {
  const labels = [...text.matchAll(labelPattern)];
  return Object.fromEntries(
    labels.map(([, name = "", value = ""]) => [name, value.replaceAll(/\\./g, (pair) => escapes[pair] ?? pair)]),
  );
}
