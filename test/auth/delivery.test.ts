import type { AuditEventInsert } from "@authhero/adapter-interfaces";
import { expect, it } from "vitest";
import { deliveredBehind } from "../../src/auth/delivery.ts";
import { createDataAdapters } from "../../src/entities/adapters.ts";
import { sampleOf } from "../support/samples.ts";
import { freshStore } from "../support/store.ts";

it("what AuthHero would tell a control plane elsewhere is not kept for nobody, and everything else is", async () => {
  const { store, close } = await freshStore();
  const data = createDataAdapters(store);
  const { outbox } = deliveredBehind(data, () => undefined);
  const event = sampleOf("outbox").value(1) as AuditEventInsert;

  const kept = await outbox?.create("acme", { ...event, event_type: "user.created" });
  const dropped = await outbox?.create("acme", { ...event, event_type: "controlplane.sync.proxy_route.upsert" });

  expect(dropped).toEqual(expect.any(String));
  expect((await data.outbox?.getUnprocessed(10))?.map(({ id }) => id)).toEqual([kept]);
  await close();
});
