import { isAlias, isScalar, LineCounter, parseAllDocuments, visit } from "yaml";
import type { Node } from "yaml";
import { createKubeconfigError } from "./kubeconfig-error.ts";

/** A kubeconfig with a dozen contexts and their certificates has some 60 KiB. The most contrived text takes a second to refuse. */
const longestKubeconfigBytes = 128 * 1024;

/**
 * Reads the YAML (or JSON) of a kubeconfig as plain data. Nothing of the text goes into error messages, since it holds secrets.
 *
 * @throws ProvisionerError (kind user) with the codes KubeconfigEmpty, -TooLarge, -NotYaml, -SeveralDocuments, -HasAliases
 */
export function readKubeconfigText(text: string): unknown {
  const bytes = Buffer.byteLength(text);
  if (bytes > longestKubeconfigBytes) {
    throw createKubeconfigError(
      "KubeconfigTooLarge",
      "kubeconfig",
      `The kubeconfig has ${bytes} bytes; ${longestKubeconfigBytes} are the most. Leave only the context in use, as \`kubectl config view --minify --flatten\` prints it.`,
    );
  }
  if (text.trim() === "") {
    throw createKubeconfigError(
      "KubeconfigEmpty",
      "kubeconfig",
      "The kubeconfig is empty. Paste the file's whole text.",
    );
  }
  try {
    return readDocument(text);
  } catch (error) {
    // Nesting deeper than the parser's stack.
    if (error instanceof RangeError) throw createYamlError("it is nested too deeply");
    throw error;
  }
}

function readDocument(text: string): unknown {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    // Pretty errors quote the text.
    prettyErrors: false,
    logLevel: "silent",
    // Looked at below: the parser's own check takes quadratic time.
    uniqueKeys: false,
    merge: false,
  });
  const [document, second] = "empty" in documents ? [] : documents;
  if (document === undefined) {
    throw createKubeconfigError(
      "KubeconfigEmpty",
      "kubeconfig",
      "The kubeconfig has nothing but comments. Paste the file's whole text.",
    );
  }
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw createYamlError(`line ${line}, column ${col} (${problem.code})`);
  }
  if (second !== undefined) {
    throw createKubeconfigError(
      "KubeconfigSeveralDocuments",
      "kubeconfig",
      "The text has more than one YAML document (a line `---` parts them). Paste one kubeconfig.",
    );
  }
  visit(document, {
    Map(_key, map) {
      refuseAnchor(map);
      const keys = new Set(map.items.map(({ key }) => (isScalar(key) ? key.value : key)));
      if (keys.size < map.items.length) throw createYamlError("it has a field twice in one place");
    },
    Node: (_key, node) => refuseAnchor(node),
  });
  return document.toJS({ maxAliasCount: 0 });
}

function createYamlError(where: string) {
  return createKubeconfigError(
    "KubeconfigNotYaml",
    "kubeconfig",
    `The kubeconfig is not valid YAML: ${where}. Paste the file as it is, with its indentation.`,
  );
}

function refuseAnchor(node: Node): void {
  if (!isAlias(node) && !("anchor" in node && node.anchor !== undefined)) return;
  throw createKubeconfigError(
    "KubeconfigHasAliases",
    "kubeconfig",
    "The kubeconfig uses YAML anchors or aliases (`&name`, `*name`). Write the values out, as `kubectl config view --minify --flatten` prints them.",
  );
}
