"use client";
import { operations } from "@pilothouse/contract";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { call } from "#client/api.ts";
import { keys } from "#client/keys.ts";
import { findFieldError, useOperation } from "#client/queries.ts";
import { useRefusal } from "#client/role.tsx";
import { useAddressParameter } from "#client/use-address.ts";
import { useIdempotencyKeys } from "#client/use-idempotency-key.ts";
import { Button } from "../button.tsx";
import { Card } from "../card.tsx";
import { CodeBlock } from "../code-block.tsx";
import { Failure } from "../failure.tsx";
import { SelectField, TextArea, TextField } from "../field.tsx";
import { Link } from "../link.tsx";
import { Notice } from "../notice.tsx";
import { OperationProgress } from "../operation-progress.tsx";
import { PageHeader } from "../page-header.tsx";
import styles from "./connect-page.module.css";

const kinds = [
  ["gardener", "Gardener: its API server runs in a seed"],
  ["managed", "Managed: EKS, AKS, GKE"],
  ["standalone", "Standalone: any other"],
] as const;

/** What a kubeconfig must allow, once: it is used to install identities that can do less, and erased. */
const rights = [
  "Namespaces: create pilothouse-system, pilothouse-probe and, where it is missing, istio-system",
  "ClusterRoles and Roles: those of istiod of each Istio line that you may order, and Pilothouse's own",
  "Their bindings, and the ServiceAccounts pilothouse and pilothouse-probe",
  "A token for the ServiceAccount pilothouse, bound to a Secret: deleting the Secret revokes it",
] as const;

const readKind = (text: string): (typeof kinds)[number][0] =>
  kinds.find(([name]) => name === text)?.[0] ?? "standalone";

const describeCurl = (origin: string, tenant: string): string =>
  `jq -n --rawfile kubeconfig kubeconfig.yaml \\
  '{name: "shop", kind: "standalone", $kubeconfig}' |
  curl -fsS ${origin}/api/v1/tenants/${tenant}/clusters \\
    -H "Authorization: Bearer $PILOTHOUSE_API_KEY" \\
    -H "Idempotency-Key: connect-shop" \\
    -H "Content-Type: application/json" \\
    -d @-`;

/** Connects a cluster: what is asked for, a kubeconfig, and the checks as each succeeds. */
export function ConnectPage({ tenant, origin }: { tenant: string; origin: string }): ReactNode {
  const [name, setName] = useState("");
  const [kind, setKind] = useState<(typeof kinds)[number][0]>("standalone");
  const [seed, setSeed] = useState("");
  const [kubeconfig, setKubeconfig] = useState("");
  // In the address, so that a page that is loaded anew goes on showing it.
  const [operationId, setOperationId] = useAddressParameter("operation");
  const queries = useQueryClient();
  const idempotencyKeys = useIdempotencyKeys();
  const refusal = useRefusal("operator");
  const connect = useMutation({
    mutationFn: () => {
      const body = { name, kind, kubeconfig, ...(seed === "" ? {} : { seed }) };
      return call(operations.connectCluster, { params: { tenant }, body, idempotencyKey: idempotencyKeys.of(body) });
    },
    onSuccess: ({ operation }) => {
      // It is sealed for the workers now; this page needs it no more.
      idempotencyKeys.forget();
      setKubeconfig("");
      queries.setQueryData(keys.operation(tenant, operation.id), operation);
      setOperationId(operation.id);
    },
  });
  const { data: operation } = useOperation(tenant, operationId === "" ? null : operationId);
  const { error } = connect;
  const fieldError = (parameter: string): string | undefined => findFieldError(error, parameter);
  const isNamed = ["name", "kind", "seed", "kubeconfig"].some((parameter) => fieldError(parameter) !== undefined);
  if (operation !== undefined) {
    return (
      <>
        <PageHeader title={`Connect ${operation.object.name}`}>
          The checks run in the order below; each is written down as it succeeds.
        </PageHeader>
        <OperationProgress operation={operation} tenant={tenant} />
        <div className={styles["actions"]}>
          {operation.state === "succeeded" ? (
            <Button asChild kind="primary">
              <Link href={`/tenants/${tenant}/control-planes/new?cluster=${operation.object.name}`}>
                Create a control plane for it
              </Link>
            </Button>
          ) : null}
          <Button asChild>
            <Link href={`/tenants/${tenant}/clusters/${operation.object.name}`}>To the cluster</Link>
          </Button>
        </div>
      </>
    );
  }
  return (
    <>
      <PageHeader title="Connect a cluster">
        A kubeconfig is used once, to install identities with exactly the rights that are needed. It is sealed at once,
        and erased when the cluster is connected, after 15 minutes at the latest.
      </PageHeader>
      {refusal === undefined ? null : (
        <Notice tone="info" title="You can’t connect clusters">
          {refusal} Ask an admin or owner of the tenant for it.
        </Notice>
      )}
      <div className={styles["columns"]}>
        <Card title="The cluster">
          <form
            className={styles["form"]}
            onSubmit={(event) => {
              event.preventDefault();
              connect.mutate();
            }}
          >
            <TextField
              label="Name"
              hint="Lower-case letters, digits and hyphens; what you call it here."
              value={name}
              onChange={(event) => setName(event.target.value)}
              error={fieldError("name")}
              maxLength={30}
              autoComplete="off"
              required
            />
            <SelectField
              label="Kind"
              value={kind}
              onChange={(event) => setKind(readKind(event.target.value))}
              error={fieldError("kind")}
            >
              {kinds.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </SelectField>
            <TextField
              label="Seed (if you know it)"
              hint="Where the API server runs, so that istiod comes near it."
              value={seed}
              onChange={(event) => setSeed(event.target.value)}
              error={fieldError("seed")}
              autoComplete="off"
            />
            <TextArea
              label="Kubeconfig"
              hint="With a token or a client certificate inside: no exec plug-ins, no paths of files, no proxies."
              value={kubeconfig}
              onChange={(event) => setKubeconfig(event.target.value)}
              error={fieldError("kubeconfig")}
              spellCheck={false}
              autoComplete="off"
              required
            />
            {error !== null && !isNamed ? <Failure title="The cluster was not taken" error={error} /> : null}
            <div className={styles["actions"]}>
              <Button asChild>
                <Link href={`/tenants/${tenant}/clusters`}>Cancel</Link>
              </Button>
              <Button type="submit" kind="primary" busy={connect.isPending} refusal={refusal}>
                Check and connect
              </Button>
            </div>
          </form>
        </Card>
        <div className={styles["aside"]}>
          <Card title="What the kubeconfig must allow">
            <ul className={styles["rights"]}>
              {rights.map((right) => (
                <li key={right}>{right}</li>
              ))}
            </ul>
          </Card>
          <Card title="From a pipeline">
            <CodeBlock text={describeCurl(origin, tenant)} label="the same with curl" />
          </Card>
        </div>
      </div>
    </>
  );
}
