import { Client } from "pg";
import { expect, test } from "vitest";
import {
  authenticateApiKey,
  connectDatabase,
  createControlPlane,
  createRegion,
  deleteControlPlane,
  DomainError,
  getControlPlane,
  listControlPlanes,
} from "../src/index.ts";
import {
  asPlatform,
  catchRefusal,
  makeConnectedCluster,
  makeIstiodCluster,
  makeTenant,
  useGround,
} from "./support/fixture.ts";

const ground = useGround();
const order = { name: "mesh", cluster: "shop", line: "1.32", replicas: 1 };

test("a database that is not there is said to be so", async () => {
  const tenant = await makeTenant(ground());
  const database = connectDatabase("postgres://pilothouse_web:x@127.0.0.1:1/none", 2);
  expect((await catchRefusal(listControlPlanes({ ...tenant, database }, { limit: 1 }))).code).toBe("Unavailable");
  const refusal = await catchRefusal(createControlPlane({ ...tenant, database }, order));
  expect([refusal.code, refusal.message]).toEqual(["Unavailable", expect.stringContaining("Nothing was changed")]);
  expect((await catchRefusal(authenticateApiKey(database, "key"))).code).toBe("Unavailable");
  await database.$disconnect();
});

test("when connections are cut, requests say so and then go on", async () => {
  const tenant = await makeTenant(ground());
  await Promise.all(Array.from({ length: 5 }, () => listControlPlanes(tenant, { limit: 1 })));
  await ground().owner.$queryRaw`
    SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE usename = 'pilothouse_web' AND datname = current_database()`;
  const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => listControlPlanes(tenant, { limit: 1 })));
  const strange = outcomes.filter(
    (outcome) =>
      outcome.status === "rejected" &&
      !(outcome.reason instanceof DomainError && outcome.reason.code === "Unavailable"),
  );
  expect(strange).toEqual([]);
  expect((await listControlPlanes(tenant, { limit: 1 })).items).toEqual([]);
});

test("a connection that is lost while a change is committed: nobody is told that nothing was changed", async () => {
  const { owner, copy } = ground();
  // What a server that is stopped, or a network that breaks, does at the worst moment.
  await owner.$executeRaw`
    CREATE FUNCTION cut_off() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
    $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$`;
  await owner.$executeRaw`
    CREATE CONSTRAINT TRIGGER cut_off AFTER INSERT ON regions DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cut_off()`;
  const database = connectDatabase(copy.web, 1);
  const create = createRegion({ ...asPlatform(ground()), database }, { name: "cut", displayName: "C" });
  const { code, message } = await catchRefusal(create);
  expect([code, message]).toEqual(["Unavailable", expect.stringContaining("is not known")]);
  await database.$disconnect();
  await owner.$executeRaw`DROP TRIGGER cut_off ON regions`;
});

test("a change that waits for another for too long ends, with nothing changed", async () => {
  const tenant = await makeTenant(ground());
  await makeConnectedCluster(ground(), tenant);
  await makeIstiodCluster(ground());
  await createControlPlane(tenant, order);
  const other = new Client({ connectionString: ground().copy.migrator });
  await other.connect();
  await ground().owner.$executeRawUnsafe(
    `ALTER DATABASE ${new URL(ground().copy.web).pathname.slice(1)} SET lock_timeout = '200ms'`,
  );
  const impatient = connectDatabase(ground().copy.web, 1);
  await other.query("BEGIN");
  await other.query("SELECT 1 FROM control_planes FOR UPDATE");
  const refusal = await catchRefusal(deleteControlPlane({ ...tenant, database: impatient }, { name: "mesh" }));
  expect(refusal.code).toBe("TookTooLong");
  await other.query("ROLLBACK");
  await other.end();
  await impatient.$disconnect();
  expect(await getControlPlane(tenant, { name: "mesh" })).toMatchObject({ generation: 1, deletionRequestedAt: null });
});

test("a queue that fails changes no answer", async () => {
  const tenant = await makeTenant(ground());
  await makeConnectedCluster(ground(), tenant);
  await makeIstiodCluster(ground());
  const failed: unknown[] = [];
  const answer = await createControlPlane(
    {
      ...tenant,
      wake: () => Promise.reject(new Error("no queue")),
      onWakeFailed: (error, job) => failed.push([String(error), job]),
    },
    order,
  );
  expect(answer.status).toBe(202);
  expect(failed).toEqual([["Error: no queue", { kind: "revision", id: answer.body.resource.revisions[0] }]]);
});
