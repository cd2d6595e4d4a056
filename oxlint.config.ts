import { defineConfig } from "oxlint";
import type { OxlintOverride } from "oxlint";
import { fencedPackages, packageRules, scope } from "./scripts/import-rules.ts";
import type { PackageRule } from "./scripts/import-rules.ts";

/** Programs that a person or a runner starts: only they may read the environment and print. */
const entryPoints = [
  "packages/*/src/cli.ts",
  "apps/launcher/src/{cli,keeper}.ts",
  "apps/launcher/tests/**",
  "apps/launcher/src/*.test.ts",
  "apps/worker/src/{main,keys-cli}.ts",
  // Next calls these two when it starts.
  "apps/web/src/{instrumentation,server/config}.ts",
  "apps/web/tests/support/{build-web,schemathesis,web-server}.ts",
  "apps/worker/tests/support/bench.ts",
  "e2e/src/{main-job,bench,lighthouse,load,load-portal,screenshots,stage}.ts",
  "scripts/{build-web,test,verify}.ts",
  "scripts/node.mjs",
  "scripts/*.test.ts",
  "packages/core/tests/{serve.test,support/service-setup}.ts",
  "e2e/tests/**",
];

/** The lint side of the import table; scripts/check-imports.ts checks the same table where lint can't see. */
function listImportPatterns({ name, ours }: PackageRule) {
  const fences = fencedPackages.filter(({ importers }) => !importers.includes(name));
  return [
    {
      group: [`${scope}*`, ...ours.map((allowed) => `!${scope}${allowed}`)],
      message: `${name} may import ${ours.join(", ") || "nothing"} of ours.`,
    },
    { group: [`${scope}*/**`], message: "A package is imported by its name only." },
    ...fences.map((fence) => ({
      group: [fence.name, `${fence.name}/**`],
      message: `Only ${fence.importers.join(", ")} may import ${fence.name}.`,
    })),
  ];
}

const environmentPaths = [{ name: "node:process", importNames: ["env"], message: "Hand the configuration in." }];

function restrictImports(rule: PackageRule): OxlintOverride {
  const restrictions = { paths: environmentPaths, patterns: listImportPatterns(rule) };
  return { files: [`${rule.directory}/**`], rules: { "eslint/no-restricted-imports": ["error", restrictions] } };
}

export default defineConfig({
  plugins: ["typescript", "unicorn", "oxc", "import", "node", "promise", "vitest"],
  categories: { correctness: "error", suspicious: "error" },
  options: { typeAware: true, denyWarnings: true, reportUnusedDisableDirectives: "error" },
  rules: {
    "typescript/consistent-return": "off",
    "unicorn/consistent-function-scoping": "off",
    "import/no-unassigned-import": "off",
    "eslint/eqeqeq": ["error", "always"],
    "eslint/max-lines": ["error", { max: 350 }],
    "eslint/no-console": "error",
    "eslint/no-restricted-imports": ["error", { paths: environmentPaths }],
    "eslint/no-var": "error",
    "eslint/prefer-const": "error",
    "import/no-cycle": "error",
    "import/no-default-export": "error",
    "import/no-duplicates": "error",
    "node/no-process-env": "error",
    "typescript/ban-ts-comment": "error",
    "typescript/consistent-type-imports": "error",
    "typescript/no-deprecated": "error",
    "typescript/no-explicit-any": "error",
    "typescript/no-floating-promises": "error",
    "typescript/no-misused-promises": "error",
    "typescript/no-non-null-assertion": "error",
    "typescript/no-require-imports": "error",
    "typescript/no-unsafe-argument": "error",
    "typescript/no-unsafe-assignment": "error",
    "typescript/no-unsafe-call": "error",
    "typescript/no-unsafe-member-access": "error",
    "typescript/no-unsafe-return": "error",
    "typescript/no-unsafe-type-assertion": "error",
    "typescript/only-throw-error": "error",
    "typescript/prefer-promise-reject-errors": "error",
    "typescript/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
    "unicorn/filename-case": ["error", { case: "kebabCase" }],
    "unicorn/prefer-node-protocol": "error",
    "unicorn/throw-new-error": "error",
    "vitest/expect-expect": ["error", { assertFunctionNames: ["expect", "expect*"] }],
    "vitest/no-disabled-tests": "error",
    "vitest/no-focused-tests": "error",
  },
  overrides: [
    ...packageRules.map(restrictImports),
    {
      files: entryPoints,
      rules: { "eslint/no-console": "off", "node/no-process-env": "off" },
    },
    {
      files: [
        "*.config.ts",
        "apps/web/next.config.ts",
        "apps/web/tests/support/build-web.ts",
        "scripts/test-reporter.ts",
      ],
      rules: { "import/no-default-export": "off" },
    },
    // Plain JavaScript that must run before TypeScript can has no types to check.
    {
      files: ["scripts/node.mjs"],
      rules: {
        "typescript/no-unsafe-argument": "off",
        "typescript/no-unsafe-assignment": "off",
        "typescript/no-unsafe-call": "off",
        "typescript/no-unsafe-member-access": "off",
        "typescript/no-unsafe-return": "off",
        "typescript/prefer-promise-reject-errors": "off",
      },
    },
    // Next's own names of files and folders, and pages are what their files export by default.
    { files: ["apps/web/src/app/**"], rules: { "unicorn/filename-case": "off", "import/no-default-export": "off" } },
    { files: ["**/*.test.ts"], rules: { "eslint/max-lines": ["error", { max: 500 }] } },
  ],
});
