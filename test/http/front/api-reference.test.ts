import { expect, it } from "vitest";
import type { RouteDescriptions } from "../../../src/auth/authhero.ts";
import { testFront } from "./support.ts";

it("puts the document together once, whoever asks, and gives each host its own server", async () => {
  let times = 0;
  const described = (): RouteDescriptions => {
    times += 1;
    return { "/users": { get: { security: [{ Bearer: ["read:users"] }], responses: {} } } };
  };
  const front = testFront({ reference: { described, version: "1.2.3" } });

  const servers = new Set<string>();
  for (const host of ["acme.localhost:3000", "localhost:3000", "acme.localhost:3000"]) {
    const answer = await front.send(host, "/api/v2/spec");
    servers.add(((await answer.json()) as { servers: { url: string }[] }).servers[0]?.url ?? "");
  }

  expect([...servers]).toEqual(["http://acme.localhost:3000/api/v2", "http://localhost:3000/api/v2"]);
  expect(times).toBe(1);
});
