// One version: all that its commit says, and what was decided about it.
const word = (value) => (value == null ? '–' : /^[0-9a-f]{10}$/.test(value) ? code(value) : typeof value === 'string' ? bdi(value) : value);
const listed = (header, rows) => table(header.map(bdi), rows.map((row) => row.map(word)));
const pairs = (title, part) => listed([title, 'value'], entries(part));
const marks = (all) => el('ul', {class: 'marks'}, all.filter(([, text]) => text).map(([kind, text]) => el('li', {class: kind}, text)));
const shell = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

// What tags, the gate, and what was asked for say of a version, good and doubtful.
function said(row, spans) {
  const verified = data.columns.has('verified') && (cell('verified', row) || 'never');
  const tag = cell('signed', row);
  const remote = cell('remote', row);
  return [
    !cell('version', row) && !cell('experiment', row) && ['bad', 'not registered'],
    spans.some((span) => span.forced) && ['bad', 'forced past the gate'],
    spans.some((span) => span.gateless) && ['open', 'not measured by the gate'],
    remote && (remote === 'whole' ? ['good', 'in the remote'] : ['bad', 'not in the remote']),
    verified && (verified === 'never' ? ['open', 'never verified'] : ['good', `rebuilt: ${verified} equal`]),
    tag !== null && (tag ? ['good', 'signed tag'] : ['open', 'unsigned tag'])].filter(Boolean);
}

views.version = async ({rest}) => {
  const row = rowOf(rest[0]);
  if (row < 0) throw new Error('There is no such version here: it was taken back, or left out.');
  const key = cell('key', row);
  const file = await load(row);
  const own = rowsOf(cell('model', row));
  const [before, after] = [1, -1].map((step) => own[own.indexOf(row) + step]);
  const spans = data.spans.filter((span) => span.key === key);
  const name = shell(cell('version', row) || cell('commit', row));
  const model = several() ? ` --model ${shell(cell('model', row).split(':').pop())}` : '';
  const tables = (title) => file.tables.filter(([of]) => of === title).map(([, header, rows]) => listed(header, rows));
  const part = (title, ...more) => section(title, div('columns', tables(title), more));
  const {Parameters, Code, Environment} = file.parts;
  const value = cell('value', row);
  const head = value !== null && el('p', {class: 'metric'}, el('b', {}, three(value)), ' ', bdi(cell('headline', row)), `, interval ${between(row)}`);
  const measured = ['test', 'train', 'baseline'].map((name) => scores(row, name));
  const metrics = unique(measured.flatMap(keys));
  put(
    titled(named(row)),
    el('p', {}, badges(row), bdi(cell('title', row))),
    soft(bdi(file.about)),
    [data.deprecated.get(cell('model', row)), cell('problem', row)].filter(Boolean).map((text_) => el('p', {class: 'bad'}, text_)),
    marks([...file.marks, ...said(row, spans)]),
    facts([
      [cell('version', row) ? 'registered' : 'committed', [minute(cell('date', row)), ' by ', bdi(cell('author', row))]],
      ['why', bdi(cell('reason', row))], ['commit', [code(cell('commit', row)), ' ', bdi(file.created)]], ['recipe', code(cell('recipe', row))]]),
    tools(file.search && button('The search that it came from', `#/search/${key}`), before !== undefined && [button('Compare with the version before', comparison([before, row])), to(before, `← ${label(before)}`)],
      after !== undefined && to(after, `${label(after)} →`)),
    section('How good it is', head, div('columns', metrics.length > 0 && listed(['metric', 'test', 'train', 'baseline'], metrics.map((name) => [name, ...measured.map((own) => score(own[name]))])), tables('How good it is'))),
    file.plots.length > 0 && section('Plots', div('pictures', file.plots.map((plot) => pictures([{name: label(row), plot}])))),
    part('Lineage', listed(['data', 'SHA-256'], idsOf('data').filter((id) => cell(id, row)).map((id) => [el('a', {href: address('lineage', {model: cell('model', row), data: cell(id, row)})}, bdi(columnOf(id).id)), cell(id, row)])),
      listed(['stage', 'from', 'until', 'by', 'why'], spans.map((span) => [span.stage, minute(span.date), span.until ? day(span.until) : 'now', span.author, span.reason]))),
    part('How it was made', pairs('rows', bare(idsOf('rows').map((id) => [columnOf(id).id, cell(id, row)]))), pairs('parameter', bare(entries(Parameters).filter(([name]) => !file.repeated.includes(name)))), pairs('code', Code)),
    part('Schema'),
    el('details', {}, el('summary', {}, 'Environment, files of the package'), div('columns', pairs('environment', Environment), tables('Package'))),
    section('Use it', el('pre', {}, ['restore %s', 'fetch %s DIR', 'verify %s', 'serve --version %s'].map((words) => `modelkeep ${words.replace('%s', name)}${model}`).join('\n'))));
};
