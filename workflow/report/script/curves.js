// Learning curves of chosen cells in one plot (uPlot). Lines are medians, bands hold the central replicates.
const dark = matchMedia("(prefers-color-scheme: dark)");

function overlay(box) {
  const data = JSON.parse(document.getElementById(box.dataset.series).textContent);
  const [quantity, log, bands] = ["select", ".log", ".bands"].map((name) => box.querySelector(name));
  const place = box.querySelector(".chart");
  const boxes = [...box.querySelectorAll("fieldset input")];
  let plot = null;
  // Hues a golden angle apart stay apart however many cells there are.
  const colour = (i, alpha = 1) => `hsl(${(205 + 137.5 * i) % 360} 65% ${dark.matches ? 66 : 38}% / ${alpha})`;
  boxes.forEach((field, i) => field.parentElement.style.setProperty("--line", colour(i)));

  function draw() {
    const chosen = boxes.map((field, i) => ({ field, i })).filter((each) => each.field.checked);
    const length = Math.max(1, ...chosen.map(({ field }) => data[field.value].epochs));
    const x = Array.from({ length }, (_, i) => i + 1);
    const filled = (values) => x.map((_, i) => values?.[i] ?? null);
    const columns = [x], series = [{ label: words.epoch }], areas = [];
    for (const { field, i } of chosen) {
      const found = data[field.value][quantity.value] ?? {};
      series.push({ label: field.parentElement.textContent.trim(), stroke: colour(i), width: 1.75, points: { show: false } });
      columns.push(filled(found.median));
      if (!bands.checked) continue;
      for (const end of ["high", "low"]) {
        series.push({ label: "", stroke: "transparent", points: { show: false }, class: "edge" });
        columns.push(filled(found[end]));
      }
      areas.push({ series: [columns.length - 2, columns.length - 1], fill: colour(i, 0.13) });
    }
    const ink = getComputedStyle(box).color;
    const faint = (share) => ink.replace("rgb(", "rgba(").replace(")", `, ${share})`);
    const axis = { stroke: ink, grid: { stroke: faint(0.13), width: 0.5 }, ticks: { stroke: faint(0.3), width: 0.5 }, font: "12px system-ui, sans-serif" };
    plot?.destroy();
    plot = new uPlot(
      {
        width: place.clientWidth || 600,
        height: 340,
        scales: { x: { time: false }, y: { distr: log.checked ? 3 : 1 } },
        series,
        bands: areas,
        axes: [{ ...axis, label: words.epoch, labelSize: 22 }, { ...axis, size: 64 }],
        cursor: { drag: { x: true, y: false } },
      },
      columns,
      place,
    );
    const names = chosen.map(({ field }) => field.parentElement.textContent.trim()).join(", ");
    place.setAttribute("aria-label", `${quantity.selectedOptions[0].textContent}: ${names}`);
  }
  for (const field of [...boxes, quantity, log, bands]) field.addEventListener("change", draw);
  dark.addEventListener("change", draw);
  new ResizeObserver(() => plot?.setSize({ width: place.clientWidth, height: 340 })).observe(place);
  // Drawn when it comes near, so that the first paint does not wait for it.
  const near = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    near.disconnect();
    draw();
  }, { rootMargin: "600px" });
  near.observe(box);
}
for (const box of document.querySelectorAll(".overlay")) overlay(box);
