// One version: all that its commit says, and what was decided about it.
const word = (value) => (value == null ? '–' : /^[0-9a-f]{12}$/.test(value) ? code(value) : typeof value === 'string' ? bdi(value) : value);
const listed = (header, rows) => table(header.map(bdi), rows.map((row) => row.map(word)));
const pairs = (title, part) => listed([title, 'value'], Object.entries(part || {}));
const marks = (all) => el('ul', {class: 'marks'}, all.filter(([, text]) => text).map(([kind, text]) => el('li', {class: kind}, text)));
const shell = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

views.version = async ({rest}) => {
  const row = rowOf(rest[0]);
  if (row < 0) throw new Error('There is no such version here: it was taken back, or left out.');
  const key = cell('key', row);
  const file = await load(key);
  const own = rowsOf(cell('model', row));
  const [before, after] = [1, -1].map((step) => own[own.indexOf(row) + step]);
  const spans = data.spans.filter((span) => span.key === key);
  const verified = column('verified');
  const tag = cell('signed', row);
  const {headline} = file;
  const name = shell(cell('version', row) || file.commit);
  const model = several() ? ` --model ${shell(cell('model', row).split(':').pop())}` : '';
  const tables = (title) => file.tables.filter(([of]) => of === title).map(([, header, rows]) => listed(header, rows));
  const part = (title, ...more) => section(title, title === 'How good it is' && head, el('div', {class: 'columns'}, tables(title), more));
  const {Parameters, Code, Environment, Data} = file.parts;
  const head = headline && el('p', {class: 'metric'}, el('b', {}, three(headline.value)), ' ', bdi(headline.metric), `, interval ${three(headline.low)} to ${three(headline.high)}`);
  put(
    el('h1', {tabindex: -1}, named(row)),
    el('p', {}, badges(row), bdi(file.title)),
    soft(bdi(file.about)),
    marks([...file.marks, ['bad', spans.some((span) => span.forced) && 'forced past the gate'],
      verified && (verified[row] ? ['good', `rebuilt: ${verified[row]} equal`] : ['open', 'never verified']),
      tag !== null && (tag ? ['good', 'signed tag'] : ['open', 'unsigned tag'])].filter(Boolean)),
    cell('problem', row) && el('p', {class: 'bad'}, cell('problem', row)),
    facts([
      [cell('version', row) ? 'registered' : 'committed', [minute(cell('date', row)), ' by ', bdi(cell('author', row))]],
      ['why', bdi(cell('reason', row))], ['commit', [code(file.commit.slice(0, 12)), ' ', bdi(file.created)]], ['recipe', code(file.recipe)]]),
    tools(before !== undefined && [button('Compare with the version before', comparison([before, row])), to(before, `← ${label(before)}`)],
      after !== undefined && to(after, `${label(after)} →`)),
    part('How good it is'),
    file.plots.length > 0 && section('Plots', el('div', {class: 'pictures'}, file.plots.map((plot) => pictures([{name: label(row), plot}])))),
    part('Lineage', listed(['data', 'SHA-256'], Object.entries(Data).filter(([path]) => !path.startsWith('rows.'))),
      (data.groups.get('data') || []).filter((id) => cell(id, row)).map((id) => el('p', {}, el('a', {href: address('lineage', {model: cell('model', row), data: cell(id, row)})}, `What else came of ${id.slice(5)}`))),
      listed(['stage', 'from', 'until', 'by', 'why'], spans.map((span) => [span.stage, minute(span.date), span.until ? day(span.until) : 'now', span.author, span.reason]))),
    part('How it was made', pairs('parameter', Parameters), pairs('code', Code)),
    part('Schema'),
    el('details', {}, el('summary', {}, 'Environment, files of the package'), el('div', {class: 'columns'}, pairs('environment', Environment), tables('Package'))),
    section('Use it', el('pre', {}, ['restore %s DIR', 'fetch %s package', 'verify %s', 'serve %s'].map((words) => `modelkeep ${words.replace('%s', name)}${model}`).join('\n'))));
};
