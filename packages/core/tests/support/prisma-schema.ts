/** A model as its table is to be. */
export interface SchemaModel {
  table: string;
  /** `<name> <type>[ NOT NULL]`, with types as information_schema names them. */
  columns: string[];
  /** `primary (<columns>)` and `unique (<columns>)`. */
  keys: string[];
}

const plainTypes: Readonly<Record<string, string>> = {
  String: "text",
  Int: "integer",
  BigInt: "bigint",
  Boolean: "boolean",
  Float: "double precision",
  Json: "jsonb",
  Bytes: "bytea",
};
const nativeTypes: Readonly<Record<string, string>> = {
  Uuid: "uuid",
  Timestamptz: "timestamp with time zone",
  Date: "date",
  Json: "json",
};

/** Reads the models of a Prisma schema, as far as this repository's goes. Relations are left out: they are no columns. */
export function readSchemaModels(schema: string): SchemaModel[] {
  return [...schema.matchAll(/^model \w+ \{\n([\s\S]*?)^\}/gm)].map(([, body = ""]) => readModel(body));
}

function readModel(body: string): SchemaModel {
  const lines = body.split("\n").map((line) => line.trim());
  const table = /@@map\("(\w+)"\)/.exec(body)?.[1] ?? "";
  const names = new Map<string, string>();
  const columns: string[] = [];
  const keys: string[] = [];
  for (const line of lines) {
    const [, field = "", type = "", mark = "", attributes = ""] = /^(\w+)\s+(\w+)(\[\]|\?)?(.*)$/.exec(line) ?? [];
    const native = /@db\.(\w+)/.exec(attributes)?.[1];
    const column = native === undefined ? plainTypes[type] : nativeTypes[native];
    if (column === undefined) continue;
    const name = /@map\("(\w+)"\)/.exec(attributes)?.[1] ?? field;
    names.set(field, name);
    // Prisma's lists are columns that may be null.
    columns.push(`${name} ${column}${mark === "[]" ? "[]" : ""}${mark === "" ? " NOT NULL" : ""}`);
    if (/@id\b/.test(attributes)) keys.push(`primary (${name})`);
    if (/@unique\b/.test(attributes)) keys.push(`unique (${name})`);
  }
  for (const [, kind, fields = ""] of body.matchAll(/@@(id|unique)\(\[([^\]]+)\]\)/g)) {
    const list = fields.split(",").map((field) => names.get(field.trim()) ?? field.trim());
    keys.push(`${kind === "id" ? "primary" : "unique"} (${list.join(", ")})`);
  }
  return { table, columns, keys };
}
