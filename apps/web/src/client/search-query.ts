/** What is searched for: words that occur anywhere, and fields that have a value. */
export interface SearchQuery {
  words: string[];
  fields: { name: string; value: string }[];
  /** What was asked for as a field and is none. */
  unknown: string[];
}

/** Reads `shop line:1.32 phase:ready`. Names that no field has are searched for as words, since values have colons, too. */
export function parseSearch(text: string, fieldNames: readonly string[]): SearchQuery {
  const query: SearchQuery = { words: [], fields: [], unknown: [] };
  for (const part of text.toLowerCase().split(/\s+/).filter(Boolean)) {
    const [, name = "", value = ""] = /^([a-z-]+):(.+)$/.exec(part) ?? [];
    if (fieldNames.includes(name)) query.fields.push({ name, value });
    else {
      query.words.push(part);
      if (name !== "") query.unknown.push(name);
    }
  }
  return query;
}

/** Whether a row fits: each word occurs in one of its fields, and of each field asked for one word begins with its value. */
export function matchesSearch(query: SearchQuery, row: Readonly<Record<string, string>>): boolean {
  const values = Object.values(row).map((value) => value.toLowerCase());
  return (
    query.words.every((word) => values.some((value) => value.includes(word))) &&
    query.fields.every(({ name, value }) => ` ${(row[name] ?? "").toLowerCase()}`.includes(` ${value}`))
  );
}
