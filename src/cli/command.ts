import type { Command } from "commander";
import { EXIT, type Exit } from "./failures.ts";
import { createOutput, type Output } from "./output.ts";

/** What every command is given besides its own arguments. */
export interface Cli {
  readonly out: Output;
}

export interface CommonOptions {
  readonly json?: true;
}

/** One that speaks to a running server. */
export interface ServerOptions extends CommonOptions {
  readonly url?: string;
}

/** What a command does; how it ends, when it is not simply done. */
export type Action<A extends readonly unknown[], O> = (
  cli: Cli,
  ...args: [...A, O]
) => Exit | Promise<Exit> | Promise<void>;

/** Ends a program: keeps the exit code of the command that ran. */
export interface Program {
  readonly process: Pick<NodeJS.Process, "stdout" | "stderr">;
  end(exit: Exit): void;
}

/** A group of commands, which does nothing by itself. */
export const group = (parent: Command, name: string, description: string): Command =>
  parent.command(name).summary(description).description(`${description}.`);

/** Describes a command that does something: with `--json`, and examples below its help. */
export function describe(command: Command, description: string, examples: readonly string[]): Command {
  return command
    .summary(description)
    .description(`${description}.`)
    .option("--json", "print the result as one JSON document")
    .addHelpText("after", `\nExamples:\n${examples.map((example) => `  $ ${example}`).join("\n")}`);
}

/** The option of those that speak to a running server. */
export const withServer = (command: Command): Command =>
  command.option("--url <url>", "the running server; default: ROWHOUSE_URL, else the ISSUER of the settings");

/** Says what a command does. */
export function does<A extends readonly unknown[], O extends CommonOptions>(
  command: Command,
  program: Program,
  action: Action<A, O>,
): void {
  command.action(async (...given: unknown[]) => {
    // Commander adds the options and the command itself to the arguments.
    const options = given.at(-2) as O;
    const args = given.slice(0, -2) as unknown as A;
    const out = createOutput(options.json === true, program.process);
    program.end((await action({ out }, ...args, options)) ?? EXIT.done);
  });
}
