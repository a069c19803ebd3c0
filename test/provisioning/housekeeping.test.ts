import { describe, expect, it } from "vitest";
import { createLeases } from "../../provisioning/leases.ts";
import { ask, type Street, streets, until } from "./street.ts";

const { street } = streets();

const leasesOf = ({ database, clock }: Street, id: string, isGone = (_id: string) => false) =>
  createLeases({ database, clock, process: { id, isGone } });

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open: () => open(), opened };
}

describe("housekeeping that one process does for all", () => {
  it("is left alone by the others while one is at it, and free again afterwards", async () => {
    const made = await street();
    const [one, other] = [leasesOf(made, "one"), leasesOf(made, "other")];
    const { open, opened } = gate();

    const sweeping = one.ifFree("sweep", () => opened.then(() => "swept"));
    await until(async () => (await ask(made.database, "select 1 from rh_leases")).length === 1);
    expect(await other.ifFree("sweep", () => Promise.resolve("twice"))).toBeNull();
    expect(await one.ifFree("sweep", () => Promise.resolve("twice"))).toBeNull();
    expect(await other.ifFree("refill", () => Promise.resolve("refilled"))).toBe("refilled");
    open();

    expect(await sweeping).toBe("swept");
    expect(await other.ifFree("sweep", () => Promise.resolve("again"))).toBe("again");
  });

  it("is done by one of many that begin at the same moment", async () => {
    const made = await street();
    const { open, opened } = gate();
    const all = Array.from({ length: 8 }, (_, number) => leasesOf(made, `p${number}`));
    let begun = 0;
    const begin = async () => {
      begun += 1;
      await opened;
      return "done";
    };

    const outcomes = all.map((leases) => leases.ifFree("sweep", begin));
    await until(async () => (await ask(made.database, "select 1 from rh_leases")).length === 1);
    setTimeout(open, 50);

    expect((await Promise.all(outcomes)).filter((outcome) => outcome === "done")).toHaveLength(1);
    expect(begun).toBe(1);
  });

  it("waits its turn where it has to be done by each", async () => {
    const made = await street();
    const order: string[] = [];
    const work = (id: string) => async () => {
      order.push(`${id} begins`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      order.push(`${id} ends`);
    };

    await Promise.all(["one", "two", "three"].map((id) => leasesOf(made, id).inTurn("start", work(id))));

    expect(order).toHaveLength(6);
    for (let at = 0; at < 6; at += 2) expect(order[at + 1]).toBe(order[at]?.replace("begins", "ends"));
  });

  it("is taken over from a process that is gone, and from one whose lease has ended", async () => {
    const made = await street();
    const never = new Promise<string>(() => {});
    void leasesOf(made, "dead").ifFree("sweep", () => never);
    await until(async () => (await ask(made.database, "select 1 from rh_leases")).length === 1);
    const work = () => Promise.resolve("done");

    expect(await leasesOf(made, "far").ifFree("sweep", work)).toBeNull();
    expect(await leasesOf(made, "near", (id) => id === "dead").ifFree("sweep", work)).toBe("done");
    void leasesOf(made, "dead").ifFree("sweep", () => never);
    await until(async () => (await ask(made.database, "select 1 from rh_leases where owner = 'dead'")).length === 1);
    made.time.ms += 31_000;
    expect(await leasesOf(made, "far").ifFree("sweep", work)).toBe("done");
  });

  it("is given back when it fails, and the failure is the caller's", async () => {
    const made = await street();
    const leases = leasesOf(made, "one");

    await expect(leases.ifFree("sweep", () => Promise.reject(new Error("no disk")))).rejects.toThrow("no disk");

    expect(await leases.ifFree("sweep", () => Promise.resolve("done"))).toBe("done");
  });
});
