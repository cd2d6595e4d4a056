"use client";
import { type Cluster, operations } from "@pilothouse/contract";
import { useMutation } from "@tanstack/react-query";
import { Plus, Unplug } from "lucide-react";
import Link from "next/link";
import { type ReactNode, useState } from "react";
import { call } from "#client/api.ts";
import { useCollection } from "#client/collection.ts";
import { controlPlanesOf } from "#client/collections.ts";
import { findFieldError, isGone, useCluster, useOperation } from "#client/queries.ts";
import { Button } from "../button.tsx";
import { Card, Facts } from "../card.tsx";
import { Conditions } from "../conditions.tsx";
import { ConfirmDialog } from "../confirm-dialog.tsx";
import { ControlPlaneStatus } from "../control-planes/phase.tsx";
import { Copyable } from "../copy-button.tsx";
import { TextArea } from "../field.tsx";
import { GoneState } from "../gone-state.tsx";
import { Notice } from "../notice.tsx";
import { ObjectActivity } from "../object-activity.tsx";
import { OperationProgress } from "../operation-progress.tsx";
import { PageHeader } from "../page-header.tsx";
import { RowLink } from "../row-link.tsx";
import { Skeleton } from "../skeleton.tsx";
import { TimeAgo } from "../time-ago.tsx";
import styles from "./cluster-page.module.css";
import { ClusterStatus } from "./phase.tsx";

/** Share of a token's life after which it is renewed; the provisioner's `renewalShare`. */
const renewalShare = 0.6;

/** One mesh cluster: its connection, its control planes, and the way out. */
export function ClusterPage({ tenant, name }: { tenant: string; name: string }): ReactNode {
  const { data: cluster, error } = useCluster(tenant, name);
  const [followed, setFollowed] = useState<string | null>(null);
  const { data: operation } = useOperation(tenant, cluster?.operation ?? followed);
  if (isGone(error)) {
    return (
      <>
        {operation === undefined ? null : <OperationProgress operation={operation} />}
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
          <Notice tone="bad" title="The cluster could not be read">
            {error.message}
          </Notice>
        )}
      </Card>
    );
  }
  const isLive = operation !== undefined && (operation.state === "running" || operation.state === "failed");
  return (
    <>
      <Header tenant={tenant} cluster={cluster} onChanging={setFollowed} />
      {isLive ? <OperationProgress operation={operation} /> : null}
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

function findRenewal({ issuedAt, expiresAt }: { issuedAt: string; expiresAt: string }): string {
  const issuedMs = Date.parse(issuedAt);
  return new Date(issuedMs + (Date.parse(expiresAt) - issuedMs) * renewalShare).toISOString();
}

interface PartProps {
  tenant: string;
  cluster: Cluster;
  onChanging: (operation: string) => void;
}

function Header({ tenant, cluster: { name, phase, deletionRequestedAt }, onChanging }: PartProps): ReactNode {
  const [isAsking, setIsAsking] = useState(false);
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
            disabled={deletionRequestedAt !== null}
            onClick={() => setIsAsking(true)}
          >
            Disconnect
          </Button>
        }
      />
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
  const retry = useMutation({
    mutationFn: () =>
      call(operations.retryConnection, {
        params: { tenant, cluster: name },
        body: { kubeconfig },
        idempotencyKey: crypto.randomUUID(),
      }),
    onSuccess: ({ operation }) => {
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
          error={findFieldError(retry.error, "kubeconfig") ?? retry.error?.message}
          spellCheck={false}
          autoComplete="off"
          required
        />
        <div className={styles["actions"]}>
          <Button type="submit" kind="primary" busy={retry.isPending}>
            Check and connect
          </Button>
        </div>
      </form>
    </Card>
  );
}

function ControlPlanes({ tenant, cluster }: { tenant: string; cluster: Cluster }): ReactNode {
  const { items } = useCollection(controlPlanesOf(tenant));
  const own = items.filter((controlPlane) => controlPlane.cluster === cluster.name);
  return (
    <Card
      title="Control planes"
      aside={
        <Button asChild size="small">
          <Link href={`/tenants/${tenant}/control-planes/new?cluster=${cluster.name}`}>
            <Plus aria-hidden="true" />
            Create
          </Link>
        </Button>
      }
    >
      {own.length === 0 ? (
        <p className={styles["none"]}>None yet. A control plane gives this cluster a mesh.</p>
      ) : (
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
