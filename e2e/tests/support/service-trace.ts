import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { connectDatabase, type Database, openSecret, type SealBinding } from "@pilothouse/core";
import { parse } from "yaml";
import { z } from "zod";
import type { Service } from "../../src/service.ts";
import type { Secret } from "./secret-search.ts";

/** What a client and a service said to each other, and the secrets that the client named. */
export interface RestTrace {
  /** Sends requests, and keeps them. */
  fetch: typeof fetch;
  /** Answers by `METHOD path`, headers included, each once. */
  answers: Map<string, Set<string>>;
  apiKeys: Set<string>;
  kubeconfigs: Set<string>;
}

const KubeconfigBodySchema = z.object({ kubeconfig: z.string() });

/** Begins to keep what is sent over REST. Streams of events are kept as far as they are read. */
export function traceRest(): RestTrace {
  const trace: Omit<RestTrace, "fetch"> = { answers: new Map(), apiKeys: new Set(), kubeconfigs: new Set() };
  const keep = (label: string, text: string): void => {
    const texts = trace.answers.get(label) ?? new Set();
    trace.answers.set(label, texts.add(text));
  };
  return {
    ...trace,
    fetch: async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input);
      const label = `${init?.method ?? "GET"} ${url.pathname}`;
      const apiKey = /^Bearer (.+)$/.exec(new Headers(init?.headers).get("authorization") ?? "")?.[1];
      if (apiKey !== undefined) trace.apiKeys.add(apiKey);
      if (typeof init?.body === "string") {
        const body = KubeconfigBodySchema.safeParse(JSON.parse(init.body));
        if (body.success) trace.kubeconfigs.add(body.data.kubeconfig);
      }
      const response = await fetch(input, init);
      keep(label, JSON.stringify([...response.headers]));
      if (response.headers.get("content-type")?.startsWith("text/event-stream") !== true || response.body === null) {
        keep(label, await response.clone().text());
        return response;
      }
      const decoder = new TextDecoder();
      const kept = new TransformStream<Uint8Array, Uint8Array>({
        transform(piece, controller) {
          keep(label, decoder.decode(piece, { stream: true }));
          controller.enqueue(piece);
        },
      });
      return new Response(response.body.pipeThrough(kept), response);
    },
  };
}

/** Looks at a service's database as its superuser, for whom no row is hidden. */
export interface DatabaseTrace {
  database: Database;
  close: () => Promise<void>;
}

/**
 * Has the database keep a copy of every row that is written from now on, the queue's too: what was there for a second counts as well. With
 * `statements` its log gets every statement with its parameters.
 */
export async function traceDatabase(service: Service, { statements }: { statements: boolean }): Promise<DatabaseTrace> {
  const database = connectDatabase(service.databaseUrls.migrator, 2);
  const run = (text: string): Promise<unknown> => database.$executeRawUnsafe(text);
  await run("CREATE SCHEMA trace");
  await run("CREATE TABLE trace.rows (source text, content jsonb)");
  await run(`CREATE FUNCTION trace.keep_row() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    INSERT INTO trace.rows VALUES (TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, to_jsonb(NEW)); RETURN NULL; END $$`);
  await run(`DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'bullmq') LOOP
      EXECUTE format('CREATE TRIGGER zz_trace AFTER INSERT OR UPDATE ON %I.%I FOR EACH ROW EXECUTE FUNCTION trace.keep_row()', one.schemaname, one.tablename);
    END LOOP; END $$`);
  if (statements) {
    await run("ALTER SYSTEM SET log_statement = 'all'");
    await database.$queryRawUnsafe("SELECT pg_reload_conf()::text");
  }
  return { database, close: () => database.$disconnect() };
}

/** A text, and where it was found. */
export interface Place {
  place: string;
  text: string;
}

/** Every row of every table of every schema, and every row that was ever written since `traceDatabase`. */
export async function dumpDatabase({ database }: DatabaseTrace): Promise<Place[]> {
  const tables = await database.$queryRawUnsafe<{ name: string }[]>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND n.nspname <> 'trace' ORDER BY 1`,
  );
  const places: Place[] = [];
  for (const { name } of tables) {
    const rows = await database.$queryRawUnsafe<{ text: string | null }[]>(
      `SELECT string_agg(t::text, E'\\n') AS text FROM ${name} t`,
    );
    places.push({ place: `table ${name}`, text: rows[0]?.text ?? "" });
  }
  const written = await database.$queryRawUnsafe<{ source: string; text: string }[]>(
    "SELECT source, string_agg(DISTINCT content::text, E'\\n') AS text FROM trace.rows GROUP BY source ORDER BY source",
  );
  return [...places, ...written.map(({ source, text }) => ({ place: `rows of ${source}`, text }))];
}

/** All files in a folder. */
export async function readLogs(folder: string): Promise<Place[]> {
  const names = await readdir(folder);
  return Promise.all(
    names.map(async (name) => ({ place: `log ${name}`, text: await readFile(join(folder, name), "utf8") })),
  );
}

const KubeconfigSchema = z.object({
  users: z.array(z.object({ user: z.record(z.string(), z.unknown()) })).default([]),
});

/** A secret, and what it is one of. */
export interface KnownSecret extends Secret {
  kind: string;
}

/** A kubeconfig whole, and each of its credentials; a private key also by the lines of its PEM, however they are put together. */
function listKubeconfigSecrets(name: string, text: string): KnownSecret[] {
  const secrets: KnownSecret[] = [{ kind: "kubeconfig", name, value: text }];
  for (const { user } of KubeconfigSchema.parse(parse(text)).users) {
    for (const kind of ["token", "password", "client-key-data"]) {
      const value = user[kind];
      if (typeof value !== "string") continue;
      secrets.push({ kind, name: `${kind} of ${name}`, value });
      if (kind !== "client-key-data") continue;
      const lines = Buffer.from(value, "base64").toString("utf8").split("\n");
      for (const line of lines.filter((one) => one !== "" && !one.startsWith("-----")))
        secrets.push({ kind: "client key", name: `client key of ${name}`, value: line });
    }
  }
  return secrets;
}

const KeyFileSchema = z.object({ privateKey: z.base64() });
const TokenSchema = z.object({ token: z.string() });

interface SealedRow {
  id: string;
  tenant_id: string | null;
  purpose: SealBinding["purpose"];
  object_kind: string;
  object_id: string;
  key_id: string;
  ciphertext: string;
}

/**
 * Every secret that was in play: of requests, of everything that was ever sealed, which is opened here with the workers' private keys, those
 * keys, and the database's passwords.
 */
export async function gatherSecrets(
  service: Service,
  rest: RestTrace,
  { database }: DatabaseTrace,
): Promise<KnownSecret[]> {
  const secrets: KnownSecret[] = [];
  for (const [index, key] of [...rest.apiKeys].entries())
    secrets.push({ kind: "API key", name: `API key ${index}`, value: key });
  for (const [index, text] of [...rest.kubeconfigs].entries())
    secrets.push(...listKubeconfigSecrets(`kubeconfig ${index}`, text));
  for (const [role, url] of Object.entries(service.databaseUrls))
    secrets.push({
      kind: "database password",
      name: `password of ${role}`,
      value: decodeURIComponent(new URL(url).password),
    });
  const folder = join(service.home, "sealing-keys");
  const keys = new Map<string, Buffer>();
  for (const file of await readdir(folder)) {
    const { privateKey } = KeyFileSchema.parse(JSON.parse(await readFile(join(folder, file), "utf8")));
    keys.set(file.replace(/\.key$/, ""), Buffer.from(privateKey, "base64"));
    secrets.push({
      kind: "sealing key",
      name: `private sealing key ${file}`,
      value: Buffer.from(privateKey, "base64"),
    });
  }
  // What was sealed before rows were kept is still there, and the other way round.
  const rows = await database.$queryRawUnsafe<SealedRow[]>(
    `SELECT DISTINCT r.* FROM (SELECT content FROM trace.rows WHERE source = 'public.sealed_secrets' UNION ALL SELECT to_jsonb(s) FROM sealed_secrets s) found,
       jsonb_to_record(content) AS r(id text, tenant_id text, purpose text, object_kind text, object_id text, key_id text, ciphertext text)`,
  );
  for (const row of rows) {
    const { id, tenant_id: tenantId, purpose, object_kind: objectKind, object_id: objectId } = row;
    const key = keys.get(row.key_id);
    if (key === undefined) throw new Error(`sealed secret ${id} is sealed to a key that no worker has`);
    const ciphertext = Buffer.from(row.ciphertext.replace(/^\\x/, ""), "hex");
    const text = await openSecret(key, { id, tenantId, purpose, objectKind, objectId }, ciphertext);
    const name = `${purpose} of ${objectKind} ${objectId} (${id})`;
    if (purpose === "cluster-token")
      secrets.push({ kind: "cluster token", name, value: TokenSchema.parse(JSON.parse(text)).token });
    else secrets.push(...listKubeconfigSecrets(name, text));
  }
  return secrets;
}
