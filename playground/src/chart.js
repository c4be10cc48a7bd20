// A chart of shares: for each variant a bar, and over it the range in which the share is expected.
import { element, percent, svg } from "./dom.js";

const WIDTH = 640;
const ROW = 46;
const LEFT = 130;
const RIGHT = 96;
const TOP = 8;
const AXIS = 30;

/** The chart, and a table with the same numbers. */
export function chart(bars, title) {
  return element("figure", {}, drawing(bars, title), legend(), table(bars, title));
}

function drawing(bars, title) {
  const height = TOP + bars.length * ROW + AXIS;
  const most = Math.max(...bars.map((bar) => Math.max(bar.observed, bar.expected + bar.fourSigma)), 0.01);
  const step = stepOf(most);
  const end = Math.min(Math.ceil(most / step - 1e-9) * step, 1);
  const x = (share) => LEFT + (Math.min(share, end) / end) * (WIDTH - LEFT - RIGHT);
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": described(bars, title) });
  for (let share = 0; share <= end + 1e-9; share += step) {
    picture.append(
      svg("line", { class: "grid", x1: x(share), x2: x(share), y1: TOP, y2: height - AXIS + 4 }),
      svg("text", { class: "tick", x: x(share), y: height - 10, "text-anchor": "middle" }, percent(Number(share.toFixed(6)))),
    );
  }
  bars.forEach((bar, index) => {
    const y = TOP + index * ROW;
    const middle = y + ROW / 2;
    const [low, high] = [Math.max(bar.expected - bar.fourSigma, 0), bar.expected + bar.fourSigma];
    picture.append(
      svg("text", { class: "name", x: LEFT - 10, y: middle + 5, "text-anchor": "end" }, shortened(bar.name)),
      svg("rect", { class: bar.within ? "observed" : "observed outside", x: LEFT, y: y + 9, width: Math.max(x(bar.observed) - LEFT, 0), height: ROW - 18, rx: 2 }),
      svg("path", { class: "expected", d: `M${x(low)} ${middle - 6}v12M${x(low)} ${middle}H${x(high)}M${x(high)} ${middle - 6}v12M${x(bar.expected)} ${y + 5}V${y + ROW - 5}` }),
      svg("text", { class: "share", x: WIDTH - RIGHT + 12, y: middle + 5 }, percent(bar.observed)),
    );
  });
  return picture;
}

function stepOf(most) {
  return [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25].find((step) => most / step <= 5) ?? 0.25;
}

function shortened(name) {
  return name.length > 15 ? `${name.slice(0, 14)}…` : name;
}

function described(bars, title) {
  const all = bars.map((bar) => `${bar.name} ${percent(bar.observed)}, expected ${percent(bar.expected)}`);
  return `${title}: ${all.join("; ")}`;
}

function legend() {
  return element(
    "figcaption",
    {},
    element("span", { class: "swatch observed" }),
    "share of the simulated units",
    element("span", { class: "swatch expected" }),
    "expected, ± 4 standard deviations",
  );
}

function table(bars, title) {
  const head = ["Variant", "Units", "Share", "Expected", "± 4 σ", ""];
  const row = (bar) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, bar.name),
      ...[bar.units.toLocaleString("en"), percent(bar.observed), percent(bar.expected), percent(bar.fourSigma), bar.within ? "as expected" : "outside"].map(
        (text) => element("td", {}, text),
      ),
    );
  return element(
    "table",
    {},
    element("caption", {}, title),
    element("thead", {}, element("tr", {}, ...head.map((text) => (text ? element("th", { scope: "col" }, text) : element("td"))))),
    element("tbody", {}, ...bars.map(row)),
  );
}
