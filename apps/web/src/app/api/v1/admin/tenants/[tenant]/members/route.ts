import { operations } from "@pilothouse/contract";
import { addTenantMember } from "@pilothouse/core";
import { route } from "#server/route.ts";

export const POST = route(operations.addTenantMember, ({ context, params, body }) =>
  addTenantMember(context, { tenant: params.tenant, body }),
);

export {
  answerOther as OPTIONS,
  answerOther as GET,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
  answerOther as HEAD,
} from "#server/answer-other.ts";
