import { expect, test } from "vitest";
import { parseMetrics } from "./parse-metrics.ts";

const text = `# HELP pilot_xds Number of endpoints connected to this pilot using XDS.
# TYPE pilot_xds gauge
pilot_xds{version="1.32-dev"} 12
pilot_xds{otel_scope_name="a, b=\\"c\\"",version="x\\\\y\\nz"} 3 1395066363000
pilot_xds_pushes{type="cds"} 77
process_resident_memory_bytes 1.1220992e+08
process_cpu_seconds_total NaN
pilot_xds{broken 4
`;

test("only what is wanted is read, with labels as they are meant", () => {
  expect(
    parseMetrics(text, new Set(["pilot_xds", "process_resident_memory_bytes", "process_cpu_seconds_total"])),
  ).toEqual([
    { name: "pilot_xds", labels: { version: "1.32-dev" }, value: 12 },
    { name: "pilot_xds", labels: { otel_scope_name: 'a, b="c"', version: "x\\y\nz" }, value: 3 },
    { name: "process_resident_memory_bytes", labels: {}, value: 112_209_920 },
  ]);
  expect(parseMetrics(text, new Set())).toEqual([]);
  expect(parseMetrics("", new Set(["pilot_xds"]))).toEqual([]);
});
