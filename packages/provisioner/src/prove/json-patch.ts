interface Operation {
  op: string;
  path: string;
  value?: unknown;
}

/**
 * Applies the operations of RFC 6902 that istiod's injector sends (add, remove, replace) to a copy of `document`. Throws on
 * any other, and on a path that leads nowhere.
 */
export function applyJsonPatch(document: unknown, operations: readonly Operation[]): unknown {
  let root: unknown = structuredClone(document);
  for (const { op, path, value } of operations) {
    const keys = path
      .split("/")
      .slice(1)
      .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = keys.pop();
    if (last === undefined) root = value;
    else applyAt(findParent(root, keys, path), last, { op, path, value });
  }
  return root;
}

function findParent(root: unknown, keys: readonly string[], path: string): Container {
  let at = root;
  for (const key of keys) at = isContainer(at) ? readField(at, key) : undefined;
  if (!isContainer(at)) throw new Error(`the patch has a path that leads nowhere: ${path}`);
  return at;
}

type Container = unknown[] | Record<string, unknown>;

function isContainer(value: unknown): value is Container {
  return typeof value === "object" && value !== null;
}

function readField(container: Container, key: string): unknown {
  if (Array.isArray(container)) return container[Number(key)];
  return Object.hasOwn(container, key) ? container[key] : undefined;
}

function applyAt(parent: Container, key: string, { op, path, value }: Operation): void {
  if (op !== "add" && op !== "replace" && op !== "remove") throw new Error(`the patch has an operation ${op}`);
  if (Array.isArray(parent)) {
    const index = key === "-" ? parent.length : Number(key);
    if (!Number.isInteger(index) || index < 0 || index > parent.length) {
      throw new Error(`the patch has a path that leads nowhere: ${path}`);
    }
    if (op === "remove") parent.splice(index, 1);
    else parent.splice(index, op === "add" ? 0 : 1, value);
  } else if (op === "remove") Reflect.deleteProperty(parent, key);
  else Object.defineProperty(parent, key, { value, enumerable: true, writable: true, configurable: true });
}
