/** Ends with 1, and says how to get one, when this machine has no browser for the tests of the portal. */
import { findBrowser } from "../../src/portal/find-browser.ts";

try {
  findBrowser(process.env);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
