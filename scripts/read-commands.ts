/** A block of shell commands in a document, and what its mark says of it. */
export interface CommandBlock {
  /** Of its first line, from 1. */
  line: number;
  text: string;
  /** Under which name a test runs it as it stands there; undefined where none does. */
  name: string | undefined;
  /** Whether it says that it is run, or why it is not. */
  isMarked: boolean;
}

/**
 * Lists the blocks of shell commands in a document's text. A comment before each says under which name a test runs it (`<!-- run: NAME -->`), or why none
 * does (`<!-- not run: REASON -->`).
 */
export function readCommands(text: string): CommandBlock[] {
  return [...text.matchAll(/(?:^<!-- (run|not run): (.+?) -->\n+)?^```sh\n([\s\S]*?)^```$/gm)].map((match) => {
    const [whole, kind, said, commands = ""] = match;
    const before = text.slice(0, match.index + whole.indexOf("```sh"));
    return {
      line: before.split("\n").length + 1,
      text: commands,
      name: kind === "run" ? said : undefined,
      isMarked: kind !== undefined,
    };
  });
}
