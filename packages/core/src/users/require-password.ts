import { DomainError } from "../errors.ts";
import { longestPassword, shortestPassword } from "./hash-password.ts";

/** @throws DomainError InvalidField when a new password is too short, too long, or the address itself */
export function requirePassword(password: string, email: string): void {
  const refuse = (why: string): never => {
    throw new DomainError("InvalidField", why, { parameter: "password" });
  };
  if (password.length < shortestPassword)
    refuse(`The password has ${password.length} characters and needs at least ${shortestPassword}.`);
  if (password.length > longestPassword) refuse(`The password has more than ${longestPassword} characters.`);
  if (password.trim().toLowerCase() === email) refuse("The password is the e-mail address. Choose another.");
}
