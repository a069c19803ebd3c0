import { readdir } from "node:fs/promises";
import * as contract from "@authhero/adapter-interfaces";
import { describe, expect, it } from "vitest";
import { createKeyRing } from "../../src/db/seal.ts";
import type { Column } from "../../src/entities/columns.ts";
import { createTenants } from "../../src/entities/tenants.ts";
import { freshStore } from "../support/store.ts";

const ENTITIES = new URL("../../src/entities/", import.meta.url);

/** What may be a secret by its name, wherever in an entity it stands. */
const LOOKS_SECRET =
  /secret|passw|credential|private|pkcs7|api_?key|encryption_?key|verifier|(?:^|_)token$|(?:^|_)otp$/i;

/** Fields that look like secrets and stand in the open, each with the reason. */
const IN_THE_OPEN: Readonly<Record<string, string>> = {
  "attackProtection.breached_password_detection": "says what is done about breached passwords",
  "authenticationMethods.credential_id": "the public name of a passkey",
  "clients.encryption_key": "a public key",
  "codes.code_verifier": "good once, for minutes",
  "codes.otp": "good once, for minutes",
  "forms.nodes": "keys of widgets, which every browser that shows the form is sent",
  "loginSessions.authParams": "names claims that are asked for",
  "loginSessions.csrf_token": "good for one login",
  "passwords.password": "a bcrypt hash",
  "tenants.attack_protection": "says what is done about breached passwords",
  "tenants.change_password": "a page",
  "tenants.default_token_quota": "a number of tokens",
  "userActivity.last_password_reset": "a time",
  "users.identities": "not stored: made of the accounts that are linked",
};

interface Schema {
  readonly def?: Readonly<Record<string, unknown>> & { readonly type: string };
  readonly shape?: Readonly<Record<string, Schema>>;
}

/** The paths of all texts in a schema, however deep, optional or in whatever union. */
function textsIn(schema: Schema | undefined, path: readonly string[] = []): string[] {
  if (!schema?.def || path.length > 12) return [];
  const { type } = schema.def;
  if (schema.shape) return Object.entries(schema.shape).flatMap(([name, each]) => textsIn(each, [...path, name]));
  if (["string", "any", "unknown", "record"].includes(type)) return [path.join(".")];
  const inner = ["innerType", "element", "in", "out"].map((name) => schema.def?.[name] as Schema | undefined);
  const options = (schema.def.options ?? []) as readonly Schema[];
  return [...new Set([...inner, ...options].flatMap((each) => textsIn(each, path)))];
}

const secretsIn = (schema: Schema): string[] =>
  textsIn(schema).filter((path) => path.split(".").some((name) => LOOKS_SECRET.test(name)));

const keyRing = createKeyRing({ current: { id: "k1", key: Buffer.alloc(32, 7) } });
const probe = { secret: "a-planted-secret" };
const place = { tenantId: "acme", table: "table", keyRing };

const isSealed = (column: Column<unknown>): boolean => {
  for (const value of [probe.secret, probe]) {
    try {
      if (!String(column.encode(value, place, "field")).includes(probe.secret)) return true;
    } catch {}
  }
  return false;
};

const definitions = new Map<string, Readonly<Record<string, Column<unknown>>>>();
for (const file of (await readdir(ENTITIES)).filter((name) => !["adapters.ts", "index.ts"].includes(name))) {
  const exported: Record<string, unknown> = await import(new URL(file, ENTITIES).href);
  for (const [name, value] of Object.entries(exported)) {
    if (typeof value === "object" && value !== null && "columns" in value)
      definitions.set(name, value.columns as never);
  }
}
/** The schema that says what an entity is: `clientSchema` for `clients`. */
const schemaOf = (name: string): Schema | undefined => {
  const exported = contract as unknown as Readonly<Record<string, Schema>>;
  if (name === "keys") return exported.signingKeySchema;
  const singular = [name.replace(/ies$/, "y"), name.replace(/s$/, ""), name];
  return singular.map((each) => exported[`${each}Schema`]).find((schema) => schema !== undefined);
};

/** What the contract has no schema for. */
const WITHOUT_SCHEMA = ["clientRegistrationTokens", "outboxEvents", "universalLoginTemplates"];

describe("a field of the contract that looks like a secret", () => {
  it("is looked for in every entity", () => {
    const unknown = [...definitions.keys()].filter((name) => !schemaOf(name) && !WITHOUT_SCHEMA.includes(name));

    expect(unknown).toEqual([]);
    expect(secretsIn(schemaOf("clients") ?? {})).toContain("client_secret");
    expect(secretsIn(schemaOf("connections") ?? {})).toContain("options.configuration.client_secret");
    expect(secretsIn(schemaOf("tenants") ?? {})).toContain("mfa.twilio.auth_token");
  });

  it.each([...definitions])("is sealed in %s, or stands in the open for a reason", (name, columns) => {
    const fields = new Set(secretsIn(schemaOf(name) ?? {}).map((path) => path.split(".")[0] ?? ""));
    const open = [...fields].filter((field) => columns[field] === undefined || !isSealed(columns[field]));

    expect(open.filter((field) => IN_THE_OPEN[`${name}.${field}`] === undefined)).toEqual([]);
  });
});

describe("a field of a document that is sealed", () => {
  const twilio = (auth_token: string) => ({ mfa: { twilio: { sid: "sid", auth_token } } }) as never;

  it("is not readable at rest, is read as it was, and as it was stored by older code", async () => {
    const { store, close } = await freshStore({ keyRing });
    const tenants = createTenants(store, []);
    const stored = async () => String((await store.db.selectFrom("tenants").select("doc").execute())[0]?.doc);
    await tenants.create({ id: "acme", friendly_name: "Acme" });

    await tenants.update("acme", twilio(probe.secret));

    expect(await stored()).not.toContain(probe.secret);
    expect(await tenants.get("acme")).toMatchObject(twilio(probe.secret));

    await store.db
      .updateTable("tenants")
      .set({ doc: JSON.stringify(twilio("older")) })
      .execute();
    expect(await tenants.get("acme")).toMatchObject(twilio("older"));
    await close();
  });
});
