import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { FINDINGS } from "../../provisioning/reconcile/findings.ts";

it("docs/reconcile.md lists every kind of finding, in the words of the table", () => {
  const page = readFileSync(new URL("../../docs/reconcile.md", import.meta.url), "utf8");
  const rows = Object.entries(FINDINGS).map(
    ([kind, { means, repair }]) => `| \`${kind}\` | ${means} | ${repair ?? "—"} |`,
  );

  expect(page.split("\n").filter((line) => line.startsWith("| `") && !line.includes("what is not as"))).toEqual(rows);
});
