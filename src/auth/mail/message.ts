import type { EmailServiceAdapter } from "@authhero/adapter-interfaces";

/** What AuthHero asks to have sent. */
export type Mail = Parameters<EmailServiceAdapter["send"]>[0];

/** The part of it that travels. */
export interface Message {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly html?: string;
  readonly text?: string;
}

/** A mail as it goes to its reader. */
export const messageOf = ({ from, to, subject, html, text }: Mail): Message => ({
  from,
  to,
  subject,
  ...(html !== undefined && { html: html.replace(MAKERS_NOTICE, "") }),
  ...(text !== undefined && { text: text.replace(MAKERS_NOTICE, "") }),
});

/** AuthHero's templates end with a notice of its makers' company, which no reader of a tenant's mail knows. */
const MAKERS_NOTICE = /Copyright © \d{4} SESAMY\.[^<\n]*/g;
