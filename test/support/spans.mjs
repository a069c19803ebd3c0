// For a server's process, by `--import`, as an operator registers an SDK: writes every span that ends as a line of JSON
// to the file that SPANS_WRITTEN_TO names.
import { appendFileSync } from "node:fs";
import { NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";

const path = process.env.SPANS_WRITTEN_TO ?? "";

const exporter = {
  export(spans, done) {
    appendFileSync(path, spans.map((span) => `${JSON.stringify(shown(span))}\n`).join(""));
    done({ code: 0 });
  },
  shutdown: () => Promise.resolve(),
};

/** All that an exporter would send of it. */
function shown(span) {
  const { name, kind, attributes, status, events, links, instrumentationScope: scope } = span;
  const { traceId, spanId, traceState } = span.spanContext();
  const own = { traceId, spanId, traceState: traceState?.serialize(), parentSpanId: span.parentSpanContext?.spanId };
  return { name, kind, ...own, attributes, status, events, links, scope };
}

new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
