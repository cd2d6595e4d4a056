import { z } from "zod";
import { defineOperation } from "../define-operation.ts";
import { answered, nothing } from "./forms.ts";

export const getOpenApiDocument = defineOperation({
  id: "getOpenApiDocument",
  method: "GET",
  path: "/openapi.json",
  summary: "Reads this document",
  tag: "Document",
  scope: { kind: "public" },
  params: nothing,
  query: nothing,
  body: undefined,
  responses: { 200: answered(z.record(z.string(), z.unknown()), "OpenAPI 3.1") },
  problems: [],
});
