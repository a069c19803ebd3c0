import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openFile } from "../../src/db/native.ts";
import { CONTROL_PLANE, type Estate, fingerprintOf, openEstate, wantedFingerprint } from "./estate.ts";
import { openNeighbourhood } from "./neighbourhood.ts";

const CHILDREN = 500;
const INLINE = 25;
const OFFLINE = "child-003";
const USED = "child-400";
const ids = Array.from({ length: CHILDREN }, (_, index) => `child-${String(index).padStart(3, "0")}`);

let estate: Estate;
beforeEach(async () => {
  estate = await openEstate();
});
afterEach(() => estate.close(), 120_000);

it("a change among 500 children touches 25 of them before it is answered; the job brings it to all others", async () => {
  let isAway = true;
  const { keeper, house, touched, wishes, runJob, versionOf } = await openNeighbourhood(estate, ids, {
    async open(tenantId) {
      // Its file is not there.
      if (tenantId === OFFLINE && isAway) await openFile(join(tmpdir(), "nowhere", "nothing.db"));
      return await estate.child(tenantId);
    },
  });
  await estate.own.roles.create(CONTROL_PLANE, { name: "Editor" });

  await keeper.changed();
  const atOnce = [...touched].sort();
  await keeper.current(USED);
  const { roles } = await (await house(USED)).adapters.roles.list(USED);
  const report = await runJob();
  isAway = false;
  const later = await runJob();

  expect(atOnce).toEqual(ids.slice(0, INLINE));
  expect(wishes()).toBe(1);
  expect(roles.map(({ name }) => name)).toEqual(["Editor"]);
  // Those who had it are left alone; the one that is away fails nobody else.
  expect(report).toMatchObject({ state: "done", done: CHILDREN - INLINE - 1, failed: 1, left: 0 });
  expect(later).toMatchObject({ state: "done", done: 1, failed: 0, left: 0 });
  const wanted = await wantedFingerprint(estate);
  for (const id of ids) expect([id, await fingerprintOf(estate, await house(id))]).toEqual([id, wanted]);
  expect(await versionOf(OFFLINE)).toBe(keeper.head()?.version);
}, 600_000);
