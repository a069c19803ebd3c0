// For a server's process, by `--import`: sends requests for public hosts to loopback, as if their names meant that.
// REROUTED is a JSON object from an origin to the origin that stands for it.
const origins = JSON.parse(process.env.REROUTED ?? "{}");
const original = globalThis.fetch;

globalThis.fetch = (input, init) => {
  const request = new Request(input, init);
  const { origin } = new URL(request.url);
  const other = origins[origin];
  if (!other) return original(input, init);
  return original(new Request(other + request.url.slice(origin.length), request));
};
