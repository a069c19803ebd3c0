import { Hono } from "hono";
import { PlatformError } from "../domain/errors.ts";

/** What answers once it is open. */
interface Server {
  fetch(request: Request, env?: object): Response | Promise<Response>;
}

/** An app that is there at once, and whose requests wait for the server behind it to open. */
export function createLateApp(opened: () => Promise<Server>): Hono {
  const app = new Hono();
  app.all("*", async (c) => {
    const server = await opened().catch(() => null);
    // Why it could not be opened is for whoever opens it, and not for callers.
    return server ? await server.fetch(c.req.raw, c.env as object) : notReady().getResponse();
  });
  return app;
}

const notReady = () => new PlatformError("unavailable", "not_ready", "The server is not ready.");
