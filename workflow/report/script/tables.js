// Tables of data sort by a click on a head, filter by a text, and are copied as CSV or LaTeX.
const MANY = 8; // rows from which a filter helps

const shown = (cell) => {
  const copied = cell.cloneNode(true);
  for (const extra of copied.querySelectorAll(".unseen, .look, .mark, [aria-hidden]")) extra.remove();
  return copied.textContent.replace(/\s+/g, " ").trim();
};
const plain = (text) => text.replace(/[\u2007\u202f]/g, "").replaceAll("\u00a0", " ").replace(/\u2212/g, "-");
// The first number of a cell; nothing where there is none, which sorts last.
const number = (text) => {
  const found = plain(text).replace(/(\d),(?=\d{3})/g, "$1").match(/-?\d+(\.\d+)?(e-?\d+)?/i);
  return found ? Number(found[0]) : NaN;
};

// What moves as one: a row, or where a table has several bodies, a body.
const units = (table) => (table.tBodies.length > 1 ? [...table.tBodies] : [...table.tBodies[0].rows]);
const firstRow = (unit) => (unit.tagName === "TR" ? unit : unit.rows[0]);

function sortable(table) {
  const heads = [...table.tHead.rows].at(-1).cells;
  [...heads].forEach((head, column) => {
    if (!head.textContent.trim() || head.hasAttribute("aria-hidden")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const text = (unit) => shown(firstRow(unit).cells[column]);
      const turn = up ? 1 : -1;
      const compare = head.classList.contains("num")
        ? (a, b) => {
            const [x, y] = [number(text(a)), number(text(b))];
            if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y);
            return turn * (x - y);
          }
        : (a, b) => turn * text(a).localeCompare(text(b), undefined, { numeric: true });
      const all = units(table).sort(compare);
      (all[0].tagName === "TR" ? table.tBodies[0] : table).append(...all);
    });
  });
}

const grid = (table) =>
  [...table.rows]
    .filter((row) => !row.hidden && !row.parentElement.hidden && row.parentElement.tagName !== "TFOOT")
    .map((row) =>
      [...row.cells].filter((cell) => !cell.hasAttribute("aria-hidden")).map((cell) => plain(shown(cell))),
    );
// A text that a spreadsheet would take for a formula gets an apostrophe, which says that it is none; numbers have no letters.
const inert = (text) => (/^=|^@|^[+-](?![\d.,\s%e[\]×–-]*$)/.test(text) ? `'${text}` : text);
const csv = (table) =>
  grid(table)
    .map((row) => row.map(inert).map((text) => (/[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text)).join(","))
    .join("\n") + "\n";

const TEX = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "–": "--", "²": "$^2$", "×": "$\\times$", "±": "$\\pm$", "≈": "$\\approx$", "ω": "$\\omega$", "<": "$<$", ">": "$>$", "→": "$\\to$" };
const tex = (text) =>
  text
    .replace(/[\\~^–²×±≈ω<>→]|[&%$#_{}]/g, (sign) => TEX[sign] ?? "\\" + sign)
    .replace(/(^|[\s[])-(?=\d)/g, "$1$-$");
function latex(table) {
  const rows = grid(table).map((row) => row.map(tex).join(" & ") + " \\\\");
  const align = [...[...table.tHead.rows].at(-1).cells]
    .filter((cell) => !cell.hasAttribute("aria-hidden"))
    .map((cell) => (cell.classList.contains("num") ? "r" : "l"))
    .join("");
  const [head, ...body] = rows;
  return ["% \\usepackage{booktabs}", `\\begin{tabular}{${align}}`, "\\toprule", head, "\\midrule", ...body, "\\bottomrule", "\\end{tabular}", ""].join("\n");
}

function toolbar(table) {
  const bar = document.createElement("div");
  bar.className = "toolbar";
  if (units(table).length > MANY) {
    const field = document.createElement("input");
    field.type = "search";
    field.placeholder = words.filter;
    field.setAttribute("aria-label", `${words.filter}: ${table.caption.textContent}`);
    field.addEventListener("input", () => {
      const wanted = field.value.trim().toLowerCase();
      for (const unit of units(table)) unit.hidden = !unit.textContent.toLowerCase().includes(wanted);
    });
    bar.append(field);
  }
  for (const [name, make] of [["CSV", csv], ["LaTeX", latex]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.setAttribute("aria-label", `${words.copy_as} ${name}: ${table.caption.textContent}`);
    button.addEventListener("click", () => copy(make(table), button));
    bar.append(button);
  }
  (table.closest(".scroll") ?? table).before(bar);
}

for (const table of document.querySelectorAll("table.data")) {
  sortable(table);
  toolbar(table);
}
