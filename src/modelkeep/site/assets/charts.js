// Pictures: lines, points, bars, matrices. Lines of several versions differ in colour and in dashes.
const WIDE = 520;
const HIGH = 320;
// The edges of what is drawn in it
const LEFT = 64;
const RIGHT = WIDE - 12;
const TOP = 10;
const BOTTOM = HIGH - 40;

function ticks(low, high, wanted = 5) {
  const raw = (high - low || 1) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((part) => part * power >= raw) * power;
  const first = Math.ceil(low / step - 1e-9);
  return range(Math.floor(high / step + 1e-9) - first + 1).map((place) => Number(((first + place) * step).toPrecision(12)));
}
// Around an only value there is as much as is said, or half of it.
function extent(values, around) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (isNumber(value)) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (low > high) return [0, 1];
  const half = low === high ? around || (Math.abs(low) || 1) / 2 : 0;
  return [low - half, high + half];
}
function rounded(values) {
  const [low, high] = extent(values);
  const step = ticks(low, high)[1] - ticks(low, high)[0] || high - low;
  return [Math.floor(low / step + 1e-9) * step, Math.ceil(high / step - 1e-9) * step];
}
const scale = ([low, high], from, until) => (value) => from + ((value - low) / (high - low)) * (until - from);
const svgOf = (title, wide, high, ...parts) => draw('svg', {viewBox: `0 0 ${wide} ${high}`, 'aria-label': title, class: 'chart',
  role: parts.flat(Infinity).some((part) => part?.tagName === 'a') ? 'group' : 'img'}, ...parts);

const words = (x, y, kind, ...parts) => draw('text', {x, y, class: kind}, parts);
const line = (x1, x2, y1, y2, kind) => draw('line', {x1, x2, y1, y2, class: kind});
const hint = (text) => draw('title', {}, text);
// Lines across a picture, with their numbers on the left.
const grid = (y, ys, left, right) => ticks(...ys).map((value) => [line(left, right, y(value), y(value)), words(left - 6, y(value) + 4, 'end', number(value))]);
// The numbers or names below a picture, each with its place, and what both axes are.
function axes(y, ys, marks, labels) {
  return draw('g', {class: 'axes'}, grid(y, ys, LEFT, RIGHT), marks.map(([place, text]) => words(place, BOTTOM + 16, '', text)),
    words((LEFT + RIGHT) / 2, HIGH - 6, '', cut(labels[0], 60)),
    draw('text', {transform: `translate(14 ${BOTTOM / 2}) rotate(-90)`}, cut(labels[1], 36)));
}

// Series: {name, x, y}; kind: "lines" or "points".
function plane(title, kind, series, labels) {
  const [xs, ys] = ['x', 'y'].map((axis) => rounded(series.flatMap((one) => one[axis])));
  const x = scale(xs, LEFT, RIGHT);
  const y = scale(ys, BOTTOM, TOP);
  return svgOf(title, WIDE, HIGH, axes(y, ys, ticks(...xs).map((value) => [x(value), number(value)]), labels), series.map((one, place) => {
    const points = one.x.map((value, row) => [value, one.y[row]]).filter((pair) => !pair.includes(null));
    if (kind === 'points') {
      return draw('g', {class: `dots c${place % 7}`}, points.map(([a, b]) => draw('circle', {cx: x(a).toFixed(1), cy: y(b).toFixed(1), r: 2.5})));
    }
    const path = points.map(([a, b], step) => `${step ? 'L' : 'M'}${x(a).toFixed(1)} ${y(b).toFixed(1)}`).join('');
    return draw('path', {class: `line c${place % 7}`, d: path}, hint(one.name));
  }));
}
const legend = (names) => names.length > 1 && el('ul', {class: 'legend'}, names.map((name, place) =>
  el('li', {}, draw('svg', {viewBox: '0 0 24 8', 'aria-hidden': 'true'}, draw('path', {class: `line c${place % 7}`, d: 'M0 4H24'})), bdi(name))));

// A picture that shows the first of many says so.
const caption = ({title, part}) => (part ? `${title}: ${part}` : title);
const figure = (title, picture, names = []) => el('figure', {}, el('figcaption', {}, bdi(title)), legend(names), picture);

// Series: {name, x}; the first decides the order.
function bars(title, names, series) {
  const rows = names.slice(0, 30);
  const step = 16 * series.length + 8;
  const high = rows.length * step + 24;
  const [low, top] = extent([0, ...series.flatMap((one) => one.x)]);
  const x = scale([low, top], 150, WIDE - 50);
  return svgOf(title, WIDE, high, draw('g', {class: 'axes'}, line(x(0), x(0), 0, high - 20)),
    rows.map((name, row) => [
      words(144, row * step + step / 2 + 4, 'end', cut(String(name), 20), hint(name)),
      series.map((one, place) => isNumber(one.x[row]) && [
        draw('rect', {class: `c${place % 7}`, x: Math.min(x(0), x(one.x[row])), y: row * step + 4 + place * 16, width: Math.abs(x(one.x[row]) - x(0)), height: 12, rx: 2}),
        words(Math.max(x(0), x(one.x[row])) + 4, row * step + 14 + place * 16, 'start', number(one.x[row], 3))])]));
}

function matrix(plot) {
  const across = unique(plot.x);
  const down = unique(plot.y);
  const sums = new Map();
  plot.y.forEach((name, place) => sums.set(name, (sums.get(name) || 0) + (plot.size?.[place] || 0)));
  const value = (a, b) => plot.size?.[plot.x.findIndex((name, place) => name === a && plot.y[place] === b)];
  return table([`${plot.y_label} ↓  ${plot.x_label} →`, ...across], down.map((b) => [bdi(b), ...across.map((a) => {
    const count = value(a, b) ?? 0;
    return el('span', {class: `heat h${Math.round((9 * count) / (sums.get(b) || 1))}`}, number(count));
  })]), 'matrix');
}

// One picture of the same plot of one version or of several; for each group of lines its own.
function pictures(all) {
  const [first] = all;
  const {plot} = first;
  const labels = [plot.x_label, plot.y_label];
  if (plot.kind === 'matrix') {
    return all.map((one) => figure(all.length > 1 ? `${caption(one.plot)}: ${one.name}` : caption(plot), matrix(one.plot)));
  }
  if (plot.kind === 'bars') {
    const names = plot.y;
    const series = all.map((one) => ({name: one.name, x: names.map((name) => one.plot.x[one.plot.y.indexOf(name)] ?? null)}));
    return [figure(caption(plot), bars(plot.title, names, series), series.map((one) => one.name))];
  }
  const lines = ({plot: own}, name, group) => {
    const kept = (_, place) => group === null || own.group?.[place] === group;
    return {name, x: own.x.filter(kept), y: own.y.filter(kept)};
  };
  const groups = plot.group ? unique(plot.group) : [null];
  if (all.length === 1) {
    const series = groups.map((group) => lines(first, group ?? first.name, group));
    return [figure(caption(plot), plane(plot.title, plot.kind, series, labels), groups)];
  }
  return groups.map((group) => {
    const series = all.map((one) => lines(one, one.name, group));
    const title = group === null ? plot.title : `${caption(plot)}: ${group}`;
    return figure(title, plane(title, plot.kind, series, labels), series.map((one) => one.name));
  });
}
