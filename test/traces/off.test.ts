import { expect, it } from "vitest";
import { fileProvider } from "../../provisioning/providers/file.ts";
import { type Around, nested } from "../../src/domain/around.ts";
import { createMetrics } from "../../src/metrics/metrics.ts";
import { aroundControlPlane, watchedLifecycle, watchedProviders } from "../../src/wiring/observing.ts";

const providers = { file: fileProvider({ directory: "nowhere" }) };

it("without metrics and traces nothing stands around providers, databases and operations", () => {
  expect(watchedProviders(providers, {})).toBe(providers);
  expect(aroundControlPlane({})).toBeUndefined();
  expect(Object.values(watchedLifecycle({})).filter((each) => each !== undefined)).toEqual([]);
});

it("with metrics alone, nothing stands around them but metrics", () => {
  const measuring: Around = (_call, work) => work();
  const metrics = { ...createMetrics(), databaseCalls: () => measuring };

  expect(aroundControlPlane({ metrics })).toBe(measuring);
  expect(nested(undefined, measuring)).toBe(measuring);
});
