import type { ThemeInsert } from "@authhero/adapter-interfaces";

const plain = (size: number) => ({ bold: false, size });

/**
 * What a login page looks like until somebody chooses. Every address in it is our own or empty: AuthHero's built-in
 * fonts and background would make each visitor's browser call a third party.
 */
export const DEFAULT_THEME: ThemeInsert = {
  displayName: "Rowhouse",
  borders: {
    button_border_radius: 6,
    button_border_weight: 1,
    buttons_style: "rounded",
    input_border_radius: 6,
    input_border_weight: 1,
    inputs_style: "rounded",
    show_widget_shadow: true,
    widget_border_weight: 0,
    widget_corner_radius: 10,
  },
  colors: {
    base_focus_color: "#1f4e79",
    base_hover_color: "#163a5a",
    body_text: "#1e1e1e",
    captcha_widget_theme: "auto",
    error: "#b3261e",
    header: "#1e1e1e",
    icons: "#65676e",
    input_background: "#ffffff",
    input_border: "#8a8d94",
    input_filled_text: "#1e1e1e",
    input_labels_placeholders: "#5c5f66",
    links_focused_components: "#1f4e79",
    primary_button: "#1f4e79",
    primary_button_label: "#ffffff",
    secondary_button_border: "#8a8d94",
    secondary_button_label: "#1e1e1e",
    success: "#1b6e3c",
    widget_background: "#ffffff",
    widget_border: "#c9cace",
  },
  fonts: {
    body_text: plain(87.5),
    buttons_text: plain(100),
    font_url: "",
    input_labels: plain(100),
    links: { bold: true, size: 87.5 },
    links_style: "normal",
    reference_text_size: 16,
    subtitle: plain(87.5),
    title: plain(150),
  },
  page_background: {
    background_color: "#eef1f5",
    // AuthHero replaces an empty one by its makers' picture.
    background_image_url:
      "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='1' height='1'%3E%3Crect width='1' height='1' fill='%23eef1f5'/%3E%3C/svg%3E",
    page_layout: "center",
  },
  widget: {
    header_text_alignment: "center",
    logo_height: 52,
    logo_position: "center",
    logo_url: "",
    social_buttons_layout: "bottom",
  },
};
