import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

// An application in which people administer tenants: console.html, signed in with Auth0's own library. It is the client
// `rowhouse-console` of the control plane, whose CONSOLE_CALLBACKS has to name this address.
const { ISSUER: issuer = "http://localhost:3000/", PORT: port = "8080" } = process.env;

const library = import.meta.resolve("@auth0/auth0-spa-js/dist/auth0-spa-js.production.js");
const files: Readonly<Record<string, readonly [type: string, file: URL]>> = {
  "/": ["text/html; charset=utf-8", new URL("console.html", import.meta.url)],
  "/auth0-spa-js.js": ["text/javascript", new URL(library)],
};

// Every browser asks for an icon; an answer keeps its console clean.
const EMPTY = ["/favicon.ico", "/healthz"];

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  const file = files[pathname];
  if (pathname === "/issuer.js") {
    response.writeHead(200, { "content-type": "text/javascript" }).end(`const issuer = ${JSON.stringify(issuer)};`);
  } else if (file === undefined) {
    response.writeHead(EMPTY.includes(pathname) ? 204 : 404).end();
  } else {
    const [type, path] = file;
    void readFile(path).then((bytes) => response.writeHead(200, { "content-type": type }).end(bytes));
  }
});
server.listen(Number(port), "127.0.0.1", () => console.log(`http://localhost:${port}/`));
process.once("SIGTERM", () => server.close());
