import { Command, CommanderError } from "commander";
import { packageVersion } from "../wiring/version.ts";
import { addAdopt } from "./adopt.ts";
import { addBackup } from "./backup.ts";
import type { Program } from "./command.ts";
import { addCompletion } from "./completion.ts";
import { addDev } from "./dev.ts";
import { EXIT, type Exit, exitOf, failureOf } from "./failures.ts";
import { addFleetCommands } from "./fleet.ts";
import { addHouseCommands } from "./house.ts";
import { addOpenApi } from "./openapi.ts";
import { addOperations } from "./operations.ts";
import { addResolve } from "./resolve.ts";
import { addTenants } from "./tenants.ts";

/** Runs the command that the arguments name, and answers the exit code. */
export async function run(args: readonly string[], process: Program["process"]): Promise<Exit> {
  let exit: Exit = EXIT.done;
  const program = createProgram({
    process,
    end: (code) => {
      exit = code;
    },
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return exit;
  } catch (error) {
    // Commander has already said what is wrong.
    if (!(error instanceof CommanderError)) report(error, args.includes("--json"), process);
    return exitOf(error);
  }
}

function report(error: unknown, isJson: boolean, { stderr }: Program["process"]): void {
  const failure = failureOf(error);
  stderr.write(isJson ? `${JSON.stringify({ error: failure })}\n` : `error: ${failure.message}\n`);
}

/** All commands there are. */
export function createProgram(program: Program): Command {
  const { stdout, stderr } = program.process;
  const root = new Command("rowhouse")
    .description("Authentication for many tenants, each in a database of its own.")
    .version(packageVersion(), "-v, --version", "print the version")
    .helpOption("-h, --help", "explain a command, with examples")
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
    })
    .showHelpAfterError("Add --help for what is possible, with examples.")
    .addHelpText("after", EXITS);
  addDev(root, program);
  addHouseCommands(root, program);
  addTenants(root, program);
  addFleetCommands(root, program);
  addOperations(root, program);
  addResolve(root, program);
  addAdopt(root, program);
  addBackup(root, program);
  addOpenApi(root, program);
  addCompletion(root, program);
  return root;
}

const EXITS = `
Exit codes: 0 done, 1 failed, 2 wrong use, 3 done in part: something has failed or is left.
Settings come from the environment and .env, as those of the service do.`;
