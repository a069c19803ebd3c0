import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { directoryProvider } from "../../examples/custom-provider.ts";
import { testProvider } from "../../src/conformance/index.ts";

// What docs/providers.md shows to authors of providers holds what it promises.
const directory = mkdtempSync(join(tmpdir(), "custom-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

testProvider(() => directoryProvider({ directory }));
