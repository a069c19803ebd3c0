import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { plainId } from "../src/domain/ids.ts";
import { isRunning } from "./providers/running.ts";

/** Who holds a lease. */
export interface ProcessIdentity {
  /** No other process has it, nor a later one with the same number. */
  readonly id: string;
  /** Whether the process of that id is certainly gone. False when it cannot be known, as of other machines. */
  isGone(id: string): boolean;
}

/** The process that runs this code. Every call is another identity, and those before it count as gone. */
export function thisProcess(): ProcessIdentity {
  const place = placeOfProcesses();
  const id = [place, process.pid, plainId()].join(" ");
  return {
    id,
    isGone(other) {
      const [otherPlace, pid] = other.split(" ");
      if (other === id || otherPlace !== place) return false;
      // Our own number, but not us: it was there before us.
      return Number(pid) === process.pid || !isRunning(Number(pid));
    },
  };
}

/** Host and number of a process, for people. */
export function describeProcess(id: string): string {
  const [place = "", pid = ""] = id.split(" ");
  return `${place.replace(/\/.*/, "")} (process ${pid})`;
}

/**
 * Where process numbers mean the same: one start of one kernel and one namespace of it. Containers often share a host
 * name and all have a process 1. Where the system does not say, the host name has to do.
 */
function placeOfProcesses(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${hostname()}/${boot}/${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname();
  }
}
