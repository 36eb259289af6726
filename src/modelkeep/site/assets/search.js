// The trials of the search that a version came from: each a line over its parameters and its score.
const TALL = 360;

// Where values are on an axis, and what stands beside it: names, numbers, or powers of ten.
function axisOf(values, from, until) {
  const present = values.filter((value) => value !== null);
  if (!present.every(isNumber)) {
    const names = unique(present.map(String)).sort();
    const at = scale([-0.5, names.length - 0.5], from, until);
    return {at: (value) => at(names.indexOf(String(value))), marks: names.map((name, turn) => [at(turn), cut(name, 16)])};
  }
  const [low, high] = extent(present);
  const log = low > 0 && high / low > 30;
  const form = (value) => (log ? Math.log10(value) : value);
  const at = scale([form(low), form(high)], from, until);
  const powers = ticks(form(low), form(high)).filter(Number.isInteger).map((power) => 10 ** power);
  return {at: (value) => at(form(value)), marks: (log ? powers : ticks(low, high)).map((value) => [at(form(value)), number(value)])};
}
// A part of a picture that belongs to a trial, and what it says of it.
const trialOf = (own, names, name, attributes, ...parts) => draw(name, {...attributes, 'data-trial': own.trial}, parts,
  hint(`trial ${own.trial}: ${names.filter((axis_) => own.at[axis_] !== null).map((axis_) => `${axis_ || 'score'} ${number(own.at[axis_])}`).join(', ')}`));

// The axis without a name is that of the score.
function coordinates(trials, names, score) {
  const broad = Math.max(640, names.length * 160);
  const xs = names.map((_, turn) => 130 + (turn * (broad - 210)) / (names.length - 1));
  const all = names.map((name) => axisOf(trials.map((own) => own.at[name]), TALL - 16, 40));
  return svgOf('Parallel coordinates of all trials', broad, TALL,
    trials.map((own, rank) => trialOf(own, names, 'path', {class: `trial t${Math.floor((4 * rank) / trials.length)}`,
      d: names.map((name, turn) => (own.at[name] === null ? '' : `L${xs[turn]} ${all[turn].at(own.at[name])}`)).join('').replace('L', 'M')})).reverse(),
    names.map((name, turn) => draw('g', {class: 'axes rule'}, line(xs[turn], xs[turn], 34, TALL - 12), words(xs[turn], 16, 'head', cut(name || score, 20), hint(name || score)),
      all[turn].marks.map(([level, mark]) => words(xs[turn] - 6, level + 4, 'end', mark)))));
}

function against(trials, name, score) {
  const drawn = trials.filter(({at}) => at[name] !== null);
  const xs = axisOf(drawn.map(({at}) => at[name]), LEFT + 8, RIGHT - 8);
  const ys = rounded(drawn.flatMap(({at, deviation}) => [at[''] - deviation, at[''] + deviation]));
  const y = scale(ys, BOTTOM, TOP);
  return svgOf(`${score} against ${name}`, WIDE, HIGH, axes(y, ys, xs.marks, [name, score]), drawn.map((own) => {
    const x = xs.at(own.at[name]);
    return trialOf(own, [name, ''], 'g', {class: own === trials[0] ? 'try best' : 'try'}, line(x, x, y(own.at[''] - own.deviation), y(own.at[''] + own.deviation)), draw('circle', {cx: x, cy: y(own.at['']), r: 4}));
  }).reverse());
}

views.search = async ({rest, query}) => {
  const rows = range(data.count).filter((row) => cell('trials', row));
  const row = rest[0] ? rowOf(rest[0]) : rows[0] ?? -1;
  const {search} = row < 0 ? {} : await load(row);
  const head = [titled('Search'), rows.length > 0 && tools(menu('Version', unique([row, ...rows]).filter((own) => own >= 0).sort((a, b) => a - b)
    .map((own) => [cell('key', own), named(own)]), rest[0] || cell('key', row), (key) => `#/search/${key}`))];
  if (!search) {
    put(head, soft(row < 0 ? 'No version here came from a search.' : `${named(row)} came from no search.`, ' train.search.method in params.yaml makes one.'));
    return;
  }
  const {score: measured, best} = search;
  const order = search.higher ? -1 : 1;
  // What the search chose comes first, whatever was as good.
  const trials = search.trials.map(([trial, estimator, value, deviation, folds, ...parameters]) => ({
    trial, folds, deviation: deviation ?? 0, at: {estimator, ...bare(search.names.map((name, turn) => [name, parameters[turn]])), '': value}}))
    .filter(({at}) => at[''] !== null).sort((a, b) => (b.trial === best) - (a.trial === best) || order * (a.at[''] - b.at['']));
  const varied = ['estimator', ...search.names].filter((name) => unique(trials.map(({at}) => at[name])).length > 1);
  const by = varied.includes(query.get('by')) ? query.get('by') : varied.findLast((name) => trials[0].at[name] !== null);
  const names = [...varied, ''];
  const light = (event) => {
    const trial = event.target.closest('[data-trial]')?.dataset.trial;
    for (const part of view.querySelectorAll('[data-trial]')) part.classList.toggle('lit', part.dataset.trial === trial);
  };
  const all = listed(['trial', ...varied, measured, 'deviation', 'folds', 'place'], trials.map((own) => [own.trial, ...names.map((name) => own.at[name]), own.deviation, own.folds, own.trial === best ? 'best' : own.trial === search.runner_up ? 'runner-up' : '']));
  all.querySelectorAll('tbody tr').forEach((line_, turn) => filled(line_, {'data-trial': trials[turn].trial, tabindex: turn ? -1 : 0, keydown: (event) => {
    const next = {ArrowDown: line_.nextSibling, ArrowUp: line_.previousSibling}[event.key];
    if (next) event.preventDefault();
    next?.focus();
  }}, []));
  put(head, el('p', {}, to(row), ` came from a search: ${search.about.map((words_) => words_.join(' ')).join(', ')}; ${measured}, ${search.higher ? 'higher' : 'lower'} is better.`),
    search.count > trials.length && soft(`${trials.length} of ${search.count} trials are shown.`),
    el('div', {class: 'search', mouseover: light, focusin: light},
      varied.length > 0 && [section('Every trial', wide('Parallel coordinates', coordinates(trials, names, measured)), soft('A line is a trial: the stronger, the better; the thickest is the best. It crosses the axes of parameters that it lacks.')),
        section(`${measured} against a parameter`, tools(menu('Parameter', varied.map((name) => [name]), by, (value) => address(`search/${cell('key', row)}`, {by: value}))), div('pictures', against(trials, by, measured)))],
      section('All trials, the best first', all, soft('Keys: ↓ ↑ move from trial to trial.'))));
};
