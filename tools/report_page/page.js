"use strict";

// One place on the axis of images seen, shared by all charts: the values there stand in the legends.
const charts = [...document.querySelectorAll(".chart")].map((figure) => ({
  figure,
  series: JSON.parse(figure.querySelector("script").textContent),
  values: [...figure.querySelectorAll(".legend b")],
  drawings: [...figure.querySelectorAll("svg")],
}));
// The layout of charts.py.
const WIDTH = 440, LEFT = 54, RIGHT = 12;
let place = null;

function shortNumber(number) {
  for (const [unit, suffix] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (Math.abs(number) >= 0.9995 * unit) return Number((number / unit).toPrecision(3)) + suffix;
  }
  return number === 0 ? "0" : String(Number(number.toPrecision(3)));
}

function nearest(xs, x) {
  let low = 0, high = xs.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle] < x) low = middle + 1; else high = middle;
  }
  return low > 0 && x - xs[low - 1] <= xs[low] - x ? low - 1 : low;
}

function show(x) {
  place = x;
  for (const { series, values, drawings } of charts) {
    series.forEach((line, i) => {
      const at = x === null ? line.x.length - 1 : nearest(line.x, x);
      values[i].textContent = shortNumber(line.y[at]);
    });
    for (const drawing of drawings) {
      const last = Number(drawing.dataset.last);
      const shown = x !== null && x <= last;
      const pixel = shown ? LEFT + (x / last) * (WIDTH - LEFT - RIGHT) : -9;
      const cursor = drawing.querySelector(".cursor");
      cursor.setAttribute("x1", pixel);
      cursor.setAttribute("x2", pixel);
    }
  }
}

// The image seen counts of the longest line: where the pointer and the arrow keys stop.
function stopsOf(chart) {
  return chart.series.reduce((best, line) => (line.x.length > best.length ? line.x : best), []);
}

for (const chart of charts) {
  chart.figure.addEventListener("pointermove", (event) => {
    const drawing = event.target.closest("svg");
    if (!drawing) return;
    const box = drawing.getBoundingClientRect();
    const pixel = ((event.clientX - box.left) / box.width) * WIDTH;
    const share = Math.min(1, Math.max(0, (pixel - LEFT) / (WIDTH - LEFT - RIGHT)));
    const stops = stopsOf(chart);
    show(stops[nearest(stops, share * Number(drawing.dataset.last))]);
  });
  chart.figure.addEventListener("pointerleave", () => show(null));
  chart.figure.addEventListener("keydown", (event) => {
    const stops = stopsOf(chart);
    const at = place === null ? stops.length - 1 : nearest(stops, place);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: stops.length - 1 }[event.key];
    if (event.key === "Escape") show(null);
    if (to === undefined || event.target !== chart.figure) return;
    event.preventDefault();
    show(stops[Math.min(stops.length - 1, Math.max(0, to))]);
  });
}

// The slider of the grids: every run shows its newest picture that is not newer than the slider.
const slider = document.querySelector(".slider");
if (slider) {
  const stops = slider.dataset.stops.split(",").map(Number);
  const input = slider.querySelector("input"), button = slider.querySelector("button");
  let timer = null;

  function turn() {
    const stop = stops[input.value];
    const words = `${stop.toLocaleString("en")} images`;
    slider.querySelector("output").textContent = words;
    input.setAttribute("aria-valuetext", words);
    for (const frames of document.querySelectorAll(".frames")) {
      const images = [...frames.querySelectorAll("img")];
      const chosen = images.findLast((image) => Number(image.dataset.images) <= stop) || images[0];
      images.forEach((image) => { image.hidden = image !== chosen; });
      const seen = Number(chosen.dataset.images).toLocaleString("en");
      frames.parentElement.querySelector("figcaption b").textContent = seen;
    }
    show(Number(input.value) === stops.length - 1 ? null : stop);
  }

  function pause() {
    clearInterval(timer);
    timer = null;
    button.textContent = "▶";
    button.setAttribute("aria-label", "Play");
  }

  function play() {
    if (Number(input.value) === stops.length - 1) input.value = 0;
    button.textContent = "❚❚";
    button.setAttribute("aria-label", "Pause");
    turn();
    timer = setInterval(() => {
      input.value = Number(input.value) + 1;
      turn();
      if (Number(input.value) === stops.length - 1) pause();
    }, 500);
  }

  input.addEventListener("input", () => { pause(); turn(); });
  button.addEventListener("click", () => (timer === null ? play() : pause()));
  slider.addEventListener("submit", (event) => event.preventDefault());
  slider.hidden = stops.length < 2;
}

// A picture that is wider than its column: a click or Enter shows it whole, and small again.
for (const figure of document.querySelectorAll("figure.wide")) {
  figure.addEventListener("click", () => figure.classList.toggle("whole"));
  figure.addEventListener("keydown", (event) => {
    if (event.key === "Enter") figure.classList.toggle("whole");
  });
}

addEventListener("load", () => {
  for (const image of document.images) {
    if (!image.naturalWidth) fail(`${image.alt} did not load`);
  }
  const root = document.documentElement;
  root.dataset.images = document.images.length;
  root.dataset.charts = charts.length;
  root.dataset.failures ??= "none";
  if (failures.length) {
    const banner = document.createElement("p");
    banner.className = "banner";
    banner.textContent = `Parts of this report failed: ${failures.join("; ")}`;
    document.body.prepend(banner);
  }
});
