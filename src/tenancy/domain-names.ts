import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import * as z from "zod";

/** Under the domain, where its owner has to show something. */
const RECORD_LABEL = "_rowhouse";

/** Where the TXT record stands that proves whose a domain is. */
export const recordNameOf = (domain: string) => `${RECORD_LABEL}.${domain}`;

// RFC 1035, section 2.3.4, less what is to stand in front.
const CHARACTERS_MAX = 253 - recordNameOf("").length;

/** Of ASCII only what host names are made of (RFC 1123, section 2.1); the rest is for IDNA to judge. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant.
const WRITTEN = /^(?:[a-z0-9.-]|[^\x00-\x7f])+$/i;
const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;

/** A domain as people write it, made the one way it is stored: lower case, IDN as punycode, no trailing dot. */
export const DomainName = z.string().transform((text, check): string => {
  const problem = (message: string) => {
    check.addIssue({ code: "custom", message });
    return z.NEVER;
  };
  if (text.length > CHARACTERS_MAX) return problem(`must have at most ${CHARACTERS_MAX} characters`);
  if (!WRITTEN.test(text)) return problem("must be a domain like login.example.com, without scheme, port and path");
  const domain = domainToASCII(text.replace(/\.$/, ""));
  if (domain.length > CHARACTERS_MAX) return problem(`must have at most ${CHARACTERS_MAX} characters`);
  const labels = domain.split(".");
  if (isIP(domain) !== 0 || /^\d+$/.test(labels.at(-1) ?? "")) return problem("must be a domain, not an address");
  if (labels.length < 2 || !labels.every((label) => LABEL.test(label))) {
    return problem("must be a domain like login.example.com");
  }
  return domain;
});
