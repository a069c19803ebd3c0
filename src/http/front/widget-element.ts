/** Where AuthHero puts its login widget, and the screen that it is to show. */
const EMPTY_PLACE =
  /(<div\b[^>]*\bdata-authhero-widget-container="true"[^>]*\bdata-screen="([\w/-]+)"[^>]*>)(?=<\/div>)/;

/**
 * Puts the login widget into a page that has come without it: AuthHero writes it on the server only where a package of
 * its makers is installed, and else leaves the place empty, with the script that would bring the widget to life. The
 * widget gets its screen from the tenant itself.
 */
export function withWidget(html: string, state: string): string {
  return html.replace(EMPTY_PLACE, (_, place: string, screen: string) => {
    const from = `/u2/screen/{screenId}?${new URLSearchParams({ state })}`;
    const attributes = [
      `screen-id="${screen}"`,
      `state="${escaped(state)}"`,
      `api-url="${escaped(from)}"`,
      'auto-submit="true" auto-navigate="true"',
    ];
    return `${place}<authhero-widget ${attributes.join(" ")}></authhero-widget>`;
  });
}

const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
