import {
  type Attributes,
  type Context,
  context,
  ProxyTracerProvider,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { Around } from "../domain/around.ts";
import { PlatformError } from "../domain/errors.ts";
import { summaryOf } from "./summary.ts";

/** A request, in words whose number is known beforehand. */
export interface Asked {
  readonly route: string;
  /** Undefined for one that is no method of HTTP's. */
  readonly method: string | undefined;
  /** `traceparent` and `tracestate` of whoever may say which trace this belongs to. */
  readonly carrier: Readonly<Record<string, string>>;
}

/** How it was answered. */
export interface Answer {
  readonly status: number;
  readonly requestId: string;
  /** Undefined when its host is nobody's. */
  readonly tenantId: string | undefined;
}

/** Something that is done to one tenant, outside of any answer. */
export interface Task {
  readonly kind: string;
  readonly tenantId: string;
  /** The operation, or the job over many tenants. */
  readonly id: string;
}

export interface Traces {
  /** Around a request: the beginning of a trace, or a part of its caller's. */
  readonly request: (asked: Asked, answer: () => Promise<Answer>) => Promise<void>;
  /** Around a provider's own calls. */
  providerCalls(provider: string): Around;
  /** Around the trips to a database of a provider. */
  databaseCalls(provider: string, database?: string): Around;
  /** Around an attempt at an operation on a tenant. */
  readonly attempt: (operation: Task, work: () => Promise<void>) => Promise<void>;
  /** Around one step of it. */
  readonly step: (step: string, work: () => Promise<void>) => Promise<void>;
  /** Around a tenant's turn in a job over many. */
  readonly turn: (job: Task, work: () => Promise<void>) => Promise<void>;
}

/**
 * Spans by OpenTelemetry's API. They go wherever the SDK sends them that the operator has registered in this process;
 * without one nothing is made of them. What they hold is named here, one by one: kinds, ids and codes, and nothing that
 * a caller, a message or a statement's parameter could bring along.
 */
export function createTraces(version: string): Traces {
  const tracer = trace.getTracer("rowhouse", version);

  return {
    request: ({ route, method, carrier }, answer) =>
      within(tracer, {
        name: `${method ?? "HTTP"} ${route}`,
        kind: SpanKind.SERVER,
        attributes: { "http.request.method": method ?? "_OTHER", "http.route": route },
        parent: propagation.extract(ROOT_CONTEXT, carrier),
        work: async (span) => describeAnswer(span, await answer()),
      }),

    providerCalls: (provider) => (call, work) =>
      part(tracer, work, () => ({
        name: `${provider} ${call}`,
        attributes: { "rowhouse.provider": provider, "rowhouse.provider.call": call },
      })),

    databaseCalls(provider, database) {
      const own = {
        "db.system.name": "sqlite",
        "rowhouse.provider": provider,
        ...(database !== undefined && { "db.namespace": database }),
      };
      return (call, work, statements = []) =>
        part(tracer, work, () => {
          const summary = summaryOf(statements);
          const size = statements.length > 1 && { "db.operation.batch.size": statements.length };
          return { name: summary || call, attributes: { ...own, "db.query.summary": summary, ...size } };
        });
    },

    attempt: (operation, work) => within(tracer, { ...task("operation", operation), work }),
    step: (step, work) =>
      within(tracer, { name: `step ${step}`, attributes: { "rowhouse.operation.step": step }, work }),
    turn: (job, work) => within(tracer, { ...task("job", job), work }),
  };
}

/** Whether anybody has registered an SDK that takes spans. */
export function isAnybodyTracing(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer("rowhouse") !== undefined;
}

const task = (what: "operation" | "job", { kind, tenantId, id }: Task) => ({
  name: `${what} ${kind}`,
  attributes: { [`rowhouse.${what}.id`]: id, [`rowhouse.${what}.kind`]: kind, "rowhouse.tenant": tenantId },
});

function describeAnswer(span: Span, { status, requestId, tenantId }: Answer): void {
  span.setAttributes({ "http.response.status_code": status, "rowhouse.request.id": requestId });
  if (tenantId !== undefined) span.setAttribute("rowhouse.tenant", tenantId);
  // A refusal is an answer like any other.
  if (status >= 500) blame(span, String(status));
}

interface Piece<T> {
  readonly name: string;
  readonly attributes: Attributes;
  readonly kind?: SpanKind;
  readonly parent?: Context;
  readonly work: (span: Span) => Promise<T>;
}

/** Runs work within a span. What it throws goes on, and leaves its kind there: a message may hold anything. */
function within<T>(tracer: Tracer, { name, attributes, kind, parent = ongoing(), work }: Piece<T>): Promise<T> {
  const options = { attributes, kind: kind ?? SpanKind.INTERNAL };
  return tracer.startActiveSpan(name, options, parent, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      blame(span, typeOf(error));
      throw error;
    } finally {
      span.end();
    }
  });
}

/**
 * The same for a part of something that is being recorded; alone it would tell nothing, as what is asked of the control
 * plane each second.
 */
function part<T>(
  tracer: Tracer,
  work: () => Promise<T>,
  describe: () => Pick<Piece<T>, "name" | "attributes">,
): Promise<T> {
  if (!trace.getActiveSpan()?.isRecording()) return work();
  return within(tracer, { ...describe(), kind: SpanKind.CLIENT, work });
}

/** What is under way. Timers carry on what they were started in, however long that is over. */
function ongoing(): Context {
  const span = trace.getActiveSpan();
  const isSampled = ((span?.spanContext().traceFlags ?? TraceFlags.NONE) & TraceFlags.SAMPLED) !== 0;
  return isSampled && !span?.isRecording() ? ROOT_CONTEXT : context.active();
}

function blame(span: Span, type: string): void {
  span.setAttribute("error.type", type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

function typeOf(error: unknown): string {
  if (error instanceof PlatformError) return error.reason;
  return error instanceof Error ? error.constructor.name : "unknown";
}
