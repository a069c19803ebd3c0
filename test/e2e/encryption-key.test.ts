import { randomBytes } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseKeyRing } from "../../src/db/seal.ts";
import { type HouseInProcess, MANAGEMENT_AUDIENCE, openInProcess } from "../support/in-process.ts";

let house: HouseInProcess;
let token: string;
let directory: string;

beforeAll(async () => {
  house = await openInProcess();
  directory = house.directory;
  token = await house.machineToken();
});
afterAll(async () => {
  await house?.close();
  if (directory) rmSync(directory, { recursive: true, force: true });
});

const keyFile = () => join(directory, "encryption.key");
const setKeys = (...keys: readonly string[]) => writeFileSync(keyFile(), `${keys.join(",")}\n`, { mode: 0o600 });

/** Ends the house, and opens it anew on the same files. */
async function restart() {
  await house.close({ keep: true });
  house = await openInProcess({ DATA_DIR: directory });
  token = await house.machineToken();
}

async function over(id: unknown) {
  for (;;) {
    const seen = await house.made(`/operations/${id}`, { token });
    if (seen.status !== "running") return seen;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A client's own token, which takes its secret and the tenant's signing key. */
async function tokenAt(at: string, { client_id, client_secret }: { client_id: string; client_secret: string }) {
  const form = { grant_type: "client_credentials", audience: MANAGEMENT_AUDIENCE, client_id, client_secret };
  return (await house.ask(form, at)).status;
}

describe("the generated encryption key", () => {
  it("is replaced: added in front, rotated to, and then the old one may go", async () => {
    const old = readFileSync(keyFile(), "utf8").trim();
    const fresh = randomBytes(32).toString("base64");
    const idOf = (key: string) => parseKeyRing(key).currentId;
    for (const id of ["acme", "beta"]) {
      await house.made("/tenants", { token, json: { id, friendly_name: id } });
    }
    const client = await house.made<{ client_id: string; client_secret: string }>("/tenants/acme/management-client", {
      token,
      json: {},
    });
    expect(await tokenAt("acme", client)).toBe(200);

    // Without the old one the start is refused, and says which key is missing, and how much is under it.
    await house.close({ keep: true });
    setKeys(fresh);
    const refused = openInProcess({ DATA_DIR: directory });
    await expect(refused).rejects.toMatchObject({ code: "invalid", reason: "encryption_key" });
    await expect(refused).rejects.toThrow(
      new RegExp(`lacks one of its keys.*${idOf(old)}: \\d+ in signing_keys.pkcs7`),
    );
    await expect(refused).rejects.not.toThrow(new RegExp(old.slice(0, 12).replaceAll("+", "\\+")));

    setKeys(fresh, old);
    house = await openInProcess({ DATA_DIR: directory });
    token = await house.machineToken();
    expect(await tokenAt("acme", client)).toBe(200);
    const begun = await house.made("/operations", { token, json: { kind: "rotate-keys" } });
    const seen = await over(begun.id);

    expect(seen).toMatchObject({ status: "done", target: idOf(fresh), counts: { done: 3, failed: 0, left: 0 } });
    expect(seen.findings).toMatchObject({ counts: { found: 0, left: 0, failed: 0 } });
    const { items } = seen.findings as { items: Record<string, unknown>[] };
    expect(items.map(({ tenant_id }) => tenant_id)).toEqual(expect.arrayContaining(["acme", "control_plane"]));
    for (const item of items) {
      expect(item).toMatchObject({ kind: "key_older", subject: `key ${idOf(old)}`, outcome: "repaired" });
      expect(item.detail).toMatch(/^\d+ values?$/);
    }
    const told = JSON.stringify(seen);
    for (const key of [old, fresh]) expect(told).not.toContain(key);

    setKeys(fresh);
    await restart();

    expect(await tokenAt("acme", client)).toBe(200);
  });
});
