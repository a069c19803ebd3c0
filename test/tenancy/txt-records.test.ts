import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTxtResolver, hasTxtRecord } from "../../src/tenancy/txt-records.ts";
import { startNameServer } from "../support/name-server.ts";

const NAME = "_rowhouse.login.acme.test";
let server: Awaited<ReturnType<typeof startNameServer>>;

beforeAll(async () => {
  server = await startNameServer();
});
afterAll(() => server?.stop());

describe("a TXT record at a name server", () => {
  const has = (record: string) => hasTxtRecord(createTxtResolver([server.address]), NAME, record);

  it("is found among others, whole or in pieces, and only as it is", async () => {
    const long = "x".repeat(600);
    server.set(NAME, "v=spf1 -all", "the-record", long);

    expect(await has("the-record")).toBe(true);
    expect(await has(long)).toBe(true);
    for (const other of ["the-recor", "the-record ", "The-Record", "x".repeat(599), ""]) {
      expect(await has(other)).toBe(false);
    }
  });

  it("is not there where the server knows no such name, or nothing of it", async () => {
    server.remove(NAME);
    expect(await has("the-record")).toBe(false);
    server.set(NAME);
    expect(await has("the-record")).toBe(false);
  });

  it("is nobody's to tell where the server is silent", async () => {
    server.fallSilent();

    await expect(has("the-record")).rejects.toMatchObject({ code: "unavailable", reason: "dns_unavailable" });
  }, 30_000);
});

it("waits for no resolver longer than a request can", async () => {
  const never = () => new Promise<never>(() => {});

  await expect(hasTxtRecord(never, NAME, "x")).rejects.toMatchObject({ code: "unavailable" });
}, 30_000);
