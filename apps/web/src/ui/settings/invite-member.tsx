"use client";
import { type NewMember, type TenantRole } from "@pilothouse/contract";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { findFieldError } from "#client/queries.ts";
import { useGivableRoles } from "#client/role.tsx";
import { Button } from "../button.tsx";
import { CodeBlock } from "../code-block.tsx";
import { Dialog } from "../dialog.tsx";
import { Failure } from "../failure.tsx";
import { Notice } from "../notice.tsx";
import { SelectField, TextField } from "../field.tsx";
import { readRole, roleWords } from "./roles.ts";
import styles from "./settings.module.css";

interface InviteProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  invite: (body: { email: string; displayName?: string; role: TenantRole }) => Promise<NewMember>;
  onInvited: () => void;
  /** That is offered first. */
  firstRole?: TenantRole;
}

/** Invites somebody by a link that is shown once. */
export function InviteMember({
  open,
  onOpenChange,
  invite,
  onInvited,
  firstRole = "operator",
}: InviteProps): ReactNode {
  const [email, setEmail] = useState("");
  const [displayName, setDisplayName] = useState("");
  const [role, setRole] = useState<TenantRole>(firstRole);
  const givable = useGivableRoles();
  const make = useMutation({
    mutationFn: () => invite({ email, role, ...(displayName.trim() === "" ? {} : { displayName }) }),
    onSuccess: onInvited,
  });
  const close = (next: boolean): void => {
    if (!next) {
      make.reset();
      setEmail("");
      setDisplayName("");
      setRole(firstRole);
    }
    onOpenChange(next);
  };
  const token = make.data?.invitation?.token;
  if (token !== undefined) {
    return (
      <Dialog
        open={open}
        onOpenChange={close}
        title={`Invitation for ${email}`}
        description="Send this link to the person yourself. It is shown this once, works once, and only for this address."
      >
        <CodeBlock text={`${globalThis.location.origin}/invitations/${token}`} label="the link" />
        <div className={styles["actions"]}>
          <Button kind="primary" onClick={() => close(false)}>
            Done
          </Button>
        </div>
      </Dialog>
    );
  }
  // The answer of the first try was lost, and with it the link: it is shown in one answer alone.
  const isLost = make.data !== undefined && token === undefined;
  const emailError = findFieldError(make.error, "email");
  return (
    <Dialog
      open={open}
      onOpenChange={close}
      title="Invite a member"
      description="You get a link for the person. Nothing is open to anybody before it is used."
    >
      <form
        className={styles["form"]}
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate();
        }}
      >
        <TextField
          label="E-mail"
          type="email"
          value={email}
          onChange={(event) => setEmail(event.target.value)}
          error={emailError}
          autoComplete="off"
          required
        />
        <TextField
          label="Name (optional)"
          value={displayName}
          onChange={(event) => setDisplayName(event.target.value)}
          error={findFieldError(make.error, "displayName")}
          maxLength={100}
          autoComplete="off"
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
          <Notice tone="warn" title="The invitation was made, but the answer with its link was lost">
            It can’t be shown again. Take the invitation back under Members, and make another one.
          </Notice>
        ) : null}
        {make.error === null || emailError !== undefined ? null : (
          <Failure title="Nobody was invited" error={make.error} />
        )}
        <div className={styles["actions"]}>
          <Button onClick={() => close(false)}>Cancel</Button>
          <Button type="submit" kind="primary" busy={make.isPending}>
            Make invitation
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
