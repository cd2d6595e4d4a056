"use client";
import { type Member, operations, type TenantRole, tenantRoles } from "@pilothouse/contract";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { UserPlus } from "lucide-react";
import { type ReactNode, useState } from "react";
import { call } from "#client/api.ts";
import { keys } from "#client/keys.ts";
import { useMembers } from "#client/queries.ts";
import { Button } from "../button.tsx";
import { Card } from "../card.tsx";
import { ConfirmDialog } from "../confirm-dialog.tsx";
import { Dialog } from "../dialog.tsx";
import { SelectField } from "../field.tsx";
import { Notice } from "../notice.tsx";
import { Skeleton } from "../skeleton.tsx";
import { Status } from "../status.tsx";
import { TimeAgo } from "../time-ago.tsx";
import { InviteMember } from "./invite-member.tsx";
import { readRole, roleWords } from "./roles.ts";
import styles from "./settings.module.css";

const nameOf = ({ displayName, email }: Member): string => (displayName === "" ? email : displayName);

/** Who belongs to the tenant, and what each may do. */
export function Members({ tenant }: { tenant: string }): ReactNode {
  const queries = useQueryClient();
  const { data, error } = useMembers(tenant);
  const [isInviting, setIsInviting] = useState(false);
  const [changing, setChanging] = useState<Member | undefined>(undefined);
  const [removing, setRemoving] = useState<Member | undefined>(undefined);
  const refresh = (): Promise<void> => queries.invalidateQueries({ queryKey: keys.members(tenant) });
  return (
    <Card
      title="Members"
      aside={
        <Button size="small" icon={<UserPlus aria-hidden="true" />} onClick={() => setIsInviting(true)}>
          Invite
        </Button>
      }
    >
      {error === null ? null : (
        <Notice tone="bad" title="The members could not be read">
          {error.message}
        </Notice>
      )}
      {data === undefined && error === null ? <Skeleton label="members" /> : null}
      {data?.items.length === 0 ? (
        <p className={styles["none"]}>Nobody yet. Whoever you invite signs in, and sees this tenant.</p>
      ) : null}
      <ul className={styles["rows"]}>
        {data?.items.map((member) => (
          <li key={member.id} data-member={member.email}>
            <span>
              <strong>{nameOf(member)}</strong> {member.displayName === "" ? null : member.email}
            </span>
            <span>{member.role}</span>
            <span>
              {member.isPending ? (
                <Status tone="busy">invited</Status>
              ) : (
                <>
                  since <TimeAgo at={member.createdAt} />
                </>
              )}
            </span>
            <span className={styles["buttons"]}>
              {member.isPending ? null : (
                <Button size="small" onClick={() => setChanging(member)}>
                  Change<span className="visually-hidden"> the role of {nameOf(member)}</span>
                </Button>
              )}
              <Button size="small" kind="danger" onClick={() => setRemoving(member)}>
                Remove<span className="visually-hidden"> {nameOf(member)}</span>
              </Button>
            </span>
          </li>
        ))}
      </ul>
      <InviteMember
        open={isInviting}
        onOpenChange={setIsInviting}
        onInvited={() => void refresh()}
        invite={(body) => call(operations.addMember, { params: { tenant }, body, idempotencyKey: crypto.randomUUID() })}
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
          {tenantRoles.map((value) => (
            <option key={value}>{value}</option>
          ))}
        </SelectField>
        {change.error === null ? null : <Notice tone="bad" title={change.error.message} />}
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
