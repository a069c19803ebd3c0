import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { afterEach, beforeAll, expect, it } from "vitest";
import { PlatformError } from "../../src/domain/errors.ts";
import { createTraces, isAnybodyTracing, type Traces } from "../../src/traces/traces.ts";

const ANSWER = { status: 200, requestId: "r1", tenantId: "acme" };
const TASK = { kind: "provision", tenantId: "acme", id: "op1" };
const STATEMENTS = [{ sql: "select * from users" }];

const exporter = new InMemorySpanExporter();
let traces: Traces;
beforeAll(() => {
  expect(isAnybodyTracing()).toBe(false);
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
  expect(isAnybodyTracing()).toBe(true);
  traces = createTraces("1.2.3");
});
afterEach(() => exporter.reset());

const spans = () => exporter.getFinishedSpans();
const named = (name: string) => spans().find((span) => span.name === name);
const request = (work: () => Promise<unknown>, carrier: Readonly<Record<string, string>> = {}) =>
  traces.request({ route: "token", method: "POST", carrier }, async () => {
    await work();
    return ANSWER;
  });
const trip = () => traces.databaseCalls("file", "db1")("query", () => Promise.resolve("rows"), STATEMENTS);

it("a trip to a database is a child of its request, and answers what it has answered", async () => {
  let answered: unknown;

  await request(async () => {
    answered = await trip();
  });

  expect(answered).toBe("rows");
  expect(named("select users")?.parentSpanContext?.spanId).toBe(named("POST token")?.spanContext().spanId);
});

it("a trip that is part of nothing has no span", async () => {
  expect(await trip()).toBe("rows");

  expect(spans()).toEqual([]);
});

it("what a caller does not sample has none, nor has anything below it", async () => {
  await request(() => traces.attempt(TASK, async () => void (await trip())), {
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
  });

  expect(spans()).toEqual([]);
});

it("an operation that outlives its request stays in its trace", async () => {
  let end = () => {};
  let operation = Promise.resolve();
  await request(() => {
    const work = new Promise<void>((resolve) => {
      end = resolve;
    });
    operation = traces.attempt(TASK, async () => {
      await work;
      await trip();
    });
    return Promise.resolve();
  });
  end();
  await operation;

  const [root, attempt, below] = ["POST token", "operation provision", "select users"].map(named);
  expect(attempt?.parentSpanContext?.spanId).toBe(root?.spanContext().spanId);
  expect(below?.parentSpanContext?.spanId).toBe(attempt?.spanContext().spanId);
});

it("what a timer begins when the request that set it is over, is none of the request's", async () => {
  let later = Promise.resolve();
  await request(() => {
    later = new Promise((resolve, reject) => {
      setTimeout(() => {
        const work = async () => {
          await trip();
          await traces.attempt(TASK, () => Promise.resolve());
        };
        work().then(resolve, reject);
      }, 0);
    });
    return Promise.resolve();
  });
  await later;

  expect(spans().map(({ name }) => name)).toEqual(["POST token", "operation provision"]);
  expect(named("operation provision")?.parentSpanContext).toBeUndefined();
  expect(named("operation provision")?.spanContext().traceId).not.toBe(named("POST token")?.spanContext().traceId);
});

it.each([
  [new PlatformError("unavailable", "database_missing", "planted"), "database_missing"],
  [new TypeError("planted"), "TypeError"],
  ["planted", "unknown"],
])("a failure goes on as it is, and only its kind is kept", async (failure, type) => {
  // What is thrown is not always an error.
  const failing = traces.step("verify", () => Promise.reject(failure as Error));

  await expect(failing).rejects.toBe(failure);
  const [span] = spans();
  expect(span).toMatchObject({ name: "step verify", status: { code: 2 }, events: [] });
  expect(span?.attributes).toEqual({ "rowhouse.operation.step": "verify", "error.type": type });
  expect(JSON.stringify([span?.status, span?.attributes])).not.toContain("planted");
});

it("a batch says how many statements it has", async () => {
  const statements = [{ sql: "insert into a values (?)" }, { sql: "insert into b values (?)" }];

  await request(() => traces.databaseCalls("control-plane")("batch", () => Promise.resolve(), statements));

  expect(named("insert a, insert b")?.attributes).toEqual({
    "db.system.name": "sqlite",
    "db.query.summary": "insert a, insert b",
    "db.operation.batch.size": 2,
    "rowhouse.provider": "control-plane",
  });
});
