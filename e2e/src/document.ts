import { availableParallelism, loadavg, totalmem } from "node:os";

/** A Markdown table, padded as the formatter wants it; the first column is text, the others are values. */
export function buildTable(head: string[], rows: string[][]): string {
  const widths = head.map((_, column) => Math.max(4, ...[head, ...rows].map((row) => (row[column] ?? "").length)));
  const pad = (row: string[]): string =>
    `| ${widths.map((width, column) => (column === 0 ? (row[column] ?? "").padEnd(width) : (row[column] ?? "").padStart(width))).join(" | ")} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [pad(head), rule, ...rows.map(pad)].join("\n");
}

/**
 * Puts a report between its markers, `<!-- NAME -->` and `<!-- /NAME -->`.
 *
 * @throws Error when the document has no such markers
 */
export function replaceSection(document: string, name: string, report: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const start = document.indexOf(open);
  const end = document.indexOf(close);
  if (start === -1 || end < start)
    throw new Error(`the document has no place for ${name}: put ${open} and ${close} where it belongs`);
  return `${document.slice(0, start)}${open}\n\n${report}\n\n${document.slice(end)}`;
}

/** How busy the machine is: processes that wanted to run, averaged over the last minute. */
export const readLoad = (): number => loadavg()[0] ?? Number.NaN;

/** The day and the machine, as far as they are worth knowing: nothing that names the machine. @param sharing what its cores are for; @param loadBefore what `readLoad` said before */
export function describeMachine(sharing: string, loadBefore: number): string {
  return (
    `${new Date().toISOString().slice(0, 10)}; ${availableParallelism()} cores for everything (${sharing}), ` +
    `${Math.round(totalmem() / 2 ** 30)} GiB of memory, ${process.platform} ${process.arch}, load ${loadBefore.toFixed(1)} before. Node ${process.version}.`
  );
}
