import type { Config } from "../config.ts";
import { PlatformError } from "../domain/errors.ts";
import type { Rowhouse, RowhouseOptions } from "../wiring/rowhouse.ts";
import type { Visit } from "../wiring/visit.ts";

/** What commands do on the databases themselves. What is heavy is loaded when it is needed, so that help is quick. */

/** Looks at the control plane that the settings name. Throws `not_found` (`no_control_plane`). */
export async function visited<T>(config: Config, look: (visit: Visit) => Promise<T>): Promise<T> {
  const { visitControlPlane } = await import("../wiring/visit.ts");
  const visit = await visitControlPlane(config);
  try {
    return await look(visit);
  } finally {
    await visit.close();
  }
}

/** Throws `conflict` (`server_running`) while another process serves from the same control plane. */
export async function requireAlone(visit: Pick<Visit, "processes">, { ISSUER }: Config): Promise<void> {
  const processes = await visit.processes();
  if (processes.length === 0) return;
  const message = `A server is at work on these data: ${processes.join(", ")}.
Let it do this (--url ${ISSUER}), or end it first.`;
  throw new PlatformError("conflict", "server_running", message);
}

/** The house without its door: nothing listens, and nothing is done that was not asked for. */
export async function openHouse(config: Config, options: Pick<RowhouseOptions, "adopt"> = {}): Promise<Rowhouse> {
  const [{ createRowhouse }, { createLogger }] = await Promise.all([
    import("../wiring/rowhouse.ts"),
    import("../log/logger.ts"),
  ]);
  const output = { write: (line: string) => void process.stderr.write(line) };
  return await createRowhouse({ ...options, config, log: createLogger({ level: "error", output }), background: false });
}
