import { describe, expect, it } from "vitest";
import { kindOf, splitStatements } from "../../src/db/sql.ts";

describe("splitting a script", () => {
  it.each<[name: string, script: string, statements: string[]]>([
    ["nothing", "", []],
    ["only comments", "-- why\n/* ; */ ;;\n", []],
    ["two statements and a last semicolon", "select 1;\nselect 2;", ["select 1", "select 2"]],
    ["no last semicolon", "select 1; select 2", ["select 1", "select 2"]],
    [
      "semicolons in quotes",
      `select ';', ";", \`;\`, [;], 'it''s;'; x`,
      [`select ';', ";", \`;\`, [;], 'it''s;'`, "x"],
    ],
    ["semicolons in comments", "select 1 -- a; b\n+ 2 /* c; d */; x", ["select 1 -- a; b\n+ 2 /* c; d */", "x"]],
    ["quotes in comments", "-- don't\nselect 1; /* don't */ select 2", ["select 1", "select 2"]],
    [
      "a trigger with several statements and a CASE",
      "create trigger t after insert on a begin update b set c = case when 1 then 2 end; delete from d; END; select 1",
      [
        "create trigger t after insert on a begin update b set c = case when 1 then 2 end; delete from d; END",
        "select 1",
      ],
    ],
    [
      "a temporary trigger, spread over lines, with a comment that ends nothing",
      "CREATE TEMP\n TRIGGER IF NOT EXISTS t\nBEGIN -- end;\n select 'end;'; END;\nx",
      ["CREATE TEMP\n TRIGGER IF NOT EXISTS t\nBEGIN -- end;\n select 'end;'; END", "x"],
    ],
    [
      "a table with a column named after a keyword",
      `create table a ("end" text, begin text); x`,
      [`create table a ("end" text, begin text)`, "x"],
    ],
  ])("handles %s", (_name, script, statements) => {
    expect(splitStatements(script)).toEqual(statements);
  });
});

describe("the kind of a statement", () => {
  it.each([
    "select 1",
    " SELECT 1",
    "-- why\nselect 1",
    "/* why */ select 1",
    "explain select 1",
    "pragma table_info(a)",
  ])("%j reads", (sql) => {
    expect(kindOf(sql)).toBe("read");
  });

  it.each([
    "insert into a values (1)",
    "with x as (select 1) delete from a",
    "pragma journal_mode",
    "",
    "-- select\ndelete from a",
    "selection",
  ])("%j writes", (sql) => {
    expect(kindOf(sql)).toBe("write");
  });
});
