"use client";
import type { ReactNode } from "react";
import type { CollectionState } from "#client/collection.ts";
import { Card } from "./card.tsx";
import { type Column, DataTable } from "./data-table.tsx";
import { Failure } from "./failure.tsx";
import { Skeleton } from "./skeleton.tsx";

/** A whole list as a table, as far as it has come. It is only said to be empty when all of it has been read. */
export function CollectionTable<Row extends { id: string }>({
  collection: { items, isReading, isWhole, error, readAgain },
  label,
  columns,
  empty,
}: {
  collection: CollectionState<Row>;
  /** What the rows are. */
  label: string;
  columns: readonly Column<Row>[];
  /** In place of a table without rows. */
  empty: ReactNode;
}): ReactNode {
  return (
    <>
      {error === null ? null : <Failure title={`The ${label} could not be read`} error={error} onRetry={readAgain} />}
      {items.length === 0 && isReading ? (
        <Card>
          <Skeleton label={label} lines={6} />
        </Card>
      ) : null}
      {items.length === 0 && !isWhole ? null : (
        <DataTable
          label={label}
          rows={items}
          columns={columns}
          rowId={({ id }) => id}
          isReading={isReading}
          empty={<Card>{empty}</Card>}
        />
      )}
    </>
  );
}
