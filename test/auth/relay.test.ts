import type { AuditEventInsert, DataAdapters } from "@authhero/adapter-interfaces";
import { expect, it } from "vitest";
import { relayOutbox } from "../../src/auth/relay.ts";
import { createDataAdapters } from "../../src/entities/adapters.ts";
import { sampleOf } from "../support/samples.ts";
import { freshStore } from "../support/store.ts";

const EVENTS = 5;

it("an outbox is relayed to its end, and a batch asks once where its events go", async () => {
  const { store, close } = await freshStore();
  const data = createDataAdapters(store);
  let asked = 0;
  const counting = { ...data, logStreams: { ...data.logStreams, list: listing } } as DataAdapters;
  function listing(tenantId: string) {
    asked += 1;
    return data.logStreams?.list(tenantId);
  }
  const event = sampleOf("outbox").value(1) as AuditEventInsert;
  for (let n = 0; n < EVENTS; n += 1) await data.outbox?.create("acme", { ...event, tenant_id: "acme" });

  await relayOutbox(counting, "http://acme.localhost/");

  expect(await data.outbox?.getUnprocessed(10)).toEqual([]);
  expect((await data.logs.list("acme", {})).logs).toHaveLength(EVENTS);
  expect(asked).toBe(1);
  await close();
});
