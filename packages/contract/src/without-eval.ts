import { z } from "zod";

// Schemas try whether they may compile themselves. A page whose policy forbids that would report it, so there they don't try.
if ("document" in globalThis) z.config({ jitless: true });
