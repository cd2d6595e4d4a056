const sqlState = /^[0-9A-Z]{5}$/;

/** How deep errors are nested at most: Prisma's, the adapter's, the driver's. */
const mostDepth = 5;

/** SQLSTATE of a database's error, wherever Prisma or its adapter keeps it; undefined when there is none. */
export function findDatabaseCode(error: unknown, depth = 0): string | undefined {
  if (typeof error !== "object" || error === null || depth > mostDepth) return undefined;
  for (const name of ["originalCode", "code"]) {
    const value: unknown = Reflect.get(error, name);
    // Prisma's own codes are P and four digits, which would pass for an SQLSTATE.
    if (typeof value === "string" && sqlState.test(value) && !/^P[123]\d{3}$/.test(value)) return value;
  }
  for (const name of ["meta", "driverAdapterError", "cause"]) {
    const found = findDatabaseCode(Reflect.get(error, name), depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}
