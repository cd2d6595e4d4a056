"use client";
import { type Catalogue, type PlacementPreview, operations } from "@pilothouse/contract";
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { useRouter, useSearchParams } from "next/navigation";
import { type ReactNode, useState } from "react";
import { call } from "#client/api.ts";
import { useCollection } from "#client/collection.ts";
import { clustersOf } from "#client/collections.ts";
import { findFieldError, useCatalogue } from "#client/queries.ts";
import { useRefusal } from "#client/role.tsx";
import { useIdempotencyKeys } from "#client/use-idempotency-key.ts";
import { Button } from "../button.tsx";
import { Card, Facts } from "../card.tsx";
import { CodeBlock } from "../code-block.tsx";
import { Failure } from "../failure.tsx";
import { SelectField, TextField } from "../field.tsx";
import { Link } from "../link.tsx";
import { Notice } from "../notice.tsx";
import { PageHeader } from "../page-header.tsx";
import { Skeleton } from "../skeleton.tsx";
import styles from "./create-page.module.css";
import { PlacementReasons } from "./placement-reasons.tsx";

interface Order {
  name: string;
  cluster: string;
  line: string;
  replicas: number;
}

const mostReplicas = 5;
const formatMemory = (mib: number): string => (mib < 1_024 ? `${mib} MiB` : `${(mib / 1_024).toFixed(1)} GiB`);

/** Orders a control plane: cluster, line with what it means, where it would run and why, and the whole once more before it is made. */
export function CreatePage({ tenant, origin }: { tenant: string; origin: string }): ReactNode {
  const router = useRouter();
  const list = `/tenants/${tenant}/control-planes`;
  const refusal = useRefusal("operator");
  const asked = useSearchParams().get("cluster") ?? "";
  const { items: clusters, isWhole, error: clustersError, readAgain } = useCollection(clustersOf(tenant));
  const { data: catalogue, error: catalogueError, refetch: readCatalogue } = useCatalogue();
  const connected = clusters.filter(
    ({ phase }) => phase === "Connected" || phase === "Degraded" || phase === "Unknown",
  );
  const [given, setGiven] = useState<Partial<Order>>({});
  const firstCluster = connected.some(({ name }) => name === asked) ? asked : (connected[0]?.name ?? "");
  const cluster = given.cluster ?? firstCluster;
  const line =
    given.line ?? catalogue?.lines.find(({ state }) => state === "supported")?.name ?? catalogue?.lines[0]?.name ?? "";
  const order: Order = { name: given.name ?? cluster, cluster, line, replicas: given.replicas ?? 1 };
  const change = (more: Partial<Order>): void => setGiven({ ...given, ...more });
  const idempotencyKeys = useIdempotencyKeys();
  const create = useMutation({
    mutationFn: () =>
      call(operations.createControlPlane, {
        params: { tenant },
        body: order,
        idempotencyKey: idempotencyKeys.of(order),
      }),
    onSuccess: ({ resource }) => router.push(`${list}/${resource.name}`),
  });
  const isChosen = order.cluster !== "" && order.line !== "";
  const preview = useQuery({
    queryKey: ["preview", tenant, order.cluster, order.line, order.replicas],
    queryFn: ({ signal }) =>
      call(operations.previewPlacement, {
        params: { tenant },
        body: { cluster: order.cluster, line: order.line, replicas: order.replicas },
        signal,
      }),
    enabled: isChosen,
    staleTime: 0,
    // What was chosen before stays to be seen until the new one is there, so that nothing jumps.
    placeholderData: keepPreviousData,
  });
  const isPlaceable =
    !preview.isPlaceholderData &&
    preview.data?.placement.istiodCluster !== undefined &&
    preview.data.placement.istiodCluster !== null;
  if (clustersError !== null && clusters.length === 0) {
    return (
      <>
        <PageHeader title="Create control plane" />
        <Failure title="Your clusters could not be read" error={clustersError} onRetry={readAgain} />
      </>
    );
  }
  if (isWhole && connected.length === 0) {
    return (
      <>
        <PageHeader title="Create control plane" />
        <Notice
          tone="info"
          title="Connect a cluster first"
          actions={
            <Button kind="primary" onClick={() => router.push(`/tenants/${tenant}/clusters/connect`)}>
              Connect a cluster
            </Button>
          }
        >
          A control plane serves one of your connected clusters, and there is none yet.
        </Notice>
      </>
    );
  }
  return (
    <>
      <PageHeader title="Create control plane">
        An istiod of the line you choose, outside your cluster, proven through the public path before it counts as
        Ready.
      </PageHeader>
      {refusal === undefined ? null : (
        <Notice tone="info" title="You can’t create control planes">
          {refusal} Ask an admin or owner of the tenant for it.
        </Notice>
      )}
      <form
        className={styles["form"]}
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate();
        }}
      >
        <div className={styles["choices"]}>
          <Card title="1. Cluster">
            <div className={styles["fields"]}>
              <SelectField
                label="Cluster"
                value={order.cluster}
                onChange={(event) => change({ cluster: event.target.value })}
                error={findFieldError(create.error, "cluster")}
              >
                {connected.map(({ name, kubernetesVersion }) => (
                  <option key={name} value={name}>
                    {name}
                    {kubernetesVersion === null ? "" : ` (Kubernetes ${kubernetesVersion})`}
                  </option>
                ))}
              </SelectField>
              <TextField
                label="Name of the control plane"
                value={order.name}
                onChange={(event) => change({ name: event.target.value })}
                error={findFieldError(create.error, "name")}
                maxLength={30}
                autoComplete="off"
                required
              />
            </div>
          </Card>
          <Card title="2. Istio line">
            {catalogueError === null ? null : (
              <Failure
                title="What can be ordered could not be read"
                error={catalogueError}
                onRetry={() => void readCatalogue()}
              />
            )}
            {catalogue === undefined && catalogueError === null ? <Skeleton label="what can be ordered" /> : null}
            {catalogue === undefined ? null : (
              <LineChoice lines={catalogue.lines} chosen={order.line} onChoose={(name) => change({ line: name })} />
            )}
            <div className={styles["fields"]}>
              <SelectField
                label="Replicas"
                hint="Two or more survive the loss of a node, and are spread over zones."
                value={order.replicas}
                onChange={(event) => change({ replicas: Number(event.target.value) })}
                error={findFieldError(create.error, "replicas")}
              >
                {Array.from({ length: mostReplicas }, (_, index) => (
                  <option key={index} value={index + 1}>
                    {index + 1}
                  </option>
                ))}
              </SelectField>
            </div>
          </Card>
          <Card title="3. Where it would run">
            {preview.error === null ? null : (
              <Failure
                title="Where it would run can’t be said"
                error={preview.error}
                onRetry={() => void preview.refetch()}
              />
            )}
            {preview.data === undefined && preview.error === null ? <Skeleton label="the placement" lines={4} /> : null}
            {preview.data === undefined || preview.error !== null ? null : (
              <div aria-busy={preview.isPlaceholderData}>
                <PlacementReasons placement={preview.data.placement} />
              </div>
            )}
          </Card>
          <Card title="From a pipeline">
            <CodeBlock text={describeCurl(origin, tenant, order)} label="the same with curl" />
          </Card>
        </div>
        <div className={styles["review"]}>
          <Card title="4. Review">
            <Review order={order} preview={preview.data} />
            {create.error === null ? null : <Failure title="The control plane was not created" error={create.error} />}
            {preview.data !== undefined && !preview.isPlaceholderData && !isPlaceable ? (
              <Notice tone="warn" title="No istiod cluster can take it now">
                Each says why above. Choose another line or fewer replicas, or ask the provider for room.
              </Notice>
            ) : null}
            <div className={styles["actions"]}>
              <Button asChild>
                <Link href={list}>Cancel</Link>
              </Button>
              <Button
                type="submit"
                kind="primary"
                busy={create.isPending || create.isSuccess}
                disabled={!isPlaceable}
                refusal={refusal}
              >
                Create control plane
              </Button>
            </div>
          </Card>
        </div>
      </form>
    </>
  );
}

function LineChoice({
  lines,
  chosen,
  onChoose,
}: {
  lines: Catalogue["lines"];
  chosen: string;
  onChoose: (name: string) => void;
}): ReactNode {
  return (
    <fieldset className={styles["lines"]}>
      <legend className="visually-hidden">Istio line</legend>
      {lines.map(({ name, state, endOfSupport, versions }) => (
        <label key={name} className={styles["line"]}>
          <input type="radio" name="line" value={name} checked={name === chosen} onChange={() => onChoose(name)} />
          <span>
            <strong>Istio {name}</strong>
            <span>
              {versions[0] === undefined ? "No version of it can be ordered now." : `You get ${versions[0]}`}
              {versions[0] === undefined || endOfSupport === null ? "" : `, supported until ${endOfSupport}`}
              {versions[0] === undefined ? "" : "."}
              {state === "deprecated" ? " It is deprecated: take a newer one for what is new." : ""}
            </span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function Review({ order, preview }: { order: Order; preview: PlacementPreview | undefined }): ReactNode {
  return (
    <>
      <Facts
        items={[
          ["Control plane", order.name],
          ["For cluster", order.cluster],
          ["Version", preview?.version ?? order.line],
          ["Replicas", order.replicas],
          ["Runs in", preview?.placement.istiodCluster ?? "nowhere yet"],
          [
            "Reserves",
            preview === undefined ? "—" : `${preview.cpuMilli / 1_000} cores, ${formatMemory(preview.memoryMib)}`,
          ],
        ]}
      />
      <ul className={styles["effects"]}>
        <li>Istio’s definitions are installed in the cluster, or brought to this line. They never go back.</li>
        <li>Pods of namespaces that you label get sidecars from it. No workload is restarted.</li>
        <li>It can be deleted again. Definitions, Istio objects and the mesh’s certificate authority stay then.</li>
      </ul>
    </>
  );
}

const describeCurl = (origin: string, tenant: string, order: Order): string =>
  `curl -fsS ${origin}/api/v1/tenants/${tenant}/control-planes \\
  -H "Authorization: Bearer $PILOTHOUSE_API_KEY" \\
  -H "Idempotency-Key: create-${order.name}" \\
  -H "Content-Type: application/json" \\
  -d '${JSON.stringify(order)}'`;
