import { createHash } from "node:crypto";

/** What a page may do besides what every page of ours may. */
export interface Allowances {
  /** Where its forms may lead, redirects included: absolute URLs. */
  readonly formTargets: readonly string[];
  /** Pictures and fonts: absolute URLs. */
  readonly assets: readonly string[];
  /** The origin that may show it in a frame. */
  readonly framedBy: string | null;
  /** The inline script that is AuthHero's own. */
  readonly inlineScript: string | null;
}

/**
 * The Content-Security-Policy (W3C CSP Level 3) of an HTML answer: nothing but our own files, no frame around it, and
 * of inline code only AuthHero's, named by hash.
 */
export function contentSecurityPolicy({ formTargets, assets, framedBy, inlineScript }: Allowances): string {
  const scripts =
    inlineScript === null ? [] : [`'sha256-${createHash("sha256").update(inlineScript).digest("base64")}'`];
  const assetSources = sourcesOf(assets);
  const directives = {
    "default-src": ["'none'"],
    "script-src": ["'self'", ...scripts, "'unsafe-hashes'", ...HANDLERS],
    // AuthHero's pages and its widget carry their theme in style attributes.
    "style-src": ["'self'", "'unsafe-inline'"],
    "img-src": ["'self'", "data:", ...assetSources],
    "font-src": ["'self'", "data:", ...assetSources],
    "connect-src": ["'self'"],
    "form-action": ["'self'", ...sourcesOf(formTargets)],
    "frame-ancestors": [...sourcesOf(framedBy === null ? [] : [framedBy]), ...(framedBy === null ? ["'none'"] : [])],
    "base-uri": ["'none'"],
  };
  return Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources.join(" ")}`)
    .join("; ");
}

/** The event handlers in AuthHero 9.6's markup. Constants, so an injected one can do no more than they do. */
const HANDLERS = [
  // u2: the button between light and dark.
  "'sha256-D0l+cg3x8qNnrWByKbFmZ1X87g7jdPx+sbzQKAw8q30='",
  // u2: the choice of language.
  "'sha256-eJf1U7qtF+mcyE0sa7anFBP8gxZEYmF3/hO/H8LfvKY='",
  // response_mode=form_post: `document.forms[0].submit()`.
  "'sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE='",
];

/** Origins; for an application's own scheme, the scheme. What is no URL is left out. */
function sourcesOf(urls: readonly string[]): string[] {
  const sources = urls.flatMap((text) => {
    if (!URL.canParse(text)) return [];
    const { origin, protocol } = new URL(text);
    return origin === "null" ? protocol : origin;
  });
  // Allowing these would be allowing everything.
  return [...new Set(sources)].filter((source) => !FORBIDDEN_SCHEMES.has(source));
}

const FORBIDDEN_SCHEMES = new Set(["javascript:", "data:", "blob:", "http:", "https:", "filesystem:"]);
