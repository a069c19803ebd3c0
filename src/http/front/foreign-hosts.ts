/**
 * AuthHero's pages and styles link fonts, pictures and a logo on hosts of its makers' company, which would learn of
 * every login. There is no option against it, so the links are taken out here.
 */

const URL_OF_MAKERS = String.raw`https?:\/\/(?:[\w-]+\.)*sesamy\.(?:com|dev)[^"'\s)<>&\\]*`;
const LINK_TAG = new RegExp(String.raw`<link\b[^>]*${URL_OF_MAKERS}[^>]*>`, "gi");
const ANCHOR = new RegExp(String.raw`<a\b[^>]*${URL_OF_MAKERS}[^>]*>[\s\S]*?<\/a>`, "gi");
const CSS_URL = new RegExp(String.raw`url\((?:&#39;|&quot;|["'])?${URL_OF_MAKERS}(?:&#39;|&quot;|["'])?\)`, "gi");
const ANY_URL = new RegExp(URL_OF_MAKERS, "gi");
const FONT_FACE = /@font-face\s*\{[^}]*\}/gi;

/** What stands in for the background picture. */
const BACKGROUND = "linear-gradient(160deg,#1e293b,#475569)";

/** A page without their fonts, picture and logo. */
export function cleanHtml(html: string): string {
  return cleanText(html.replace(LINK_TAG, "").replace(ANCHOR, "").replace(CSS_URL, BACKGROUND));
}

/** A style sheet without their fonts, and with plain characters for the icons one of them held. */
export function cleanCss(css: string): string {
  const kept = css.replace(FONT_FACE, (rule) => (new RegExp(URL_OF_MAKERS, "i").test(rule) ? "" : rule));
  return kept === css ? css : cleanText(kept) + ICONS;
}

/** Any other text, such as the theme that a login widget fetches. */
export const cleanText = (text: string): string => text.replace(ANY_URL, "");

const ICONS = `
[class^=uicon-],[class*=" uicon-"]{font-family:inherit!important}
[class^=uicon-]:before,[class*=" uicon-"]:before{content:none}
.uicon-arrow-right:before{content:"\\2192"}
.uicon-arrow-left:before{content:"\\2190"}
.uicon-arrow-up:before{content:"\\2191"}
.uicon-arrow-down:before{content:"\\2193"}
.uicon-info:before,.uicon-info-bubble:before{content:"\\24d8"}
.uicon-spinner-inner:before{content:"";display:block;width:1em;height:1em;border:.12em solid;border-top-color:transparent;border-radius:50%}
`;
