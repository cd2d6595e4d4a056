"use client";
import { type Member, operations, type TenantRole, tenantRoles } from "@pilothouse/contract";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { UserPlus } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { call } from "#client/api.ts";
import { keys } from "#client/keys.ts";
import { useMembers } from "#client/queries.ts";
import { useGivableRoles, useRefusal } from "#client/role.tsx";
import { useIdempotencyKeys } from "#client/use-idempotency-key.ts";
import { Button } from "../button.tsx";
import { Card } from "../card.tsx";
import { ConfirmDialog } from "../confirm-dialog.tsx";
import { type Column, DataTable } from "../data-table.tsx";
import { Dialog } from "../dialog.tsx";
import { Failure } from "../failure.tsx";
import { SelectField } from "../field.tsx";
import { Skeleton } from "../skeleton.tsx";
import { Status } from "../status.tsx";
import { TimeAgo } from "../time-ago.tsx";
import { InviteMember } from "./invite-member.tsx";
import { readRole, roleWords } from "./roles.ts";
import styles from "./settings.module.css";

const nameOf = ({ displayName, email }: Member): string => (displayName === "" ? email : displayName);

const listColumns = (
  refusal: string | undefined,
  change: (member: Member) => void,
  remove: (member: Member) => void,
): Column<Member>[] => [
  {
    id: "member",
    header: "Member",
    cell: (member) => (
      <>
        <strong>{nameOf(member)}</strong>
        {member.displayName === "" ? null : <span className={styles["address"]}>{member.email}</span>}
      </>
    ),
    text: ({ displayName, email }) => `${displayName} ${email}`,
    sortBy: nameOf,
    note: ({ role, isPending }) => (isPending ? `${role} · invited` : role),
  },
  {
    id: "role",
    header: "Role",
    cell: ({ role }) => role,
    text: ({ role }) => role,
    sortBy: ({ role }) => tenantRoles.indexOf(role),
    room: "wide",
  },
  {
    id: "state",
    header: "State",
    cell: ({ isPending, createdAt }) =>
      isPending ? (
        <Status tone="off" quiet>
          invited
        </Status>
      ) : (
        <>
          since <TimeAgo at={createdAt} />
        </>
      ),
    text: ({ isPending }) => (isPending ? "invited" : "member"),
    sortBy: ({ createdAt }) => createdAt,
    room: "wide",
  },
  {
    id: "actions",
    header: "Change",
    align: "end",
    cell: (member) => (
      <span className={styles["buttons"]}>
        {member.isPending ? null : (
          <Button size="small" refusal={refusal} onClick={() => change(member)}>
            Change<span className="visually-hidden"> the role of {nameOf(member)}</span>
          </Button>
        )}
        <Button size="small" kind="danger" refusal={refusal} onClick={() => remove(member)}>
          Remove<span className="visually-hidden"> {nameOf(member)}</span>
        </Button>
      </span>
    ),
  },
];

/** Who belongs to the tenant, and what each may do. */
export function Members({ tenant }: { tenant: string }): ReactNode {
  const queries = useQueryClient();
  const { data, error, refetch } = useMembers(tenant);
  const idempotencyKeys = useIdempotencyKeys();
  const refusal = useRefusal("admin");
  const [isInviting, setIsInviting] = useState(false);
  const [changing, setChanging] = useState<Member | undefined>(undefined);
  const [removing, setRemoving] = useState<Member | undefined>(undefined);
  const columns = useMemo(() => listColumns(refusal, setChanging, setRemoving), [refusal]);
  const refresh = (): Promise<void> => queries.invalidateQueries({ queryKey: keys.members(tenant) });
  return (
    <Card
      title="Members"
      aside={
        <Button
          size="small"
          icon={<UserPlus aria-hidden="true" />}
          refusal={refusal}
          onClick={() => setIsInviting(true)}
        >
          Invite
        </Button>
      }
    >
      {error === null ? null : (
        <Failure title="The members could not be read" error={error} onRetry={() => void refetch()} />
      )}
      {data === undefined && error === null ? <Skeleton label="members" /> : null}
      {data === undefined ? null : (
        <DataTable
          label="members"
          name="members"
          rows={data}
          columns={columns}
          rowId={({ email }) => email}
          empty={<p className={styles["none"]}>Nobody yet. Whoever you invite signs in, and sees this tenant.</p>}
        />
      )}
      <InviteMember
        open={isInviting}
        onOpenChange={setIsInviting}
        onInvited={() => {
          idempotencyKeys.forget();
          void refresh();
        }}
        invite={(body) =>
          call(operations.addMember, { params: { tenant }, body, idempotencyKey: idempotencyKeys.of(body) })
        }
      />
      {changing === undefined ? null : (
        <ChangeRole
          tenant={tenant}
          member={changing}
          onClose={() => setChanging(undefined)}
          onChanged={() => void refresh()}
        />
      )}
      {removing === undefined ? null : (
        <ConfirmDialog
          open
          onOpenChange={() => setRemoving(undefined)}
          title={removing.isPending ? `Take the invitation of ${removing.email} back?` : `Remove ${nameOf(removing)}?`}
          name={removing.email}
          action={removing.isPending ? "Take back" : "Remove member"}
          consequence={
            removing.isPending
              ? "The link no longer works. The person can be invited again."
              : "Nothing of this tenant is open to this person from now on. API keys that were made stay valid: revoke them beside."
          }
          onConfirm={async () => {
            await call(operations.removeMember, { params: { tenant, member: removing.id } });
            await refresh();
          }}
        />
      )}
    </Card>
  );
}

function ChangeRole({
  tenant,
  member,
  onClose,
  onChanged,
}: {
  tenant: string;
  member: Member;
  onClose: () => void;
  onChanged: () => void;
}): ReactNode {
  const [role, setRole] = useState<TenantRole>(member.role);
  const givable = useGivableRoles();
  const change = useMutation({
    mutationFn: () =>
      call(operations.changeMember, {
        params: { tenant, member: member.id },
        body: { role },
        ifMatch: `"${member.generation}"`,
      }),
    onSuccess: () => {
      onChanged();
      onClose();
    },
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Role of ${nameOf(member)}`}
      description="It holds from the next request on. You can give at most your own role."
    >
      <form
        className={styles["form"]}
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate();
        }}
      >
        <SelectField
          label="Role"
          hint={roleWords[role]}
          value={role}
          onChange={(event) => setRole(readRole(event.target.value))}
        >
          {tenantRoles
            .filter((value) => value === member.role || givable.includes(value))
            .map((value) => (
              <option key={value}>{value}</option>
            ))}
        </SelectField>
        {change.error === null ? null : <Failure title="The role was not changed" error={change.error} />}
        <div className={styles["actions"]}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" busy={change.isPending} disabled={role === member.role}>
            Change role
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
