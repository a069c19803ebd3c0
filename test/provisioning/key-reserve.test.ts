import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createKeyReserve } from "../../provisioning/key-reserve.ts";
import type { Database } from "../../src/db/database.ts";
import { migrate } from "../../src/db/migrate.ts";
import { openFile } from "../../src/db/native.ts";
import { createKeyRing } from "../../src/db/seal.ts";
import { systemClock } from "../../src/domain/clock.ts";
import { CONTROL_PLANE_SETS } from "../../src/wiring/control-plane.ts";

const keyRing = createKeyRing({ current: { id: "k1", key: Buffer.alloc(32, 3) } });

let directory: string;
let database: Database;
let made: number;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "reserve-"));
  database = await openFile(join(directory, "control-plane.db"), { create: true });
  await migrate(database, CONTROL_PLANE_SETS);
  made = 0;
});
afterEach(async () => {
  await database.close();
  rmSync(directory, { recursive: true, force: true });
});

const open = (size: number) =>
  createKeyReserve({
    database,
    keyRing,
    clock: systemClock,
    size,
    generate: () => {
      made += 1;
      return Promise.resolve({ kid: `key-${made}`, pkcs7: "the private half" });
    },
  });

describe("the reserve of signing keys", () => {
  it("fills up to its size and no further", async () => {
    const reserve = open(3);

    const refilled = [await reserve.refill(), await reserve.refill(), await reserve.refill(), await reserve.refill()];

    expect(refilled).toEqual([true, true, true, false]);
    expect([await reserve.count(), made]).toEqual([3, 3]);
  });

  it("gives each key once, however many ask, and makes new ones when it is empty", async () => {
    const reserve = open(3);
    while (await reserve.refill());

    const taken = await Promise.all(Array.from({ length: 5 }, () => reserve.take()));

    expect(new Set(taken.map(({ kid }) => kid)).size).toBe(5);
    expect([await reserve.count(), made]).toEqual([0, 5]);
  });

  it("keeps nothing readable on disk", async () => {
    const reserve = open(1);
    await reserve.refill();
    await database.close();

    expect(readFileSync(join(directory, "control-plane.db")).includes("the private half")).toBe(false);
  });
});
