import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export interface MetricsServer {
  close(): void;
}

/** The format of Prometheus, version 0.0.4. */
const TEXT = "text/plain; version=0.0.4; charset=utf-8";

/**
 * Serves `/metrics` at an address of its own, never beside the requests of everybody. `text` may fail, as where the
 * workers do not answer: then it is 503. Throws when the address cannot be had.
 */
export async function serveMetrics(
  { host, port }: { readonly host: string; readonly port: number },
  text: () => Promise<string>,
): Promise<MetricsServer> {
  const server = createServer((request, response) => void answer(request, response, text));
  server.listen(port, host);
  await once(server, "listening");
  return {
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer({ method, url }: IncomingMessage, response: ServerResponse, text: () => Promise<string>) {
  if (url !== "/metrics") return end(response, 404, "There is /metrics here.\n");
  if (method !== "GET") return end(response, 405, "GET it.\n", { allow: "GET" });
  try {
    end(response, 200, await text(), { "content-type": TEXT });
  } catch {
    // Whoever scrapes learns of it, and that it is missing is seen there.
    end(response, 503, "The metrics cannot be had right now.\n");
  }
}

function end(response: ServerResponse, status: number, body: string, headers: Readonly<Record<string, string>> = {}) {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", ...headers }).end(body);
}
