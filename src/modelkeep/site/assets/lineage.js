// Data file → versions → stages; a click on one of them shows what belongs to it.
const SHOWN = 40;
views.lineage = ({query}) => {
  const models = unique(column('model')).sort();
  const model = models.includes(query.get('model')) ? query.get('model') : models[0];
  const wanted = query.get('data');
  const ids = idsOf('data');
  const held = (row) => (cell('stage', row) || '').split(', ').filter(Boolean);
  const made = (row) => ids.map((id) => [id.slice(5), cell(id, row)]).filter(([, digest]) => digest);
  const fitting = rowsOf(model).filter((row) => !wanted || made(row).some(([, digest]) => digest.startsWith(wanted.slice(0, 10))));
  const rows = fitting.filter((row, place_) => place_ < SHOWN || held(row).length);
  const sources = [...new Map(rows.flatMap(made).map(([path, digest]) => [`${path} ${digest}`, [path, digest]])).entries()];
  const stages = unique(rows.flatMap(held)).sort();
  const high = Math.max(rows.length, sources.length, stages.length) * 34 + 30;
  const level = (place_, count) => 40 + ((high - 30) / count) * (place_ + 0.5) - 17;
  const box = (x, y, across, href, kind, ...lines) => draw('a', {href, class: `node ${kind}`},
    draw('rect', {x, y: y - 13, width: across, height: 26, rx: 5}), words(x + 10, y + 4, 'start', lines), hint(lines.join(' ')));
  const link = (x1, y1, x2, y2) => draw('path', {class: 'link', d: `M${x1} ${y1}C${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2} ${x2} ${y2}`});
  const place_ = (list, one) => level(list.indexOf(one), list.length);
  const keys = sources.map(([key]) => key);
  const tail = (text_, most) => (text_.length > most ? `…${text_.slice(1 - most)}` : text_);
  put(titled('Lineage'),
    tools(models.length > 1 && menu('Model', models.map((one) => [one]), model, (value) => address('lineage', {model: value})),
      wanted && button('All data', address('lineage', {model}))),
    soft(`${plural(rows.length, 'version')}${rows.length < fitting.length ? ` of ${fitting.length}: the newest, and those in a stage` : ''}${wanted ? `, made from ${wanted.slice(0, 7)}` : ''}.`),
    wide('Lineage', svgOf('Data, versions and stages', 960, high + 20,
      draw('g', {class: 'axes'}, [['Data', 1], ['Versions', 430], ['Stages', 760]].map(([name, x]) => words(x, 14, 'start', name))),
      rows.map((row) => [made(row).map(([path, digest]) => link(321, place_(keys, `${path} ${digest}`), 430, place_(rows, row))), held(row).map((stage) => link(640, place_(rows, row), 760, place_(stages, stage)))]),
      sources.map(([key, [path, digest]]) => box(1, place_(keys, key), 320, address('lineage', {model, data: digest}), 'data', `${tail(path, 30)} · ${digest.slice(0, 7)}`)),
      rows.map((row) => box(430, place_(rows, row), 210, `#/version/${cell('key', row)}`, 'made', `${tail(label(row), 14)} · ${three(cell('value', row))}`)),
      stages.map((stage) => box(760, place_(stages, stage), 200, address('versions', {q: `stage:${stage}`}), 'stage', tail(stage, 22))))));
};
