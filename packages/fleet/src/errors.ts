/** An error whose message is meant for the person at the terminal: what happened, where, why, and what to do next. */
export class FleetError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "FleetError";
  }
}
