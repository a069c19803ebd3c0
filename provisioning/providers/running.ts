/** Whether there is a process of that number on this machine. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // One that belongs to somebody else may not be asked, but it is there.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}
