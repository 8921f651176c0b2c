// The theme's toggles in the sidebar have a picture and no name: a screen reader says what they open.
for (const toggle of document.querySelectorAll("summary:has(> .toctree-toggle)")) {
  const link = toggle.closest("li")?.querySelector("a");
  toggle.setAttribute("aria-label", `Pages of ${link?.textContent.trim() ?? "this section"}`);
}
