// Elements, numbers, data and addresses. All text goes through text nodes: none of it is markup.
const SVG = 'http://www.w3.org/2000/svg';
const data = {columns: new Map(), groups: new Map(), count: 0, spans: [], live: [], deprecated: new Map()};
const files = new Map();
let handed;
const [now, view] = ['now', 'view'].map((id) => document.getElementById(id));
const tabs = document.querySelectorAll('nav a');
// An object that has what it is given, and no constructor: names come from the repository.
const {entries, keys} = Object;
const bare = (pairs) => Object.setPrototypeOf(Object.fromEntries(pairs), null);
const views = bare([]);

function filled(node, attributes, parts) {
  for (const [name, value] of entries(attributes || {})) {
    if (typeof value === 'function') node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...parts.flat(Infinity).filter((part) => part != null && part !== false && part !== ''));
  return node;
}
const el = (name, attributes, ...parts) => filled(document.createElement(name), attributes, parts);
const draw = (name, attributes, ...parts) =>
  filled(document.createElementNS(SVG, name), attributes, parts);
const div = (name, ...parts) => el('div', {class: name}, parts);
const bdi = (text) => el('bdi', {}, text);
const code = (text) => (text ? el('code', {}, text) : '–');
const unique = (values) => [...new Set(values)];
const isNumber = (value) => typeof value === 'number';
const range = (count) => Array.from({length: count}, (_, place) => place);

function number(value, digits = 4) {
  if (!isNumber(value)) return value == null ? '–' : String(value);
  return Math.abs(value) >= 10000 ? value.toLocaleString('en', {maximumFractionDigits: 0})
    : String(Number(value.toPrecision(digits)));
}
const three = (value, digits = 3) => (Math.abs(value) < 1000 ? value?.toPrecision(digits) : number(value)) ?? '–';
const score = (value) => three(value, 4);
const signed = (value) => (value > 0 ? '+' : '') + score(value).replace('-', '−');
const between = (row) => `${three(cell('low', row))} to ${three(cell('high', row))}`;
const measure = (row) => `${three(cell('value', row))} (${between(row)})`;
const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
const minute = (text) => (text || '').slice(0, 16).replace('T', ' ');
const day = (seconds, from = 0, until = 10) => minute(new Date(seconds * 1000).toISOString()).slice(from, until);
const plural = (count, word) => `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;

const columnOf = (id) => data.columns.get(id);
const idsOf = (name) => data.groups.get(name) || [];

// All values of a column are decoded when they are asked for.
function column(id) {
  const own = columnOf(id);
  if (!own) return null;
  own.values ||= own.v || (own.u ? own.i.map((place) => own.u[place]) : Array(data.count).fill(own.c));
  return own.values;
}
function cell(id, row) {
  const own = columnOf(id);
  return (own && (own.v ? own.v[row] : own.u ? own.u[own.i[row]] : own.c)) ?? null;
}
const label = (row) => cell('version', row) || cell('experiment', row) || cell('commit', row).slice(0, 7);
const several = () => unique(column('model')).length > 1;
const named = (row) => (several() ? `${cell('model', row)} ${label(row)}` : label(row));
const rowOf = (key) => column('key').indexOf(key);
const rowsOf = (model) => range(data.count).filter((row) => cell('model', row) === model);
const to = (row, text) => el('a', {href: `#/version/${cell('key', row)}`}, bdi(text || named(row)));
const badges = (row) => (cell('stage', row) || '').split(', ').filter(Boolean)
  .map((stage) => el('span', {class: 'badge'}, stage));

// Files are loaded by script elements: a page of file:// may not fetch.
// Right after a script has run, its element is told so: what was handed over then is its own.
function asked(src) {
  if (!files.has(src)) {
    files.set(src, new Promise((resolve, reject) => {
      const ended = () => {
        if (handed) resolve(handed);
        else {
          files.delete(src);
          reject(new Error(`${src} is missing or damaged.`));
        }
        handed = null;
      };
      document.head.append(el('script', {src, load: ended, error: ended}));
    }));
  }
  return files.get(src);
}
// What sections of two versions are compared by: groups of columns, beside what is in their files.
const PARTS = {Parameters: ['param', 'params'], Data: ['data', 'rows'], Schema: ['schema'], Code: ['code', 'file'], Environment: ['environment', 'library'], Evaluation: []};
const group = (name, row) => idsOf(name).map((id) => [name === 'rows' ? `rows.${columnOf(id).id}` : columnOf(id).id, cell(id, row)])
  .filter(([, value]) => value !== null);
const scores = (row, part = 'test') => bare(group(part, row));

// The file of a version with what it shares with others, and with its columns.
async function load(row) {
  const file = await asked(`versions/${cell('key', row)}.js`);
  const shared = entries(file.parts).map(async ([name, key]) => [name, await asked(`parts/${key}.js`)]);
  const {context, plots = [], search} = bare(await Promise.all(shared));
  const parts = bare(entries(PARTS).map(([title, names]) => [title, bare([
    ...(title === 'Parameters' && cell('estimator', row) ? [['estimator', cell('estimator', row)]] : []),
    ...names.flatMap((name) => group(name, row)), ...context.parts[title] || []])]));
  const own = context.frames.map(([title, header, first], turn) => [title, header, first.map((name, line_) => [name, ...file.cells[turn].map((cells) => cells[line_])])]);
  return {...context, ...file, tables: [...own, ...context.tables], parts, plots, search};
}

function table(header, rows, kind) {
  // Of a column with names among its numbers, all are on the left.
  const plain = (part) => isNumber(part) || (part?.tagName !== 'CODE' && !isNaN((part.textContent ?? part).replace('−', '-').replace('–', 0).replace(/[<,]/g, '')));
  const numeric = header.map((_, place) => place > 0 && rows.some((row) => isNumber(row[place]) || row[place].textContent) && rows.every((row) => plain(row[place])));
  const one = (name, part, place) => el(name, {class: numeric[place] && 'number'},
    isNumber(part) ? number(part) : part);
  return wide('Table', el('table', {class: kind}, el('thead', {}, el('tr', {}, header.map((part, place) => {
      const head = one('th', part, place);
      head.setAttribute('scope', 'col');
      return head;
    }))), el('tbody', {}, rows.map((row) => el('tr', {}, row.map((part, place) => one('td', part, place)))))));
}
// What is too wide for a small screen scrolls in its own box, by the keyboard as well.
const wide = (name, ...parts) => el('div', {class: 'wide', tabindex: 0, role: 'group', 'aria-label': name}, parts);
const menu = (name, values, chosen, go) => el('label', {}, name, ' ', el('select', {change: (event) => { location.hash = go(event.target.value); }},
  values.map(([value, text]) => el('option', {value, selected: value === chosen}, text ?? value))));
const put = (...parts) => { view.replaceChildren(); filled(view, {}, parts); };
const titled = (text) => el('h1', {tabindex: -1}, text);
const tools = (...parts) => div('tools', parts);
const button = (text, href) => el('a', {class: 'button', href}, text);
const section = (title, ...parts) => el('section', {class: 'part'}, el('h2', {}, title), ...parts);
const soft = (...parts) => el('p', {class: 'soft'}, ...parts);
const facts = (pairs) => el('dl', {class: 'facts'}, pairs.filter(([, value]) => value != null && value !== '')
  .map(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]));

function place() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  const [name, ...rest] = path.split('/');
  return {name: name || 'now', rest, query: new URLSearchParams(query || '')};
}
function address(path, query) {
  const text = new URLSearchParams(entries(query).filter(([, value]) => value)).toString();
  return `#/${path}${text ? `?${text}` : ''}`;
}

let shown = '';
async function show() {
  const here = place();
  const known = here.name === 'now' || views[here.name];
  const name = known ? here.name : 'now';
  for (const tab of tabs) {
    const current = tab.dataset.view === name || (name === 'version' && tab.dataset.view === 'versions');
    if (current) tab.setAttribute('aria-current', 'page');
    else tab.removeAttribute('aria-current');
  }
  const moved = shown !== here.name + here.rest;
  shown = here.name + here.rest;
  now.hidden = name !== 'now';
  view.hidden = !now.hidden;
  if (view.hidden) view.replaceChildren();
  else {
    try {
      await views[name](here);
    } catch (error) {
      view.replaceChildren(titled('Not shown'), soft(error.message));
    }
  }
  const head = (view.hidden ? now : view).querySelector('h1');
  document.title = name === 'now' ? data.title : `${head?.textContent} · ${data.title}`;
  if (moved && document.body.dataset.ready) {
    head?.focus({preventScroll: true});
    scrollTo(0, 0);
  }
  document.body.dataset.ready = name;
}

function start(index) {
  Object.assign(data, {title: index.title, spans: index.spans, count: index.count, deprecated: new Map(index.deprecated)});
  for (const own of index.columns) {
    data.columns.set(own.group ? `${own.group}:${own.id}` : own.id, own);
    if (!data.groups.has(own.group)) data.groups.set(own.group, []);
    data.groups.get(own.group).push(own.group ? `${own.group}:${own.id}` : own.id);
  }
  document.body.classList.add('scripting');
  for (const tab of tabs) tab.href = `#/${tab.dataset.view}`;
  for (const link of document.querySelectorAll('[data-key]')) link.href = `#/version/${link.dataset.key}`;
  document.querySelector('.name a').href = '#/now';
  document.querySelector('.skip').addEventListener('click', (event) => {
    event.preventDefault();
    (view.hidden ? document : view).querySelector('h1').focus();
  });
  addEventListener('hashchange', show);
}

window.modelkeep = (kind, value) => {
  if (kind === 'index') start(value);
  else if (kind === 'live') data.live = value;
  else handed = value;
};
addEventListener('DOMContentLoaded', () => data.count && show());
