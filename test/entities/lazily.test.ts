import { describe, expect, it } from "vitest";
import { lazily } from "../../src/entities/lazily.ts";

function members() {
  const made: string[] = [];
  const maker = (name: string) => (context: number) => {
    made.push(name);
    return { name, context };
  };
  return { made, object: lazily({ users: maker("users"), roles: maker("roles") }, 7) };
}

describe("members made when they are asked for", () => {
  it("makes none of them before", () => {
    expect(members().made).toEqual([]);
  });

  it("makes the one that is asked for, with the context, and keeps it", () => {
    const { object, made } = members();

    expect(object.users).toEqual({ name: "users", context: 7 });
    expect(object.users).toBe(object.users);
    expect(made).toEqual(["users"]);
  });

  it("says which there are without making them", () => {
    const { object, made } = members();

    expect("users" in object).toBe(true);
    expect("toString" in object).toBe(true);
    expect("passwords" in object).toBe(false);
    expect(made).toEqual([]);
  });

  it("gives all of them to a copy, once each", () => {
    const { object, made } = members();

    const copy = { ...object };

    expect(Object.keys(object)).toEqual(["users", "roles"]);
    expect(copy.roles).toBe(object.roles);
    expect(made).toEqual(["users", "roles"]);
  });

  it("can be added to and replaced", () => {
    const { object } = members();
    const own = { name: "own", context: 1 };

    const extended = Object.assign(object, { transaction: own, users: own });

    expect(extended.transaction).toBe(own);
    expect(extended.users).toBe(own);
    expect(Object.keys(extended)).toEqual(["users", "roles", "transaction"]);
  });

  it("has nothing under the names every object has", () => {
    const { object } = members();

    expect(Reflect.get(object, "constructor")).toBe(Object);
    expect(Reflect.get(object, "then")).toBeUndefined();
  });
});
