import { defineOperation } from "../define-operation.ts";
import { catalogueSchema } from "../resources/catalogue.ts";
import { answered, nothing } from "./forms.ts";

export const getCatalogue = defineOperation({
  id: "getCatalogue",
  method: "GET",
  path: "/catalogue",
  summary: "Reads what can be ordered: version lines with their versions, regions and seeds",
  tag: "Catalogue",
  scope: { kind: "anyone" },
  params: nothing,
  query: nothing,
  body: undefined,
  responses: { 200: answered(catalogueSchema) },
  problems: [],
});
