import bars from "cli-progress";
import type { FleetOperation } from "../http/operations/fleet-schemas.ts";
import type { Output } from "./output.ts";

/** How an operation on many tenants goes, on the standard error of a terminal; nothing elsewhere. */
export interface Progress {
  show(operation: FleetOperation): void;
  stop(): void;
}

const SILENT: Progress = { show: () => {}, stop: () => {} };

export function createProgress(out: Output): Progress {
  if (!out.isTerminal || !process.stderr.isTTY) return SILENT;
  const bar = new bars.SingleBar({
    format: "{kind} {bar} {value} of {total} tenants, {failed} failed ({wave})",
    stream: process.stderr,
    barsize: 30,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    // Ctrl-C ends the command at once: nothing would bring the cursor back.
    hideCursor: false,
    clearOnComplete: true,
    fps: 10,
  });
  return {
    show(operation) {
      const { done, failed, skipped, left } = operation.counts;
      const over = done + failed + skipped;
      const shown = { kind: operation.kind, wave: operation.wave, failed };
      if (bar.isActive) bar.update(over, shown);
      else bar.start(over + left, over, shown);
    },
    stop: () => bar.stop(),
  };
}
