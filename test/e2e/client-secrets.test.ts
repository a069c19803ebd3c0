import { afterAll, beforeAll, expect, it } from "vitest";
import { type HouseInProcess, openInProcess } from "../support/in-process.ts";

let house: HouseInProcess;
beforeAll(async () => {
  house = await openInProcess();
});
afterAll(() => house?.close());

it("the first management client may see applications' secrets, and a token that it narrows may not", async () => {
  const whole = await house.machineToken();
  const narrow = await house.machineToken({ scope: "read:clients update:clients" });
  const made = await house.made<{ client_id: string; client_secret: string }>("/clients", {
    token: whole,
    json: { name: "app" },
  });
  expect(made.client_secret).toMatch(/./);
  const path = `/clients/${made.client_id}`;

  expect(await house.made(path, { token: whole })).toMatchObject({ client_secret: made.client_secret });
  expect(await house.made(path, { token: narrow })).not.toHaveProperty("client_secret");
  const changed = await house.made(path, { method: "PATCH", token: narrow, json: { name: "renamed" } });
  expect(changed).toMatchObject({ name: "renamed" });
  expect(changed).not.toHaveProperty("client_secret");
  const all = await house.api("/clients?include_totals=true", { token: narrow });
  expect(await all.text()).not.toContain(made.client_secret);
});
