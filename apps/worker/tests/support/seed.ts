import { randomUUID } from "node:crypto";
import { connectDatabase, type SealBinding, sealSecret } from "@pilothouse/core";

/** Rows as the web application makes them, written by the owner of the tables. */
export interface Seeder {
  query: <Row>(text: string, values?: unknown[]) => Promise<Row[]>;
  createCatalogue: (catalogue: Catalogue) => Promise<void>;
  createTenant: () => Promise<{ id: string; name: string }>;
  connectCluster: (
    tenantId: string,
    options?: { name?: string; kubeconfig?: string; lifetime?: string },
  ) => Promise<string>;
  createControlPlane: (
    options: NewControlPlane,
  ) => Promise<{ controlPlaneId: string; revisionId: string; operationId: string }>;
  deleteControlPlane: (controlPlaneId: string, giveUp?: string) => Promise<void>;
  deleteCluster: (clusterId: string) => Promise<void>;
  close: () => Promise<void>;
}

export interface Catalogue {
  line: string;
  version: string;
  charts: { base: string; istiod: string };
  image: { hub: string; tag: string; pullPolicy: string };
  istiodClusters: { name: string; region: string; edgeAddresses: string[]; kubeconfig: string }[];
}

export interface NewControlPlane {
  tenantId: string;
  clusterId: string;
  name: string;
  version: string;
  line: string;
  istiodCluster: string;
  domain?: string;
}

export async function openSeeder(migratorUrl: string): Promise<Seeder> {
  const database = connectDatabase(migratorUrl, 2);
  const query: Seeder["query"] = async (text, values = []) => database.$queryRawUnsafe(text, ...values);

  async function seal(binding: SealBinding, text: string, lifetime?: string): Promise<void> {
    const [key] = await query<{ id: string; public_key: Uint8Array }>(
      "SELECT id, public_key FROM sealing_keys ORDER BY created_at DESC LIMIT 1",
    );
    if (key === undefined) throw new Error("no worker has registered a sealing key yet");
    await query(
      `INSERT INTO sealed_secrets (id, tenant_id, purpose, object_kind, object_id, key_id, ciphertext, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, now() + $8::interval)`,
      [
        binding.id,
        binding.tenantId,
        binding.purpose,
        binding.objectKind,
        binding.objectId,
        key.id,
        await sealSecret(key.public_key, binding, text),
        lifetime ?? null,
      ],
    );
  }

  async function createOperation(
    tenantId: string,
    kind: string,
    object: { kind: string; id: string; name: string },
  ): Promise<string> {
    const id = randomUUID();
    await query(
      "UPDATE operations SET state = 'superseded', finished_at = now() WHERE object_id = $1 AND finished_at IS NULL",
      [object.id],
    );
    await query(
      "INSERT INTO operations (id, tenant_id, kind, object_kind, object_id, object_name, generation, requested_by) VALUES ($1, $2, $3, $4, $5, $6, 1, 'key:test')",
      [id, tenantId, kind, object.kind, object.id, object.name],
    );
    return id;
  }

  const wake = (kind: string, id: string, tenantId: string, shard: string) =>
    query(
      `INSERT INTO work_items (kind, object_id, tenant_id, shard, wakes) VALUES ($1, $2, $3, $4, 1)
       ON CONFLICT (kind, object_id) DO UPDATE SET wakes = work_items.wakes + 1, next_reconcile_at = now()`,
      [kind, id, tenantId, shard],
    );

  return {
    query,
    async createCatalogue({ line, version, charts, image, istiodClusters }) {
      await query("INSERT INTO version_lines (name) VALUES ($1) ON CONFLICT DO NOTHING", [line]);
      await query("INSERT INTO versions (name, line, charts, image) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", [
        version,
        line,
        JSON.stringify(charts),
        JSON.stringify(image),
      ]);
      for (const { name, region, edgeAddresses, kubeconfig } of istiodClusters) {
        await query("INSERT INTO regions (name, display_name) VALUES ($1, $1) ON CONFLICT DO NOTHING", [region]);
        await query(
          `INSERT INTO istiod_clusters (name, region, zones, line, edge_addresses, capacity_slots, capacity_cpu_milli, capacity_memory_mib)
           VALUES ($1, $2, '{}', $3, $4, 5000, 2000000, 2000000)`,
          [name, region, line, edgeAddresses],
        );
        await seal(
          {
            id: randomUUID(),
            tenantId: null,
            purpose: "istiod-cluster-access",
            objectKind: "istiod-cluster",
            objectId: name,
          },
          kubeconfig,
        );
      }
    },
    async createTenant() {
      const id = randomUUID();
      const name = `t-${id.slice(0, 8)}`;
      await query("INSERT INTO tenants (id, name, display_name) VALUES ($1, $2, $2)", [id, name]);
      return { id, name };
    },
    async connectCluster(tenantId, { name = "shop", kubeconfig = "a kubeconfig", lifetime = "15 minutes" } = {}) {
      const id = randomUUID();
      await query("INSERT INTO mesh_clusters (id, tenant_id, name, kind) VALUES ($1, $2, $3, 'standalone')", [
        id,
        tenantId,
        name,
      ]);
      await seal(
        { id: randomUUID(), tenantId, purpose: "connect-kubeconfig", objectKind: "cluster", objectId: id },
        kubeconfig,
        lifetime,
      );
      await createOperation(tenantId, "cluster.connect", { kind: "cluster", id, name });
      await wake("cluster", id, tenantId, tenantId);
      return id;
    },
    async createControlPlane({ tenantId, clusterId, name, version, line, istiodCluster, domain = "cp.example.test" }) {
      const controlPlaneId = randomUUID();
      const revisionId = `${name}-${line.replace(".", "-")}-${controlPlaneId.slice(0, 5)}`;
      await query("INSERT INTO control_planes (id, tenant_id, name, cluster_id, version) VALUES ($1, $2, $3, $4, $5)", [
        controlPlaneId,
        tenantId,
        name,
        clusterId,
        version,
      ]);
      await query(
        `INSERT INTO revisions (id, tenant_id, control_plane_id, version, line, istiod_cluster, namespace, hostname, cpu_milli, memory_mib, placement)
         VALUES ($1, $2, $3, $4, $5, $6, $1, $7, 100, 128, '{}')`,
        [revisionId, tenantId, controlPlaneId, version, line, istiodCluster, `${revisionId}.${domain}`],
      );
      const operationId = await createOperation(tenantId, "control-plane.create", {
        kind: "control-plane",
        id: controlPlaneId,
        name,
      });
      await wake("revision", revisionId, tenantId, istiodCluster);
      return { controlPlaneId, revisionId, operationId };
    },
    async deleteControlPlane(controlPlaneId, giveUp = "15 minutes") {
      const [row] = await query<{ tenant_id: string; name: string }>(
        "UPDATE control_planes SET deletion_requested_at = now(), generation = generation + 1 WHERE id = $1 RETURNING tenant_id, name",
        [controlPlaneId],
      );
      if (row === undefined) throw new Error("no such control plane");
      await createOperation(row.tenant_id, "control-plane.delete", {
        kind: "control-plane",
        id: controlPlaneId,
        name: row.name,
      });
      const revisions = await query<{ id: string; istiod_cluster: string }>(
        "UPDATE revisions SET deletion_requested_at = now(), give_up_at = now() + $2::interval, generation = generation + 1 WHERE control_plane_id = $1 RETURNING id, istiod_cluster",
        [controlPlaneId, giveUp],
      );
      for (const { id, istiod_cluster: shard } of revisions) await wake("revision", id, row.tenant_id, shard);
    },
    async deleteCluster(clusterId) {
      const [row] = await query<{ tenant_id: string; name: string }>(
        "UPDATE mesh_clusters SET deletion_requested_at = now() WHERE id = $1 RETURNING tenant_id, name",
        [clusterId],
      );
      if (row === undefined) throw new Error("no such cluster");
      await createOperation(row.tenant_id, "cluster.disconnect", { kind: "cluster", id: clusterId, name: row.name });
      await wake("cluster", clusterId, row.tenant_id, row.tenant_id);
    },
    close: () => database.$disconnect(),
  };
}
