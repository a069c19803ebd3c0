import { expect, it } from "vitest";
import { summaryOf } from "../../src/traces/summary.ts";

it.each([
  ['select "id" from "users" where "tenant_id" = ?', "select users"],
  ['insert into "roles" ("id") values (?)', "insert roles"],
  ["INSERT OR IGNORE INTO codes VALUES (?)", "insert codes"],
  ['update "sessions" set "used_at" = ?', "update sessions"],
  ['delete from "grants" where "id" in (select "id" from "clients")', "delete grants clients"],
  ['select * from "a" inner join "b" on 1 left join "a" as "c" on 1', "select a b"],
  ["pragma user_version", "pragma"],
  ["?", "statement"],
])("%s: %s", (sql, summary) => {
  expect(summaryOf([{ sql }])).toBe(summary);
});

it("of several statements each kind stands there once", () => {
  const statements = ["insert into a values (?)", "insert into a values (?)", "delete from b"];

  expect(summaryOf(statements.map((sql) => ({ sql })))).toBe("insert a, delete b");
});

it("has a limit", () => {
  const statements = Array.from({ length: 100 }, (_, index) => ({
    sql: `select 1 from a_long_name_of_a_table_${index}`,
  }));

  expect(summaryOf(statements)).toHaveLength(255);
  expect(summaryOf([])).toBe("");
});
