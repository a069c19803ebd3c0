import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEntities } from "../../src/entities/index.ts";
import { parseQuery } from "../../src/entities/query.ts";
import { type FreshStore, freshStore } from "../support/store.ts";

const is = (field: string, value: string, operator = "=") => ({ kind: "compare", field, operator, value });
const word = (value: string) => ({ kind: "word", value });

describe("a query", () => {
  // Contract, section 2.1.
  it.each<[string, object[][]]>([
    ["word", [[word("word")]]],
    ["field:value", [[is("field", "value")]]],
    ["field=value", [[is("field", "value")]]],
    ["-field:value", [[is("field", "value", "!=")]]],
    ["field:>5", [[is("field", "5", ">")]]],
    ["field:>=5", [[is("field", "5", ">=")]]],
    ["field:<5", [[is("field", "5", "<")]]],
    ["field:<=5", [[is("field", "5", "<=")]]],
    ["-field:>5", [[is("field", "5", "<=")]]],
    ["-field:>=5", [[is("field", "5", "<")]]],
    ["-field:<5", [[is("field", "5", ">=")]]],
    ["-field:<=5", [[is("field", "5", ">")]]],
    ["_exists_:field", [[{ kind: "exists", field: "field", present: true }]]],
    ["-_exists_:field", [[{ kind: "exists", field: "field", present: false }]]],
    ["a:1 b:2", [[is("a", "1"), is("b", "2")]]],
    ["a:1 AND b:2", [[is("a", "1"), is("b", "2")]]],
    ["a:1 OR b:2", [[is("a", "1")], [is("b", "2")]]],
    ["a:1 or b:2 Or c:3", [[is("a", "1")], [is("b", "2")], [is("c", "3")]]],
    ['field:"two words"', [[is("field", "two words")]]],
    ['date:>"2023-01-01"', [[is("date", "2023-01-01", ">")]]],
    ['-email:"x"', [[is("email", "x", "!=")]]],
    ['field:""', [[is("field", "")]]],
    ['field:"value', [[is("field", '"value')]]],
    ['field:value"', [[is("field", 'value"')]]],
    ['field:val"ue', [[is("field", 'val"ue')]]],
    ['user_id:"auth0|123"', [[is("user_id", "auth0|123")]]],
    ['phone_number:"+1-555-123-4567"', [[is("phone_number", "+1-555-123-4567")]]],
    ["a\\-b", [[word("a-b")]]],
    ['description:"email\\-code"', [[is("description", "email-code")]]],
    ["audience:https://api.example/", [[is("audience", "https://api.example/")]]],
    ["2024-01-01T10:00:00", [[word("2024-01-01T10:00:00")]]],
  ])("reads %s", (q, expected) => {
    expect(parseQuery(q)).toEqual(expected);
  });

  it("is read without throwing, whatever it is, and into a bounded number of terms", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 2_000 }), (q) => {
        expect(parseQuery(q).flat().length).toBeLessThanOrEqual(50);
      }),
    );
  });
});

describe("a query against the tables", () => {
  let fresh: FreshStore;
  let entities: ReturnType<typeof createEntities>;

  beforeAll(async () => {
    fresh = await freshStore();
    entities = createEntities(fresh.store);
    for (const tenant of ["mine", "theirs"]) {
      await entities.roles.create(tenant, { name: `${tenant} porter`, description: "hall" });
      await entities.users.create(tenant, {
        user_id: `auth2|${tenant}`,
        provider: "auth2",
        connection: "db",
        email: `a@${tenant}.example`,
        email_verified: true,
      });
      await entities.connections.create(tenant, { name: `${tenant}-db`, strategy: "auth0", options: {} });
    }
  });
  afterAll(() => fresh.close());

  /** Anything a caller may send, with the pieces that could do harm made likely. */
  const anyQuery = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          "tenant_id:theirs",
          "-tenant_id:mine",
          "_exists_:tenant_id",
          "OR",
          "AND",
          "name:x",
          '"',
          "-",
          "or",
        ),
        fc.constantFrom(
          "tenant_id=theirs",
          "roles.tenant_id:theirs",
          "name:' or 1=1 --",
          "1=1",
          "rowid:>0",
          "(a)",
          "id:%",
        ),
        fc.constantFrom(
          "strategy:auth0",
          "email:a@theirs.example",
          "theirs",
          "porter",
          "login_count:<5",
          "created_at:>2000-01-01",
        ),
        fc.string({ maxLength: 30 }),
      ),
      { maxLength: 6 },
    )
    .map((parts) => parts.join(" "));

  it("never reaches another tenant's rows and never fails", async () => {
    await fc.assert(
      fc.asyncProperty(anyQuery, async (q) => {
        const [{ roles }, { users }, { connections }] = await Promise.all([
          entities.roles.list("mine", { q }),
          entities.users.list("mine", { q }),
          entities.connections.list("mine", { q }),
        ]);

        expect(roles.filter(({ name }) => name.startsWith("theirs"))).toEqual([]);
        expect(users.filter(({ user_id }) => user_id.endsWith("theirs"))).toEqual([]);
        expect(connections.filter(({ name }) => name.startsWith("theirs"))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it("drops a field that is not listed, and matches nothing when no alternative is left", async () => {
    const widened = await entities.roles.list("mine", { q: "tenant_id:theirs" });
    const nothing = await entities.roles.list("mine", { q: "tenant_id:theirs OR nonsense:1" });

    expect(widened.roles.map(({ name }) => name)).toEqual(["mine porter"]);
    expect(nothing.roles).toEqual([]);
  });

  it("takes the wildcards of LIKE as letters", async () => {
    expect((await entities.roles.list("mine", { q: "%" })).roles).toEqual([]);
    expect((await entities.roles.list("mine", { q: "m_ne" })).roles).toEqual([]);
  });
});

describe("a walk by checkpoint", () => {
  it("meets every row exactly once, however many share a time and whatever is added meanwhile", async () => {
    const { store, close } = await freshStore();
    const entities = createEntities(store);
    const cases = fc.record({
      times: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 25 }),
      take: fc.integer({ min: 1, max: 7 }),
    });
    let run = 0;

    await fc.assert(
      fc.asyncProperty(cases, async ({ times, take }) => {
        run += 1;
        const tenant = `t${run}`;
        const at = (second: number) => new Date(1_700_000_000_000 + second * 1_000).toISOString();
        for (const [index, time] of times.entries()) {
          const importMetadata = { id: `org_${index}`, created_at: at(time) };
          await entities.organizations.create(tenant, { name: `org-${index}` }, { importMetadata });
        }

        const met: string[] = [];
        let from: string | undefined;
        do {
          const page = await entities.organizations.list(tenant, { take, ...(from && { from }) });
          met.push(...page.organizations.map(({ id }) => id));
          // Newer than all: in front of the walk, so it must neither appear nor push anything out.
          const importMetadata = { id: `org_new_${met.length}`, created_at: at(100 + met.length) };
          await entities.organizations.create(tenant, { name: `new-${met.length}` }, { importMetadata });
          from = page.next;
        } while (from);

        expect(met.filter((id) => !id.startsWith("org_new")).sort()).toEqual(
          times.map((_, index) => `org_${index}`).sort(),
        );
        expect(new Set(met).size).toBe(met.length);
      }),
      { numRuns: 25 },
    );
    await close();
  });
});
