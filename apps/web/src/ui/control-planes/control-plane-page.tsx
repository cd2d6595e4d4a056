"use client";
import { type Condition, type ControlPlane, operations, type Revision } from "@pilothouse/contract";
import { useMutation } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { call } from "#client/api.ts";
import { isGone, useControlPlane, useOperation, useRevisions } from "#client/queries.ts";
import { useRefusal } from "#client/role.tsx";
import { isTried, useSettled } from "#client/use-settled.ts";
import { Button } from "../button.tsx";
import { Card, Facts } from "../card.tsx";
import { CodeBlock } from "../code-block.tsx";
import { Conditions } from "../conditions.tsx";
import { ConfirmDialog } from "../confirm-dialog.tsx";
import { Copyable } from "../copy-button.tsx";
import { Failure } from "../failure.tsx";
import { GoneState } from "../gone-state.tsx";
import { Link } from "../link.tsx";
import { Notice } from "../notice.tsx";
import { OperationProgress } from "../operation-progress.tsx";
import { PageHeader } from "../page-header.tsx";
import { Skeleton } from "../skeleton.tsx";
import { Status } from "../status.tsx";
import { Tabs } from "../tabs.tsx";
import { TimeAgo } from "../time-ago.tsx";
import { ObjectActivity } from "../object-activity.tsx";
import styles from "./control-plane-page.module.css";
import { Credentials } from "./credentials.tsx";
import { LivePath, PathVerdict } from "./live-path.tsx";
import { describePath } from "./path-of-revision.ts";
import { ControlPlaneStatus } from "./phase.tsx";
import { PlacementReasons } from "./placement-reasons.tsx";

interface PageProps {
  tenant: string;
  name: string;
  origin: string;
}

/** One control plane: whether anything is wrong, what happens now, and what will happen next. */
export function ControlPlanePage({ tenant, name, origin }: PageProps): ReactNode {
  const { data: controlPlane, error, refetch } = useControlPlane(tenant, name);
  const revisionsRead = useRevisions(tenant, name, !isGone(error));
  const { data: revisions, error: revisionsError, refetch: readRevisions } = revisionsRead;
  const [followed, setFollowed] = useState<string | null>(null);
  const operationId = controlPlane?.operation ?? followed;
  const operationRead = useOperation(tenant, operationId);
  const { data: operation } = operationRead;
  // All that stands above the tabs comes together: none of it moves what is being read already.
  const isOperationTried = operationId === null || isTried(operationRead);
  const isSettled = useSettled(controlPlane !== undefined && isTried(revisionsRead) && isOperationTried);
  if (isGone(error)) {
    return (
      <>
        {operation === undefined ? null : <OperationProgress operation={operation} tenant={tenant} />}
        <GoneState
          what={`control plane ${name}`}
          wasSeen={controlPlane !== undefined}
          back={{ href: `/tenants/${tenant}/control-planes`, label: "Control planes" }}
        />
      </>
    );
  }
  if (controlPlane === undefined) {
    return (
      <Card>
        {error === null ? (
          <Skeleton label={`control plane ${name}`} lines={8} />
        ) : (
          <Failure title="The control plane could not be read" error={error} onRetry={() => void refetch()} />
        )}
      </Card>
    );
  }
  if (!isSettled) {
    return (
      <>
        <Header tenant={tenant} controlPlane={controlPlane} onDeleting={setFollowed} />
        <Trouble controlPlane={controlPlane} />
        <Card>
          <Skeleton label={`what runs of ${name}`} lines={8} />
        </Card>
      </>
    );
  }
  const [revision] = revisions?.items ?? [];
  const isLive = operation !== undefined && (operation.state === "running" || operation.state === "failed");
  return (
    <>
      <Header tenant={tenant} controlPlane={controlPlane} onDeleting={setFollowed} />
      <Trouble controlPlane={controlPlane} />
      {isLive ? <OperationProgress operation={operation} tenant={tenant} /> : null}
      {revisionsError === null ? null : (
        <Failure title="Its revision could not be read" error={revisionsError} onRetry={() => void readRevisions()} />
      )}
      {revision === undefined || controlPlane.phase === "Deleting" ? null : (
        <PathCard revision={revision} cluster={controlPlane.cluster} />
      )}
      <Tabs
        label={`Parts of ${name}`}
        tabs={[
          {
            id: "overview",
            label: "Overview",
            content: (
              <Details
                tenant={tenant}
                controlPlane={controlPlane}
                revision={revision}
                isRead={revisions !== undefined || revisionsError !== null}
              />
            ),
          },
          {
            id: "conditions",
            // Of what goes, hardly anything is as it was wished.
            label: <ConditionsLabel conditions={controlPlane.phase === "Deleting" ? [] : controlPlane.conditions} />,
            content: (
              <Card flush>
                <Conditions conditions={controlPlane.conditions} />
              </Card>
            ),
          },
          {
            id: "activity",
            label: "Activity",
            content: (
              <ObjectActivity
                tenant={tenant}
                objects={[
                  { kind: "control-plane", names: [controlPlane.name] },
                  { kind: "revision", names: controlPlane.revisions },
                ]}
              />
            ),
          },
          {
            id: "pipeline",
            label: "Pipeline",
            content: (
              <Card title="The same over REST">
                <CodeBlock text={describeCurl(origin, tenant, controlPlane)} label="the same with curl" />
              </Card>
            ),
          },
        ]}
      />
    </>
  );
}

function PathCard({ revision, cluster }: { revision: Revision; cluster: string }): ReactNode {
  const path = describePath(revision, cluster);
  return (
    <Card
      title={
        <>
          The live path <PathVerdict probes={path.probes} />
        </>
      }
      aside={<Copyable text={revision.hostname} label="hostname" />}
    >
      <LivePath {...path} />
    </Card>
  );
}

function Header({
  tenant,
  controlPlane,
  onDeleting,
}: {
  tenant: string;
  controlPlane: ControlPlane;
  onDeleting: (operation: string) => void;
}): ReactNode {
  const { name, phase, cluster, version, deletionRequestedAt } = controlPlane;
  const [isAsking, setIsAsking] = useState(false);
  const refusal = useRefusal("operator");
  const remove = useMutation({
    mutationFn: () => call(operations.deleteControlPlane, { params: { tenant, controlPlane: name } }),
    onSuccess: ({ operation }) => onDeleting(operation.id),
  });
  return (
    <>
      <PageHeader
        title={name}
        status={<ControlPlaneStatus phase={phase} />}
        actions={
          <Button
            kind="danger"
            icon={<Trash2 aria-hidden="true" />}
            refusal={refusal}
            disabled={deletionRequestedAt !== null}
            onClick={() => setIsAsking(true)}
          >
            Delete
          </Button>
        }
      >
        Istio {version} for cluster <Link href={`/tenants/${tenant}/clusters/${cluster}`}>{cluster}</Link>.
      </PageHeader>
      <ConfirmDialog
        open={isAsking}
        onOpenChange={setIsAsking}
        title={`Delete control plane ${name}?`}
        name={name}
        action="Delete control plane"
        consequence={
          <>
            <p>
              Its webhooks are removed first, then istiod, its identity and what it left in {cluster}. Proxies that run
              go on with what they have, without new configuration or certificates. This can’t be undone.
            </p>
            <p>
              Istio’s definitions with all your Istio objects, and the mesh’s certificate authority, stay in the
              cluster.
            </p>
          </>
        }
        onConfirm={() => remove.mutateAsync()}
      />
    </>
  );
}

/** The first thing that is not as it should be, and since when. */
function Trouble({ controlPlane: { conditions, phase } }: { controlPlane: ControlPlane }): ReactNode {
  const ready = conditions.find(({ type }) => type === "Ready");
  if (ready === undefined || ready.status === "True" || phase === "Provisioning" || phase === "Deleting") return null;
  const isUnknown = ready.status === "Unknown";
  return (
    <Notice
      tone={isUnknown ? "unknown" : "bad"}
      title={
        <>
          {isUnknown
            ? "It can’t be seen whether this control plane serves"
            : "This control plane does not serve its mesh"}
          , since <TimeAgo at={ready.lastTransitionAt} />
        </>
      }
    >
      {ready.message}
      {isUnknown ? " Nothing is changed because of what can’t be seen." : null}
    </Notice>
  );
}

/** Says how many conditions are not as they should be. */
function ConditionsLabel({ conditions }: { conditions: readonly Condition[] }): ReactNode {
  const count = conditions.filter(({ status }) => status !== "True").length;
  return <>Conditions{count === 0 ? null : <Status tone="warn">{count} not true</Status>}</>;
}

function Details({
  tenant,
  controlPlane,
  revision,
  isRead,
}: {
  tenant: string;
  controlPlane: ControlPlane;
  revision: Revision | undefined;
  /** Whether it is known if there is a revision. */
  isRead: boolean;
}): ReactNode {
  if (revision === undefined && !isRead) return <Skeleton label="the revision" />;
  if (revision === undefined) {
    return (
      <Card title="What runs, and where">
        <p>It has no revision: nothing of it runs.</p>
      </Card>
    );
  }
  return (
    <>
      <div className={styles["pair"]}>
        <Card title="What runs, and where">
          <Facts
            items={[
              ["Version", revision.version],
              ["Replicas", controlPlane.replicas],
              ["Proxies connected", revision.proxies === null ? "not counted yet" : revision.proxies.connected],
              [
                "For cluster",
                <Link key="cluster" href={`/tenants/${tenant}/clusters/${controlPlane.cluster}`}>
                  {controlPlane.cluster}
                </Link>,
              ],
              ["Istiod cluster", revision.istiodCluster],
              ["Created", <TimeAgo key="created" at={controlPlane.createdAt} />],
              [
                "Ready for the first time",
                revision.readyAt === null ? "not yet" : <TimeAgo key="at" at={revision.readyAt} />,
              ],
              ["Revision", <Copyable key="id" text={revision.id} label="revision" />],
            ]}
          />
        </Card>
        <Credentials revision={revision} />
      </div>
      {controlPlane.phase === "Deleting" ? null : (
        <Card title="Let namespaces join the mesh">
          <CodeBlock
            text={`kubectl label namespace NAMESPACE istio.io/rev=${revision.id} --overwrite\nkubectl rollout restart deployment -n NAMESPACE`}
            label="commands for a namespace"
          />
        </Card>
      )}
      <Card title="Why it runs there">
        <PlacementReasons placement={revision.placement} />
      </Card>
    </>
  );
}

const describeCurl = (origin: string, tenant: string, { name, cluster, line, replicas }: ControlPlane): string =>
  `curl -fsS ${origin}/api/v1/tenants/${tenant}/control-planes \\
  -H "Authorization: Bearer $PILOTHOUSE_API_KEY" \\
  -H "Idempotency-Key: create-${name}" \\
  -H "Content-Type: application/json" \\
  -d '${JSON.stringify({ name, cluster, line, replicas })}'

curl -fsS ${origin}/api/v1/tenants/${tenant}/control-planes/${name} \\
  -H "Authorization: Bearer $PILOTHOUSE_API_KEY" | jq '{phase, conditions}'`;
