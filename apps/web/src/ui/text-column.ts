import type { Column } from "./data-table.tsx";

/** A column of plain text: what is shown, searched and sorted by is the same. */
export function textColumn<Row>(
  id: string,
  header: string,
  text: (row: Row) => string | null,
  room?: "wide" | "widest",
): Column<Row> {
  return {
    id,
    header,
    cell: (row) => text(row) ?? "—",
    text: (row) => text(row) ?? "",
    sortBy: (row) => text(row) ?? "",
    ...(room === undefined ? {} : { room }),
  };
}
