import type { DataAdapters } from "@authhero/adapter-interfaces";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { foreseeingUsers } from "../../src/tenancy/foreseen-users.ts";
import { asRequestOf, twoHouses } from "../support/houses.ts";

const ANN = "auth2|ann";
const BOB = "auth2|bob";

let houses: Awaited<ReturnType<typeof twoHouses>>;
let data: DataAdapters;
/** Whose rows were read. */
let read: string[];

beforeAll(async () => {
  houses = await twoHouses();
  const { users } = houses.auth;
  const noting: DataAdapters["users"] = {
    ...users,
    get(tenantId, userId) {
      read.push(userId);
      return users.get(tenantId, userId);
    },
  };
  data = foreseeingUsers({ ...houses.auth, users: noting });
  const acme = houses.house("acme");
  for (const user_id of [ANN, BOB]) {
    await acme.users.create("acme", {
      user_id,
      email: `${user_id.slice(6)}@acme.example`,
      name: "before",
      email_verified: true,
      provider: "auth2",
      connection: "Username-Password-Authentication",
    });
  }
  const code = {
    code_type: "authorization_code",
    login_id: "login",
    user_id: ANN,
    expires_at: "2099-01-01T00:00:00.000Z",
  };
  await acme.codes.create("acme", { ...code, code_id: "fresh" } as never);
  await acme.codes.create("acme", { ...code, code_id: "spent" } as never);
  await acme.codes.used("acme", "spent");
});
beforeEach(() => {
  read = [];
});
afterAll(() => houses.remove());

const codeOf = (id: string) => data.codes.get("acme", id, "authorization_code");
const nameOf = async (id: string) => (await data.users.get("acme", id))?.name;

it("the user of a code is asked for with the code, and once", async () => {
  await asRequestOf("acme", async () => {
    await codeOf("fresh");
    expect(read).toEqual([ANN]);
    expect((await data.users.get("acme", ANN))?.user_id).toBe(ANN);
    expect(read).toEqual([ANN]);
    await data.users.get("acme", ANN);
    expect(read).toEqual([ANN, ANN]);
  });
});

it("another user, another request and a spent code get nothing of it", async () => {
  await asRequestOf("acme", async () => {
    await codeOf("fresh");
    expect((await data.users.get("acme", BOB))?.user_id).toBe(BOB);
  });
  await asRequestOf("acme", () => data.users.get("acme", ANN));
  expect(read).toEqual([ANN, BOB, ANN]);

  await asRequestOf("acme", () => codeOf("spent"));
  expect(read).toEqual([ANN, BOB, ANN]);
});

it("a request sees what it has written to the user meanwhile", async () => {
  await asRequestOf("acme", async () => {
    await codeOf("fresh");
    await data.users.update("acme", ANN, { name: "after" });
    expect(await nameOf(ANN)).toBe("after");
  });
});
