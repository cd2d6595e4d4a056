"use client";
import { type ApiKey, operations, type TenantRole } from "@pilothouse/contract";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { call } from "#client/api.ts";
import { keys } from "#client/keys.ts";
import { findFieldError, useApiKeys } from "#client/queries.ts";
import { useGivableRoles, useRefusal } from "#client/role.tsx";
import { useIdempotencyKeys } from "#client/use-idempotency-key.ts";
import { Button } from "../button.tsx";
import { Card } from "../card.tsx";
import { CodeBlock } from "../code-block.tsx";
import { ConfirmDialog } from "../confirm-dialog.tsx";
import { type Column, DataTable } from "../data-table.tsx";
import { Dialog } from "../dialog.tsx";
import { Failure } from "../failure.tsx";
import { Notice } from "../notice.tsx";
import { SelectField, TextField } from "../field.tsx";
import { Skeleton } from "../skeleton.tsx";
import { Status } from "../status.tsx";
import { TimeAgo } from "../time-ago.tsx";
import { readRole, roleWords } from "./roles.ts";
import styles from "./settings.module.css";

const listColumns = (revoke: (key: ApiKey) => void): Column<ApiKey>[] => [
  {
    id: "key",
    header: "Key",
    cell: ({ name, prefix }) => (
      <>
        <strong>{name}</strong> <code>{prefix}…</code>
      </>
    ),
    text: ({ name, prefix }) => `${name} ${prefix}`,
    sortBy: ({ name }) => name,
    note: ({ role, revokedAt }) => (revokedAt === null ? role : `${role} · revoked`),
  },
  {
    id: "role",
    header: "Role",
    cell: ({ role }) => role,
    text: ({ role }) => role,
    sortBy: ({ role }) => role,
    room: "wide",
  },
  {
    id: "state",
    header: "State",
    cell: ({ revokedAt, createdAt }) =>
      revokedAt === null ? (
        <>
          made <TimeAgo at={createdAt} />
        </>
      ) : (
        <Status tone="off">revoked</Status>
      ),
    text: ({ revokedAt }) => (revokedAt === null ? "valid" : "revoked"),
    sortBy: ({ createdAt }) => createdAt,
    room: "wide",
  },
  {
    id: "actions",
    header: "Change",
    align: "end",
    cell: (key) =>
      key.revokedAt === null ? (
        <Button size="small" kind="danger" onClick={() => revoke(key)}>
          Revoke<span className="visually-hidden"> {key.name}</span>
        </Button>
      ) : null,
  },
];

/** Keys of the tenant for pipelines: made, shown once, revoked. */
export function ApiKeys({ tenant }: { tenant: string }): ReactNode {
  const queries = useQueryClient();
  const refusal = useRefusal("admin");
  const { data, error, refetch } = useApiKeys(tenant, refusal === undefined);
  const [isMaking, setIsMaking] = useState(false);
  const [revoking, setRevoking] = useState<ApiKey | undefined>(undefined);
  const columns = useMemo(() => listColumns(setRevoking), []);
  const refresh = (): Promise<void> => queries.invalidateQueries({ queryKey: keys.apiKeys(tenant) });
  if (refusal !== undefined) {
    return (
      <Card title="API keys">
        <p className={styles["none"]}>{refusal} Keys are made, seen and revoked by admins and owners.</p>
      </Card>
    );
  }
  return (
    <Card
      title="API keys"
      aside={
        <Button size="small" icon={<Plus aria-hidden="true" />} onClick={() => setIsMaking(true)}>
          New key
        </Button>
      }
    >
      {error === null ? null : (
        <Failure title="The keys could not be read" error={error} onRetry={() => void refetch()} />
      )}
      {data === undefined && error === null ? <Skeleton label="keys" /> : null}
      {data === undefined ? null : (
        <DataTable
          label="keys"
          name="keys"
          rows={data}
          columns={columns}
          rowId={({ id }) => id}
          empty={<p className={styles["none"]}>None yet. A pipeline or a program uses the API with one.</p>}
        />
      )}
      <NewKey tenant={tenant} open={isMaking} onOpenChange={setIsMaking} onMade={() => void refresh()} />
      {revoking === undefined ? null : (
        <ConfirmDialog
          open
          onOpenChange={() => setRevoking(undefined)}
          title={`Revoke key ${revoking.name}?`}
          name={revoking.name}
          action="Revoke key"
          consequence="Whatever uses it is refused from now on, and its event streams end. It can’t be made valid again."
          onConfirm={async () => {
            await call(operations.revokeApiKey, { params: { tenant, apiKey: revoking.id } });
            await refresh();
          }}
        />
      )}
    </Card>
  );
}

function NewKey({
  tenant,
  open,
  onOpenChange,
  onMade,
}: {
  tenant: string;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onMade: () => void;
}): ReactNode {
  const [name, setName] = useState("");
  const [role, setRole] = useState<TenantRole>("operator");
  const idempotencyKeys = useIdempotencyKeys();
  const givable = useGivableRoles();
  const make = useMutation({
    mutationFn: () => {
      const body = { name, role };
      return call(operations.createApiKey, { params: { tenant }, body, idempotencyKey: idempotencyKeys.of(body) });
    },
    onSuccess: () => {
      idempotencyKeys.forget();
      onMade();
    },
  });
  const close = (next: boolean): void => {
    if (!next) {
      make.reset();
      setName("");
    }
    onOpenChange(next);
  };
  const text = make.data?.key;
  // The answer of the first try was lost, and with it the key: it is shown in one answer alone.
  const isLost = make.data !== undefined && typeof text !== "string";
  if (typeof text === "string") {
    return (
      <Dialog
        open={open}
        onOpenChange={close}
        title="The new key"
        description="This is the one time that it is shown. Keep it where your pipeline keeps secrets."
      >
        <CodeBlock text={text} label="the key" />
        <div className={styles["actions"]}>
          <Button kind="primary" onClick={() => close(false)}>
            I have kept it
          </Button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog
      open={open}
      onOpenChange={close}
      title="New API key"
      description="For a pipeline or a program. It may have at most your own role."
    >
      <form
        className={styles["form"]}
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate();
        }}
      >
        <TextField
          label="Name"
          value={name}
          onChange={(event) => setName(event.target.value)}
          error={findFieldError(make.error, "name")}
          maxLength={30}
          autoComplete="off"
          required
        />
        <SelectField
          label="Role"
          hint={roleWords[role]}
          value={role}
          onChange={(event) => setRole(readRole(event.target.value))}
          error={findFieldError(make.error, "role")}
        >
          {givable.map((value) => (
            <option key={value}>{value}</option>
          ))}
        </SelectField>
        {isLost ? (
          <Notice tone="warn" title="The key was made, but the answer with its text was lost">
            It can’t be shown again. Revoke {name}, and make another one under another name.
          </Notice>
        ) : null}
        {make.error === null || findFieldError(make.error, "name") !== undefined ? null : (
          <Failure title="The key was not made" error={make.error} />
        )}
        <div className={styles["actions"]}>
          <Button onClick={() => close(false)}>Cancel</Button>
          <Button type="submit" kind="primary" busy={make.isPending}>
            Make key
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
