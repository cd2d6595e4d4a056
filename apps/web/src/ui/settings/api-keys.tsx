"use client";
import { type ApiKey, operations, tenantRoles } from "@pilothouse/contract";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { type ReactNode, useState } from "react";
import { call } from "#client/api.ts";
import { keys } from "#client/keys.ts";
import { findFieldError } from "#client/queries.ts";
import { Button } from "../button.tsx";
import { Card } from "../card.tsx";
import { CodeBlock } from "../code-block.tsx";
import { ConfirmDialog } from "../confirm-dialog.tsx";
import { Dialog } from "../dialog.tsx";
import { SelectField, TextField } from "../field.tsx";
import { Notice } from "../notice.tsx";
import { Skeleton } from "../skeleton.tsx";
import { Status } from "../status.tsx";
import { TimeAgo } from "../time-ago.tsx";
import { readRole, roleWords } from "./roles.ts";
import styles from "./settings.module.css";

/** Keys of the tenant for pipelines: made, shown once, revoked. */
export function ApiKeys({ tenant }: { tenant: string }): ReactNode {
  const queries = useQueryClient();
  const { data, error } = useQuery({
    queryKey: keys.apiKeys(tenant),
    queryFn: ({ signal }) => call(operations.listApiKeys, { params: { tenant }, query: { limit: 100 }, signal }),
  });
  const [isMaking, setIsMaking] = useState(false);
  const [revoking, setRevoking] = useState<ApiKey | undefined>(undefined);
  const refresh = (): Promise<void> => queries.invalidateQueries({ queryKey: keys.apiKeys(tenant) });
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
        <Notice tone="info" title="Keys are for admins and owners">
          {error.message}
        </Notice>
      )}
      {data === undefined && error === null ? <Skeleton label="keys" /> : null}
      <ul className={styles["rows"]}>
        {data?.items.map((key) => (
          <li key={key.id}>
            <span>
              <strong>{key.name}</strong> <code>{key.prefix}…</code>
            </span>
            <span>{key.role}</span>
            <span>
              {key.revokedAt === null ? (
                <>
                  made <TimeAgo at={key.createdAt} />
                </>
              ) : (
                <Status tone="off">revoked</Status>
              )}
            </span>
            {key.revokedAt === null ? (
              <Button size="small" kind="danger" onClick={() => setRevoking(key)}>
                Revoke<span className="visually-hidden"> {key.name}</span>
              </Button>
            ) : null}
          </li>
        ))}
      </ul>
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
  const [role, setRole] = useState<(typeof tenantRoles)[number]>("operator");
  const make = useMutation({
    mutationFn: () => call(operations.createApiKey, { params: { tenant }, body: { name, role } }),
    onSuccess: onMade,
  });
  const close = (next: boolean): void => {
    if (!next) {
      make.reset();
      setName("");
    }
    onOpenChange(next);
  };
  const text = make.data?.key;
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
          {tenantRoles.map((value) => (
            <option key={value}>{value}</option>
          ))}
        </SelectField>
        {make.error === null ? null : <Notice tone="bad" title={make.error.message} />}
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
