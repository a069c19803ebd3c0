import type { Command } from "commander";
import { type CommonOptions, describe, does, type Program } from "./command.ts";
import { visited } from "./offline.ts";
import { serviceSettings } from "./settings.ts";

/** `rowhouse backup`: works on the files themselves, also beside a running server. */
export function addBackup(root: Command, program: Program): void {
  const backup = describe(root.command("backup"), "Copy a tenant's database into a new file, while it is in use", [
    "rowhouse backup acme acme.db",
    'rowhouse backup control_plane "/var/backups/control-plane.$(date +%F).db"',
    "rowhouse backup acme acme.db --json",
  ])
    .argument("<tenant>", "whose database; the control plane's own id for the control plane's")
    .argument("<file>", "where to; it must not be there yet");
  does(backup, program, async ({ out }, tenant: string, file: string, _options: CommonOptions) => {
    const config = serviceSettings();
    const made = await visited(config, async (visit) => {
      const { backUp } = await import("../wiring/backup.ts");
      return await backUp(visit, config, tenant, file);
    });
    const { recorded_at, ...copied } = made;
    out.fields({ ...copied, "recorded at": recorded_at }, made);
    if (recorded_at === null)
      out.note("The control plane does not know of this copy: it could not be written down there.");
  });
}
