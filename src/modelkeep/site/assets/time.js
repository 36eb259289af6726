// Versions, stages and data on one axis of time.
function axis(model, metric) {
  const rows = rowsOf(model).filter((row) => cell('version', row)).reverse();
  const values = column(metric === 'headline' ? 'value' : `test:${metric}`);
  const whole = metric === 'headline' || metric === cell('headline', rows[0]);
  const spans = data.spans.filter((span) => span.model === model);
  const stages = [...new Set(spans.map((span) => span.stage))];
  const times = [...rows.map((row) => cell('when', row)), ...spans.map((span) => span.from)];
  const [first, last] = extent(times);
  const after = last + (last - first) * 0.02;
  const wide = 960;
  const top = 300;
  const high = top + stages.length * 30 + 34;
  const x = scale([first - (last - first) * 0.02, after], 90, wide - 16);
  const ys = rounded(rows.flatMap((row) => [values[row], ...(whole ? [cell('low', row), cell('high', row)] : [])]));
  const y = scale(ys, top - 16, 14);
  const ids = data.groups.get('data') || [];
  const about = (row) => ids.map((id) => cell(id, row)).join();
  const changed = rows.filter((row, step) => step && about(row) !== about(rows[step - 1]));
  const points = rows.filter((row) => values[row] !== null);
  const seen = {};
  const bands = spans.filter((span) => span.version).map((span) => {
    const level = top + 6 + stages.indexOf(span.stage) * 30;
    const until = x(span.until || after);
    const held = (seen[span.stage] ||= new Set());
    const back = held.has(span.version);
    const row = rowOf(span.key);
    held.add(span.version);
    const name = `${span.stage}: ${span.version}, ${back ? 'back ' : ''}since ${minute(span.date)}, by ${span.author}: ${span.reason}${span.forced ? ' [forced]' : ''}`;
    return draw('a', row >= 0 ? {href: `#/version/${span.key}`} : {}, draw('title', {}, name),
      draw('rect', {class: `band b${(row >= 0 ? rows.indexOf(row) + 7 : 0) % 7}`, x: x(span.from), y: level, width: Math.max(until - x(span.from), 1), height: 22, rx: 3}),
      until - x(span.from) > 48 && draw('text', {x: x(span.from) + 6, y: level + 15}, span.version),
      draw('path', {class: span.forced ? 'sign bad' : 'sign', d: back ? `M${x(span.from) - 4} ${level + 22}l4 6 4-6z` : `M${x(span.from) - 4} ${level + 28}l4-6 4 6z`}));
  });
  const months = ticks(first, last, 6);
  return svgOf(`${model}: ${metric} of every version, stages and changes of data over time`, wide, high,
    draw('g', {class: 'axes'}, ticks(...ys).map((value) => [draw('line', {x1: 90, x2: wide - 16, y1: y(value), y2: y(value)}), draw('text', {x: 82, y: y(value) + 4, 'text-anchor': 'end'}, number(value))]),
      months.map((value) => draw('text', {x: x(value), y: high - 6, 'text-anchor': 'middle'}, day(value))),
      stages.map((stage, place_) => draw('text', {x: 82, y: top + 21 + place_ * 30, 'text-anchor': 'end'}, stage))),
    changed.map((row) => draw('line', {class: 'change', x1: x(cell('when', row)), x2: x(cell('when', row)), y1: 8, y2: high - 24}, draw('title', {}, `other data since ${label(row)}`))),
    draw('path', {class: 'trend', d: points.map((row, step) => `${step ? 'L' : 'M'}${x(cell('when', row)).toFixed(1)} ${y(values[row]).toFixed(1)}`).join('')}),
    points.map((row) => draw('a', {href: `#/version/${cell('key', row)}`}, draw('title', {}, `${label(row)}: ${number(values[row])}, ${minute(cell('date', row))}, ${cell('author', row)}: ${cell('reason', row)}`),
      whole && typeof cell('low', row) === 'number' && draw('line', {class: 'whisker', x1: x(cell('when', row)), x2: x(cell('when', row)), y1: y(cell('low', row)), y2: y(cell('high', row))}),
      draw('circle', {class: 'point', cx: x(cell('when', row)), cy: y(values[row]), r: points.length > 100 ? 2.5 : 4.5}))),
    bands);
}

views.time = ({query}) => {
  const models = [...new Set(column('model'))].sort();
  const metric = query.get('metric') || 'headline';
  const listed = ['headline', ...(data.groups.get('test') || []).map((id) => data.columns.get(id).id)];
  put(el('h1', {tabindex: -1}, 'Over time'),
    tools(el('label', {}, 'Metric ', el('select', {change: (event) => { location.hash = address('time', {metric: event.target.value}); }},
      listed.map((name) => el('option', {selected: name === metric}, name))))),
    models.map((model) => {
      const [row] = rowsOf(model).filter((one) => cell('version', one));
      return row !== undefined && section(models.length > 1 ? model : cell('headline', row) && metric === 'headline' ? cell('headline', row) : metric, el('div', {class: 'wide time', tabindex: 0, role: 'group', 'aria-label': model}, axis(model, metric)));
    }),
    soft('● a version with its interval; ▬ what a stage held; ▲ a promotion, ▼ a rollback; ┆ other data than the version before.'));
};
