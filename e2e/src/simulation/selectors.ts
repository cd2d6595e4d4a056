import type { KubeObject } from "@pilothouse/provisioner";
import { listAt, stringsAt, textAt } from "./values.ts";

type Labels = Record<string, string>;
type Test = (labels: Labels) => boolean;

function readRequirement(text: string): Test {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(text);
  if (set !== null) {
    const [, key = "", operator, list = ""] = set;
    const values = list.split(",").map((value) => value.trim());
    return operator === "in"
      ? (labels) => values.includes(labels[key] ?? "\0")
      : (labels) => !values.includes(labels[key] ?? "\0");
  }
  if (text.startsWith("!")) return (labels) => labels[text.slice(1)] === undefined;
  const [, key = "", operator = "", value = ""] = /^([^=!]+?)\s*(==|=|!=)\s*(.*)$/.exec(text) ?? [];
  if (operator === "") return (labels) => labels[text] !== undefined;
  return operator === "!=" ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
}

/** A test for a list's `labelSelector`. */
export function readLabelSelector(selector: string): (object: KubeObject) => boolean {
  const tests = selector
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map(readRequirement);
  return ({ metadata: { labels = {} } }) => tests.every((test) => test(labels));
}

/** A test for a list's `fieldSelector`: name and namespace, as all kinds know them. */
export function readFieldSelector(selector: string): (object: KubeObject) => boolean {
  const wanted = selector
    .split(",")
    .filter((part) => part !== "")
    .map((part) => /^([^=!]+?)(!=|==?)(.*)$/.exec(part) ?? []);
  return ({ metadata }) =>
    wanted.every(([, field = "", operator, value]) => {
      const found = field === "metadata.name" ? metadata.name : (metadata.namespace ?? "");
      return operator === "!=" ? found !== value : found === value;
    });
}

/** The one name that a list's `fieldSelector` asks for; "" when it asks for none. Rights to that name are rights to such a list. */
export const readSelectedName = (selector: string): string =>
  /(?:^|,)metadata\.name==?([^,]*)(?:,|$)/.exec(selector)?.[1] ?? "";

/** Whether labels meet a LabelSelector object, such as a webhook's. */
export function matchesSelector(selector: unknown, labels: Labels): boolean {
  const matchLabels = Object.entries(stringsAt(selector, "matchLabels"));
  if (!matchLabels.every(([key, value]) => labels[key] === value)) return false;
  return listAt(selector, "matchExpressions").every((expression) => {
    const found = labels[textAt(expression, "key")];
    const values = listAt(expression, "values");
    switch (textAt(expression, "operator")) {
      case "In":
        return found !== undefined && values.includes(found);
      case "NotIn":
        return found === undefined || !values.includes(found);
      case "Exists":
        return found !== undefined;
      default:
        return found === undefined;
    }
  });
}
