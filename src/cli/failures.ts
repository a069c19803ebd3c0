import { CommanderError } from "commander";
import { type ErrorCode, PlatformError } from "../domain/errors.ts";

/** What a command's exit code says. */
export const EXIT = {
  done: 0,
  failed: 1,
  /** The command, its options or the settings are wrong; nothing has happened. */
  wrongUse: 2,
  /** It went to its end, but something has failed, or is left as it should not be. */
  partial: 3,
} as const;
export type Exit = (typeof EXIT)[keyof typeof EXIT];

/** Throws for a wrong use of a command: what it was, and what would be right. */
export const wrongUse = (reason: string, message: string) => new PlatformError("invalid", reason, message);

/** How a command ends that threw this. */
export function exitOf(error: unknown): Exit {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.wrongUse;
  return error instanceof PlatformError && error.code === "invalid" ? EXIT.wrongUse : EXIT.failed;
}

/** What went wrong, for programs. A mistake of ours shows its stack to nobody who did not ask for it. */
export function failureOf(error: unknown): {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly message: string;
} {
  if (error instanceof PlatformError) return { code: error.code, reason: error.reason, message: error.message };
  const message = error instanceof Error ? error.message : String(error);
  return { code: "internal", reason: "unexpected", message };
}
