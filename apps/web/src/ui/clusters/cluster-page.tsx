"use client";
import { type Cluster, operations } from "@pilothouse/contract";
import { useMutation } from "@tanstack/react-query";
import { Plus, Unplug } from "lucide-react";
import { type ReactNode, useState } from "react";
import { call } from "#client/api.ts";
import { useCollection } from "#client/collection.ts";
import { controlPlanesOf } from "#client/collections.ts";
import { findRenewal } from "#client/find-renewal.ts";
import { findFieldError, isGone, useCluster, useOperation } from "#client/queries.ts";
import { useRefusal } from "#client/role.tsx";
import { isTried, useSettled } from "#client/use-settled.ts";
import { useIdempotencyKeys } from "#client/use-idempotency-key.ts";
import { Button } from "../button.tsx";
import { Card, Facts } from "../card.tsx";
import { Conditions } from "../conditions.tsx";
import { ConfirmDialog } from "../confirm-dialog.tsx";
import { ControlPlaneStatus } from "../control-planes/phase.tsx";
import { Copyable } from "../copy-button.tsx";
import { Failure } from "../failure.tsx";
import { TextArea } from "../field.tsx";
import { GoneState } from "../gone-state.tsx";
import { Link } from "../link.tsx";
import { Notice } from "../notice.tsx";
import { ObjectActivity } from "../object-activity.tsx";
import { OperationProgress } from "../operation-progress.tsx";
import { PageHeader } from "../page-header.tsx";
import { RowLink } from "../row-link.tsx";
import { Skeleton } from "../skeleton.tsx";
import { TimeAgo } from "../time-ago.tsx";
import styles from "./cluster-page.module.css";
import { ClusterStatus } from "./phase.tsx";

/** One mesh cluster: its connection, its control planes, and the way out. */
export function ClusterPage({ tenant, name }: { tenant: string; name: string }): ReactNode {
  const { data: cluster, error, refetch } = useCluster(tenant, name);
  const [followed, setFollowed] = useState<string | null>(null);
  const operationId = cluster?.operation ?? followed;
  const operationRead = useOperation(tenant, operationId);
  const { data: operation } = operationRead;
  // What an operation does stands above the rest, which it would move if it came later.
  const isOperationTried = operationId === null || isTried(operationRead);
  const isSettled = useSettled(cluster !== undefined && isOperationTried);
  if (isGone(error)) {
    return (
      <>
        {operation === undefined ? null : <OperationProgress operation={operation} tenant={tenant} />}
        <GoneState
          what={`cluster ${name}`}
          wasSeen={cluster !== undefined}
          back={{ href: `/tenants/${tenant}/clusters`, label: "Clusters" }}
        />
      </>
    );
  }
  if (cluster === undefined) {
    return (
      <Card>
        {error === null ? (
          <Skeleton label={`cluster ${name}`} lines={8} />
        ) : (
          <Failure title="The cluster could not be read" error={error} onRetry={() => void refetch()} />
        )}
      </Card>
    );
  }
  if (!isSettled) {
    return (
      <>
        <Header tenant={tenant} cluster={cluster} onChanging={setFollowed} />
        <Card>
          <Skeleton label={`what happens to ${name}`} lines={8} />
        </Card>
      </>
    );
  }
  const isLive = operation !== undefined && (operation.state === "running" || operation.state === "failed");
  return (
    <>
      <Header tenant={tenant} cluster={cluster} onChanging={setFollowed} />
      {isLive ? <OperationProgress operation={operation} tenant={tenant} /> : null}
      {cluster.phase === "ConnectFailed" || cluster.phase === "Degraded" ? (
        <Retry tenant={tenant} cluster={cluster} onChanging={setFollowed} />
      ) : null}
      <Card title="Connection">
        <Facts
          items={[
            [
              "API server",
              cluster.server === null ? "—" : <Copyable key="server" text={cluster.server} label="address" />,
            ],
            ["Kubernetes", cluster.kubernetesVersion ?? "—"],
            ["Kind", cluster.kind],
            ["Seed", cluster.seed ?? "—"],
            ["Credential issued", cluster.token === null ? "—" : <TimeAgo key="issued" at={cluster.token.issuedAt} />],
            ["Renewed next", cluster.token === null ? "—" : <TimeAgo key="next" at={findRenewal(cluster.token)} />],
            ["Id", <Copyable key="id" text={cluster.id} label="id" />],
            ["Since", <TimeAgo key="since" at={cluster.createdAt} />],
          ]}
        />
      </Card>
      <ControlPlanes tenant={tenant} cluster={cluster} />
      <Card title="Conditions" flush>
        <Conditions conditions={cluster.conditions} />
      </Card>
      <ObjectActivity tenant={tenant} objects={[{ kind: "cluster", names: [cluster.name] }]} />
    </>
  );
}

interface PartProps {
  tenant: string;
  cluster: Cluster;
  onChanging: (operation: string) => void;
}

function Header({ tenant, cluster, onChanging }: PartProps): ReactNode {
  const { name, phase, kind, seed, kubernetesVersion, deletionRequestedAt } = cluster;
  const [isAsking, setIsAsking] = useState(false);
  const refusal = useRefusal("operator");
  const disconnect = useMutation({
    mutationFn: () => call(operations.disconnectCluster, { params: { tenant, cluster: name } }),
    onSuccess: ({ operation }) => onChanging(operation.id),
  });
  return (
    <>
      <PageHeader
        title={name}
        status={<ClusterStatus phase={phase} />}
        actions={
          <Button
            kind="danger"
            icon={<Unplug aria-hidden="true" />}
            refusal={refusal}
            disabled={deletionRequestedAt !== null}
            onClick={() => setIsAsking(true)}
          >
            Disconnect
          </Button>
        }
      >
        {kubernetesVersion === null ? "A cluster" : `Kubernetes ${kubernetesVersion}`} of kind {kind}
        {seed === null ? "" : `, its API server in ${seed}`}.
      </PageHeader>
      <ConfirmDialog
        open={isAsking}
        onOpenChange={setIsAsking}
        title={`Disconnect cluster ${name}?`}
        name={name}
        action="Disconnect cluster"
        consequence={
          <p>
            Pilothouse removes its identities and roles from the cluster, and can’t log in any more. Istio’s
            definitions, your Istio objects and namespace istio-system stay. Control planes of the cluster must be
            deleted first.
          </p>
        }
        onConfirm={() => disconnect.mutateAsync()}
      />
    </>
  );
}

/** Another kubeconfig for a connection that failed, or whose identity was lost. */
function Retry({ tenant, cluster: { name, conditions }, onChanging }: PartProps): ReactNode {
  const [kubeconfig, setKubeconfig] = useState("");
  const idempotencyKeys = useIdempotencyKeys();
  const refusal = useRefusal("operator");
  const retry = useMutation({
    mutationFn: () =>
      call(operations.retryConnection, {
        params: { tenant, cluster: name },
        body: { kubeconfig },
        idempotencyKey: idempotencyKeys.of(kubeconfig),
      }),
    onSuccess: ({ operation }) => {
      idempotencyKeys.forget();
      setKubeconfig("");
      onChanging(operation.id);
    },
  });
  const problem = conditions.find(({ status }) => status !== "True");
  return (
    <Card title="Connect again">
      <form
        className={styles["form"]}
        onSubmit={(event) => {
          event.preventDefault();
          retry.mutate();
        }}
      >
        {problem === undefined ? null : (
          <Notice tone="bad" title={problem.reason}>
            {problem.message}
          </Notice>
        )}
        <TextArea
          label="Kubeconfig"
          hint="Used once, sealed at once, and erased when the cluster is connected."
          value={kubeconfig}
          onChange={(event) => setKubeconfig(event.target.value)}
          error={findFieldError(retry.error, "kubeconfig")}
          spellCheck={false}
          autoComplete="off"
          required
        />
        {retry.error === null || findFieldError(retry.error, "kubeconfig") !== undefined ? null : (
          <Failure title="The cluster was not connected" error={retry.error} />
        )}
        <div className={styles["actions"]}>
          <Button type="submit" kind="primary" busy={retry.isPending} refusal={refusal}>
            Check and connect
          </Button>
        </div>
      </form>
    </Card>
  );
}

function ControlPlanes({ tenant, cluster }: { tenant: string; cluster: Cluster }): ReactNode {
  const { items, isReading, isWhole, error, readAgain } = useCollection(controlPlanesOf(tenant));
  const refusal = useRefusal("operator");
  const own = items.filter((controlPlane) => controlPlane.cluster === cluster.name);
  return (
    <Card
      title="Control planes"
      aside={
        <Button asChild size="small" refusal={refusal}>
          <Link href={`/tenants/${tenant}/control-planes/new?cluster=${cluster.name}`}>
            <Plus aria-hidden="true" />
            Create
          </Link>
        </Button>
      }
    >
      {own.length === 0 && isReading ? <Skeleton label="control planes" lines={1} /> : null}
      {error === null ? null : (
        <Failure title="The control planes could not be read" error={error} onRetry={readAgain} />
      )}
      {own.length === 0 && isWhole ? (
        <p className={styles["none"]}>None yet. A control plane gives this cluster a mesh.</p>
      ) : own.length === 0 ? null : (
        <ul className={styles["list"]}>
          {own.map(({ id, name, phase, version }) => (
            <li key={id}>
              <RowLink href={`/tenants/${tenant}/control-planes/${name}`}>{name}</RowLink>
              <span>Istio {version}</span>
              <ControlPlaneStatus phase={phase} quiet />
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
