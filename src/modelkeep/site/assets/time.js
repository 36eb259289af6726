// Versions, stages and data on one axis of time.
function axis(model, metric) {
  const rows = rowsOf(model).filter((row) => cell('version', row)).reverse();
  const values = column(metric === 'headline' ? 'value' : `test:${metric}`);
  const whole = metric === 'headline' || metric === cell('headline', rows[0]);
  const spans = data.spans.filter((span) => span.model === model);
  const stages = unique(spans.map((span) => span.stage));
  const times = [...rows.map((row) => cell('when', row)), ...spans.map((span) => span.from)];
  const [first, last] = extent(times, 3600);
  const after = last + (last - first) * 0.02;
  const broad = 960;
  const top = 300;
  const high = top + stages.length * 30 + 34;
  const x = scale([first - (last - first) * 0.02, after], 90, broad - 16);
  const ys = rounded(rows.flatMap((row) => [values[row], ...(whole ? [cell('low', row), cell('high', row)] : [])]));
  const y = scale(ys, top - 16, 14);
  const ids = idsOf('data');
  const dataOf = (row) => ids.map((id) => cell(id, row)).join();
  const changed = rows.filter((row, step) => step && dataOf(row) !== dataOf(rows[step - 1]));
  const points = rows.filter((row) => values[row] !== null);
  const seen = new Set();
  const bands = spans.filter((span) => span.version).map((span) => {
    const level = top + 6 + stages.indexOf(span.stage) * 30;
    const until = x(span.until || after);
    const held = `${span.stage} ${span.version}`;
    const back = seen.has(held);
    const row = rowOf(span.key);
    seen.add(held);
    const name = `${span.stage}: ${span.version}, ${back ? 'back ' : ''}since ${minute(span.date)}, by ${span.author}: ${span.reason}${span.forced ? ' [forced]' : ''}`;
    return draw('a', row >= 0 ? {href: `#/version/${span.key}`} : {}, hint(name),
      draw('rect', {class: `band b${(row >= 0 ? rows.indexOf(row) + 7 : 0) % 7}`, x: x(span.from), y: level, width: Math.max(until - x(span.from), 1), height: 22, rx: 3}),
      until - x(span.from) > 7 * span.version.length + 8 && words(x(span.from) + 6, level + 15, 'start', span.version),
      draw('path', {class: span.forced ? 'sign bad' : 'sign', d: back ? `M${x(span.from) - 4} ${level + 22}l4 6 4-6z` : `M${x(span.from) - 4} ${level + 28}l4-6 4 6z`}));
  });
  const months = ticks(first, last, 6);
  return svgOf(`${model}: ${metric} of every version, stages and changes of data over time`, broad, high,
    draw('g', {class: 'axes'}, grid(y, ys, 90, broad - 16),
      months.map((value) => words(x(value), high - 6, '', last - first < 4e5 ? day(value, 5, 16) : day(value))),
      stages.map((stage, place_) => words(82, top + 21 + place_ * 30, 'end', cut(stage, 12), hint(stage)))),
    changed.map((row) => draw('line', {class: 'change', x1: x(cell('when', row)), x2: x(cell('when', row)), y1: 8, y2: high - 24}, hint(`other data since ${label(row)}`))),
    draw('path', {class: 'trend', d: points.map((row, step) => `${step ? 'L' : 'M'}${x(cell('when', row)).toFixed(1)} ${y(values[row]).toFixed(1)}`).join('')}),
    points.map((row) => draw('a', {href: `#/version/${cell('key', row)}`}, hint(`${label(row)}: ${number(values[row])}, ${minute(cell('date', row))}, ${cell('author', row)}: ${cell('reason', row)}`),
      whole && isNumber(cell('low', row)) && line(x(cell('when', row)), x(cell('when', row)), y(cell('low', row)), y(cell('high', row)), 'whisker'),
      draw('circle', {class: 'point', cx: x(cell('when', row)), cy: y(values[row]), r: points.length > 100 ? 2.5 : 4.5}))),
    bands);
}

views.time = ({query}) => {
  const models = unique(column('model')).sort();
  const metrics = ['headline', ...idsOf('test').map((id) => columnOf(id).id)];
  const metric = metrics.includes(query.get('metric')) ? query.get('metric') : 'headline';
  put(titled('Over time'),
    tools(menu('Metric', metrics.map((name) => [name]), metric, (value) => address('time', {metric: value}))),
    models.map((model) => {
      const [row] = rowsOf(model).filter((one) => cell('version', one));
      return row !== undefined && section(models.length > 1 ? model : cell('headline', row) && metric === 'headline' ? cell('headline', row) : metric, wide(model, axis(model, metric)));
    }),
    soft('● a version with its interval; ▬ what a stage held; ▲ a promotion, ▼ a rollback; ┆ other data than the version before.'));
};
