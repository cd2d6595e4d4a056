import { readEventPosition } from "@pilothouse/core";
import { getService } from "./service.ts";

/** Where the events stand as a page is made: what the page reads is newer, so its stream begins there, and nothing falls in between. */
export const findEventPosition = (): Promise<string> => readEventPosition(getService().database);
