"use strict";
// The page is complete without this: it sorts one table, opens what is folded for printing, and
// marks the section in view.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const number = (text) => Number(text.replace(/[,\u2007\s]/g, "").replace("\u2212", "-"));
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const text = (row) => row.cells[column].textContent.trim();
      const compare = head.classList.contains("num")
        ? (a, b) => (number(text(a)) || 0) - (number(text(b)) || 0)
        : (a, b) => text(a).localeCompare(text(b), undefined, { numeric: true });
      const rows = [...body.rows].sort(compare);
      body.append(...(up ? rows : rows.reverse()));
    });
  });
}
window.addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details:not([open])")) {
    folded.open = true;
    folded.dataset.folded = "";
  }
});
window.addEventListener("afterprint", () => {
  for (const folded of document.querySelectorAll("details[data-folded]")) {
    folded.open = false;
    delete folded.dataset.folded;
  }
});
const links = new Map(
  [...document.querySelectorAll("nav a")].map((link) => [link.getAttribute("href").slice(1), link]),
);
const seen = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(entry.target.id).setAttribute("aria-current", "location");
    }
  },
  { rootMargin: "-10% 0px -80% 0px" },
);
for (const id of links.keys()) {
  const section = document.getElementById(id);
  if (section) seen.observe(section);
}
