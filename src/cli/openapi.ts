import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { PlatformError } from "../domain/errors.ts";
import { type CommonOptions, describe, does, type Program } from "./command.ts";
import { serviceSettings } from "./settings.ts";

/** `rowhouse openapi`: no server is asked, and no data are needed. */
export function addOpenApi(root: Command, program: Program): void {
  const openapi = describe(root.command("openapi"), "Write the OpenAPI document of the management API", [
    "rowhouse openapi > openapi.json",
    "rowhouse openapi openapi.json",
  ]).argument("[file]", "where to; default: the standard output");
  does(openapi, program, async ({ out }, file: string | undefined, _options: CommonOptions) => {
    const { openApiDocument } = await import("../wiring/openapi.ts");
    const document = `${JSON.stringify(openApiDocument(new URL(serviceSettings().ISSUER)), null, 2)}\n`;
    if (file === undefined) return out.text(document);
    await writeFile(file, document).catch((cause: unknown) => {
      throw new PlatformError("invalid", "file_unwritable", `${file} cannot be written`, { cause });
    });
    out.fields({ file, bytes: Buffer.byteLength(document) });
  });
}
