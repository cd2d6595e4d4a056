import { defineOperation } from "../define-operation.ts";
import { setupSchema } from "../resources/setup.ts";
import { answered, nothing } from "./forms.ts";

export const getSetup = defineOperation({
  id: "getSetup",
  method: "GET",
  path: "/setup",
  summary: "Tells how far `npm run up` is",
  tag: "Setup",
  scope: { kind: "anyone" },
  params: nothing,
  query: nothing,
  body: undefined,
  responses: { 200: answered(setupSchema) },
  problems: [],
});
