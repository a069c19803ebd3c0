// Makes `dist`: our code compiled, and beside the module that serves it the viewer of the API reference, with its licence.
import { execFileSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

process.chdir(join(import.meta.dirname, ".."));
const { resolve } = createRequire(import.meta.url);

rmSync("dist", { recursive: true, force: true });
execFileSync(process.execPath, [resolve("typescript/bin/tsc"), "-p", "tsconfig.build.json"], { stdio: "inherit" });

const viewer = dirname(resolve("swagger-ui-dist/package.json"));
for (const file of [
  "swagger-ui-bundle.js",
  "swagger-ui-bundle.js.LICENSE.txt",
  "swagger-ui.css",
  "LICENSE",
  "NOTICE",
]) {
  cpSync(join(viewer, file), join("dist/src/http/reference/swagger-ui", file));
}
