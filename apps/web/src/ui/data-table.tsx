"use client";
import {
  type ColumnDef,
  createSortedRowModel,
  rowSortingFeature,
  type SortingState,
  tableFeatures,
  useTable,
} from "@tanstack/react-table";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp, Search } from "lucide-react";
import { type ReactNode, useLayoutEffect, useMemo, useRef, useState } from "react";
import { matchesSearch, parseSearch } from "#client/search-query.ts";
import { useAddressParameter } from "#client/use-address.ts";
import styles from "./data-table.module.css";

/** A column: what is shown, and what it is searched and sorted by. */
export interface Column<Row> {
  /** Name in `name:value`, and of the parameter in the address. */
  id: string;
  header: string;
  cell: (row: Row) => ReactNode;
  /** What is searched; without it the column is not. */
  text?: (row: Row) => string;
  /** What is sorted by; without it the column is not. */
  sortBy?: (row: Row) => string | number;
  /** Left out where there is little room: `wide` below a tablet, `widest` below a desktop. */
  room?: "wide" | "widest";
  align?: "end";
  /** Under the cell where the columns for it are left out, on a phone. */
  note?: (row: Row) => ReactNode;
}

interface DataTableProps<Row> {
  /** What the rows are, for those who listen. */
  label: string;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  rowId: (row: Row) => string;
  /** In place of a table without rows, when nothing is searched for. */
  empty: ReactNode;
  /** More rows are still being read. */
  isReading?: boolean;
  /** Sets the parameters in the address apart where a page has several tables. */
  name?: string;
  /** Under the table: that there are more rows, and how to get them. */
  after?: ReactNode;
}

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel() });
/** Until a row has been measured, in CSS pixels. */
const usualRowHeight = 45;
/** Up to here all rows are in the page; beyond, only those that are seen. */
const mostAtOnce = 80;
/** Fields that the empty search names as examples. */
const mostNamed = 3;

const readSorting = (text: string): SortingState =>
  text === "" ? [] : [{ id: text.replace(/^-/, ""), desc: text.startsWith("-") }];

const writeSorting = ([first]: SortingState): string =>
  first === undefined ? "" : `${first.desc ? "-" : ""}${first.id}`;

const compareValues = (a: string | number, b: string | number): number =>
  typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });

/** Rows that can be searched, filtered and sorted; search and order are in the address. Thousands of rows scroll smoothly. */
export function DataTable<Row extends object>(props: DataTableProps<Row>): ReactNode {
  const { label, rows, columns, rowId, empty, isReading = false, name, after } = props;
  const prefix = name === undefined ? "" : `${name}-`;
  const [search, setSearch] = useAddressParameter(`${prefix}q`);
  const [order, setOrder] = useAddressParameter(`${prefix}sort`);
  const searched = useMemo(() => columns.filter(({ text }) => text !== undefined), [columns]);
  const query = useMemo(
    () =>
      parseSearch(
        search,
        searched.map(({ id }) => id),
      ),
    [search, searched],
  );
  const found = useMemo(
    () =>
      rows.filter((row) =>
        matchesSearch(query, Object.fromEntries(searched.map(({ id, text }) => [id, text?.(row) ?? ""]))),
      ),
    [rows, query, searched],
  );
  // What is sorted by may come from an old link.
  const sorting = readSorting(order).filter(({ id }) =>
    columns.some((one) => one.id === id && one.sortBy !== undefined),
  );
  const definitions = useMemo(
    () =>
      columns.map(({ id, header, sortBy }): ColumnDef<typeof features, Row> => ({
        id,
        header,
        accessorFn: (row) => sortBy?.(row) ?? "",
        enableSorting: sortBy !== undefined,
        sortDescFirst: false,
        sortFn: (a, b) => compareValues(sortBy?.(a.original) ?? "", sortBy?.(b.original) ?? ""),
      })),
    [columns],
  );
  const table = useTable({
    features,
    columns: definitions,
    data: found,
    getRowId: rowId,
    state: { sorting },
    onSortingChange: (change) => {
      const next = typeof change === "function" ? change(sorting) : change;
      setOrder(writeSorting(next));
    },
  });
  const shown = table.getRowModel().rows;
  if (rows.length === 0 && !isReading) return empty;
  return (
    <div className={styles["table"]}>
      <div className={styles["tools"]}>
        <div className={styles["finder"]}>
          <Search aria-hidden="true" />
          <input
            type="search"
            data-page-search
            className={styles["search"]}
            aria-label={`Search ${label}`}
            placeholder={`Search, or ${searched
              .slice(0, mostNamed)
              .map(({ id }) => `${id}:…`)
              .join(" ")}`}
            value={search}
            onChange={(event) => setSearch(event.target.value)}
          />
        </div>
        <span className={styles["count"]} role="status">
          {found.length === rows.length ? `${rows.length}` : `${found.length} of ${rows.length}`}{" "}
          {rows.length === 1 ? label.replace(/s$/, "") : label}
          {isReading ? ", reading more…" : ""}
        </span>
      </div>
      {query.unknown.length === 0 ? null : (
        <p className={styles["unknown"]} role="status">
          No field is called {query.unknown.join(" or ")}: it is searched for as a word. Fields are{" "}
          {searched.map(({ id }) => id).join(", ")}.
        </p>
      )}
      <div className={styles["frame"]}>
        <table aria-label={label} aria-rowcount={found.length + 1}>
          <thead>
            {table.getHeaderGroups().map((group) => (
              <tr key={group.id} aria-rowindex={1}>
                {group.headers.map((header, index) => {
                  const column = columns[index];
                  const sorted = header.column.getIsSorted();
                  return (
                    <th
                      key={header.id}
                      scope="col"
                      className={classOf(column)}
                      aria-sort={sorted === false ? undefined : sorted === "asc" ? "ascending" : "descending"}
                    >
                      {header.column.getCanSort() ? (
                        <button type="button" onClick={header.column.getToggleSortingHandler()}>
                          {column?.header}
                          {sorted === false ? null : sorted === "asc" ? (
                            <ArrowUp aria-hidden="true" />
                          ) : (
                            <ArrowDown aria-hidden="true" />
                          )}
                        </button>
                      ) : (
                        column?.header
                      )}
                    </th>
                  );
                })}
              </tr>
            ))}
          </thead>
          <Body ids={shown.map(({ id }) => id)} rows={shown.map(({ original }) => original)} columns={columns} />
        </table>
        {shown.length === 0 ? (
          <p className={styles["none"]}>Nothing fits “{search}”. Search for less, or clear the search.</p>
        ) : null}
        {after}
      </div>
    </div>
  );
}

function classOf<Row>(column: Column<Row> | undefined): string {
  return [column?.room === undefined ? "" : styles[column.room], column?.align === "end" ? styles["end"] : ""].join(
    " ",
  );
}

/** The rows that are seen, with room above and below for the others. */
function Body<Row extends object>({
  ids,
  rows,
  columns,
}: {
  ids: readonly string[];
  rows: readonly Row[];
  columns: readonly Column<Row>[];
}): ReactNode {
  const body = useRef<HTMLTableSectionElement>(null);
  const cellsOf = useMemo(() => createCells(columns), [columns]);
  const [scrollMargin, setScrollMargin] = useState(0);
  const [rowHeight, setRowHeight] = useState(usualRowHeight);
  const isLong = rows.length > mostAtOnce;
  useLayoutEffect(() => {
    const top = body.current?.getBoundingClientRect().top ?? 0;
    setScrollMargin(top + globalThis.scrollY);
    setRowHeight(body.current?.querySelector("[data-row]")?.getBoundingClientRect().height ?? usualRowHeight);
  }, [isLong]);
  const virtualizer = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => rowHeight,
    overscan: 12,
    scrollMargin,
    enabled: isLong,
  });
  const seen = isLong ? virtualizer.getVirtualItems() : rows.map((_, index) => ({ index, start: 0, end: 0 }));
  const above = isLong ? Math.max(0, (seen[0]?.start ?? scrollMargin) - scrollMargin) : 0;
  const below = isLong
    ? Math.max(0, virtualizer.getTotalSize() - ((seen.at(-1)?.end ?? scrollMargin) - scrollMargin))
    : 0;
  return (
    <tbody ref={body}>
      {above > 0 ? <Room height={above} columns={columns.length} /> : null}
      {seen.map(({ index }) => {
        const row = rows[index];
        if (row === undefined) return null;
        return (
          <tr
            key={ids[index]}
            aria-rowindex={index + 2}
            data-row={ids[index]}
            data-index={index}
            ref={isLong ? virtualizer.measureElement : undefined}
          >
            {cellsOf(row)}
          </tr>
        );
      })}
      {below > 0 ? <Room height={below} columns={columns.length} /> : null}
    </tbody>
  );
}

/** Makes the cells of rows, and of each row once: where one of many changes, React has nothing to do for the others. */
function createCells<Row extends object>(columns: readonly Column<Row>[]): (row: Row) => ReactNode {
  const made = new WeakMap<Row, ReactNode>();
  return (row) => {
    const known = made.get(row);
    if (known !== undefined) return known;
    const cells = columns.map((column) => (
      <td key={column.id} className={classOf(column)}>
        {column.cell(row)}
        {column.note === undefined ? null : <span className={styles["note"]}>{column.note(row)}</span>}
      </td>
    ));
    made.set(row, cells);
    return cells;
  };
}

function Room({ height, columns }: { height: number; columns: number }): ReactNode {
  return (
    <tr aria-hidden="true" className={styles["room"]}>
      <td colSpan={columns} style={{ height }} />
    </tr>
  );
}
