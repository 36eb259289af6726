// Two to seven versions side by side; the first is what the others are compared with.
const comparison = (rows) => address('compare', {v: rows.map((row) => cell('key', row)).join('~') || 'none'});

views.compare = async ({query}) => {
  const given = query.get('v')?.split('~').map(rowOf).filter((row) => row >= 0);
  const rows = unique(given || rowsOf(cell('model', 0)).slice(0, 2).reverse()).slice(0, 7);
  const all = await Promise.all(rows.map(load));
  const names = rows.map(named);
  const [first] = all;
  const tested = rows.map((row) => scores(row));
  const metrics = unique(tested.flatMap(keys));
  const alike = unique(all.map((file) => file.test)).length < 2 && first?.test;
  const paired = data.spans.filter(({paired: pair, model}) => pair && [pair.new, pair.old].every((one) => rows.some((row) => label(row) === one && cell('model', row) === model)));
  const difference = (own, name) => (name in own && name in tested[0] ? signed(own[name] - tested[0][name]) : null);
  const add = el('select', {'aria-label': 'Add a version', change: () => { location.hash = comparison([...rows, Number(add.value)]); }},
    el('option', {}, 'Add a version …'), range(data.count).filter((row) => !rows.includes(row)).slice(0, 500).map((row) => el('option', {value: row}, named(row))));
  const titles = unique(all.flatMap((file) => file.plots.map((plot) => plot.title)));
  put(
    titled('Compare'),
    tools(rows.map((row, turn) => el('span', {class: `chip c${turn}`}, to(row), el('a', {'aria-label': `Leave out ${named(row)}`, href: comparison(rows.filter((other) => other !== row))}, '×'))), rows.length < 7 && add),
    rows.length < 2 ? soft('Choose two or more versions.') : [
      section('Metrics on the test rows of each',
        listed(['metric', ...names, ...names.slice(1).map((name) => `${name} − ${names[0]}`)], metrics.map((name) => [name, ...tested.map((own) => score(own[name])), ...tested.slice(1).map((own) => difference(own, name))])),
        listed(['version', 'headline', 'value and interval'], rows.map((row, turn) => [names[turn], cell('headline', row), cell('value', row) === null ? '–' : measure(row)])),
        soft(alike ? 'All were tested on the same rows.' : 'They were tested on different rows: a difference may come from the rows.'),
        paired.map(({paired: pair, stage, date}) => el('p', {}, `On the same rows, as the gate of ${stage} compared them on ${date.slice(0, 10)}: ${pair.metric} of ${pair.new} − ${pair.old} is ${signed(pair.difference)} (${signed(pair.low)} to ${signed(pair.high)}).`)),
        !paired.length && soft('No paired difference: it needs the predictions of each row, which are not in Git. The gate of modelkeep promote writes it into its tag.')),
      keys(first.parts).map((title) => {
        const differing = unique(all.flatMap((file) => keys(file.parts[title]))).filter((name) => unique(all.map((file) => file.parts[title][name])).length > 1 && all.some((file) => name in file.parts[title] && !file.repeated.includes(name)));
        return differing.length > 0 && section(title, listed(['name', ...names], differing.map((name) => [name, ...all.map((file) => file.parts[title][name])])));
      }),
      titles.length > 0 && section('Plots', div('pictures', titles.map((title) => pictures(all.map((file, turn) => ({name: names[turn], plot: file.plots.find((plot) => plot.title === title)})).filter((one) => one.plot))))),
    ]);
};
