import { setUpFleet } from "./set-up-fleet.ts";
import { suiteFleets } from "./test-fleet.ts";

/** Brings up the fleet of the suite `small`. */
export const setup = (): ReturnType<typeof setUpFleet> => setUpFleet(suiteFleets.small);
