"use client";
import { operations, type Tenant } from "@pilothouse/contract";
import { Building2 } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { useTenants } from "#client/admin-queries.ts";
import { call } from "#client/api.ts";
import { useIdempotencyKeys } from "#client/use-idempotency-key.ts";
import { Button } from "../button.tsx";
import { Card } from "../card.tsx";
import { type Column, DataTable } from "../data-table.tsx";
import { EmptyState } from "../empty-state.tsx";
import { Failure } from "../failure.tsx";
import { PageHeader } from "../page-header.tsx";
import { InviteMember } from "../settings/invite-member.tsx";
import { Skeleton } from "../skeleton.tsx";
import { TimeAgo } from "../time-ago.tsx";

const amount = (what: keyof Tenant["used"]) => ({
  cell: ({ used, limits }: Tenant) => `${used[what]} of ${limits[what]}`,
  sortBy: ({ used }: Tenant) => used[what],
});

const listColumns = (invite: (tenant: Tenant) => void): Column<Tenant>[] => [
  {
    id: "name",
    header: "Tenant",
    cell: ({ name, displayName }) => (displayName === name ? name : `${displayName} (${name})`),
    text: ({ name, displayName }) => `${name} ${displayName}`,
    sortBy: ({ name }) => name,
  },
  { id: "planes", header: "Control planes", ...amount("controlPlanes") },
  { id: "clusters", header: "Clusters", ...amount("clusters"), room: "wide" },
  { id: "revisions", header: "Revisions", ...amount("revisions"), room: "widest" },
  { id: "keys", header: "API keys", ...amount("apiKeys"), room: "widest" },
  {
    id: "created",
    header: "Since",
    cell: ({ createdAt }) => <TimeAgo at={createdAt} />,
    sortBy: ({ createdAt }) => createdAt,
    room: "wide",
  },
  {
    id: "invite",
    header: "Members",
    cell: (tenant) => (
      <Button size="small" onClick={() => invite(tenant)}>
        Invite<span className="visually-hidden"> somebody into {tenant.name}</span>
      </Button>
    ),
  },
];

/** All tenants with what they use of what they may have. */
export function TenantsPage(): ReactNode {
  const { data, error, refetch } = useTenants();
  const idempotencyKeys = useIdempotencyKeys();
  const [inviting, setInviting] = useState<Tenant | undefined>(undefined);
  const columns = useMemo(() => listColumns(setInviting), []);
  return (
    <>
      <PageHeader title="Tenants">What each uses, of what it may have.</PageHeader>
      {error === null ? null : (
        <Failure title="The tenants could not be read" error={error} onRetry={() => void refetch()} />
      )}
      {data === undefined && error === null ? (
        <Card>
          <Skeleton label="tenants" lines={6} />
        </Card>
      ) : null}
      {data === undefined ? null : (
        <DataTable
          label="tenants"
          rows={data}
          columns={columns}
          rowId={({ id }) => id}
          empty={
            <Card>
              <EmptyState picture={<Building2 />} title="No tenant yet">
                Make the first over REST: <code>POST /api/v1/admin/tenants</code>.
              </EmptyState>
            </Card>
          }
        />
      )}
      {inviting === undefined ? null : (
        <InviteMember
          open
          onOpenChange={() => setInviting(undefined)}
          onInvited={idempotencyKeys.forget}
          firstRole="owner"
          invite={(body) =>
            call(operations.addTenantMember, {
              params: { tenant: inviting.name },
              body,
              idempotencyKey: idempotencyKeys.of([inviting.name, body]),
            })
          }
        />
      )}
    </>
  );
}
