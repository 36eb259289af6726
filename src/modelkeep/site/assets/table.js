// All versions: what is shown, sorted and filtered is in the address.
const STEP = 60;
const HIDDEN = new Set(['key', 'when', 'low', 'high', 'higher', 'value', 'headline', 'title', 'commit', 'problem']);
const usual = () => [...(several() ? ['model'] : []), 'version', 'stage', 'date', 'author', 'metric', 'recipe', ...idsOf('data').slice(0, 1), 'commit'];
const heading = (id) => { const own = columnOf(id); return own?.group === 'test' ? own.id : own?.group === 'data' ? own.id.split('/').pop() : id; };
const chosen = new Set();

function text(id, row) {
  if (id === 'metric') {
    return cell('value', row) === null ? '' : `${several() ? `${cell('headline', row)} ` : ''}${measure(row)}`;
  }
  if (id === 'version') return label(row);
  const value = cell(id, row);
  if (id === 'date') return minute(value).slice(0, 10);
  if (value === null) return '';
  return isNumber(value) ? number(value) : hashed(id) ? value.slice(0, 7) : String(value);
}
const numeric = (id, row) => isNumber(cell(id === 'metric' ? 'value' : id, row)) && 'number';
const hashed = (id) => id === 'recipe' || id === 'commit' || ['data', 'code', 'schema', 'file', 'environment'].includes(columnOf(id)?.group);
const sortId = (id) => ({metric: 'value', date: 'when', version: 'when'}[id] || id);
function sorted(rows, order) {
  const down = order.startsWith('-');
  const values = column(sortId(down ? order.slice(1) : order));
  if (!values) return rows;
  const sign = down ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [left, right] = [values[a], values[b]];
    if (left === null || right === null) return (left === null) - (right === null);
    return sign * (isNumber(left) && isNumber(right) ? left - right : String(left).localeCompare(String(right), 'en', {numeric: true}));
  });
}

function save(name, content, kind) {
  const url = URL.createObjectURL(new Blob([content], {type: kind}));
  el('a', {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
// A spreadsheet takes a cell that begins so for a formula.
const csvCell = (value) => `"${(/^[=@\t\r]|^[-+](?!\d*\.?\d+(e[-+]?\d+)?$)/i.test(value) ? `'${value}` : value).replaceAll('"', '""')}"`;
const markdownCell = (value) => value.replace(/[\\`*_|<>[\]]/g, '\\$&').replace(/\s+/g, ' ');

views.versions = ({query}) => {
  const ids = (query.get('columns') || '').split('~').filter((id) => id === 'metric' || data.columns.has(id));
  const shownIds = ids.length ? ids : usual();
  const order = query.get('sort') || '-date';
  let found = filtered(query.get('q') || '');
  let rows = sorted(found.rows, order);
  let end = 0;
  const where = (change) => address('versions', {
    q: input.value, sort: order === '-date' ? '' : order, columns: ids.join('~'), ...change,
  });
  const input = el('input', {type: 'search', id: 'filter', value: query.get('q') || '', autocomplete: 'off', spellcheck: 'false',
    'aria-label': 'Filter', placeholder: 'Filter: auc>0.9 stage:prod author:ada', 'aria-describedby': 'count'});
  const count = el('p', {class: 'soft', id: 'count', role: 'status'});
  const body = el('tbody', {});
  const compare = el('a', {class: 'button', id: 'compare'});

  const fill = () => {
    const next = rows.slice(end, end + STEP);
    end += next.length;
    body.append(...next.map((row) => el('tr', {'data-row': row, class: chosen.has(row) && 'chosen'},
      el('td', {}, el('input', {type: 'checkbox', checked: chosen.has(row), 'aria-label': `Compare ${named(row)}`})),
      shownIds.map((id) => {
        if (id === 'version') return el('td', {}, to(row, label(row)));
        if (id === 'stage') return el('td', {}, badges(row));
        const value = text(id, row);
        return el('td', {class: numeric(id, row)}, value && hashed(id) ? code(value) : bdi(value));
      }))));
    more.hidden = end >= rows.length;
  };
  const tell = () => {
    count.textContent = `${rows.length === data.count ? '' : `${rows.length.toLocaleString('en')} of `}${plural(data.count, 'version')}`
      + (found.unknown.length ? `; there is no column ${found.unknown.join(', ')}` : '');
    compare.textContent = chosen.size > 1 ? `Compare ${chosen.size}` : 'Compare: choose 2 to 7';
    if (chosen.size > 1) compare.href = comparison([...chosen]);
    else compare.removeAttribute('href');
  };
  const again = () => {
    found = filtered(input.value);
    rows = sorted(found.rows, order);
    end = 0;
    body.replaceChildren();
    fill();
    tell();
  };
  const more = el('button', {type: 'button', click: fill}, 'Show more');
  input.addEventListener('input', () => {
    again();
    history.replaceState(null, '', where({}));
  });
  const choose = (row, box) => {
    if (box.checked && chosen.size >= 7) box.checked = false;
    if (box.checked) chosen.add(row);
    else chosen.delete(row);
    box.closest('tr').classList.toggle('chosen', box.checked);
    tell();
  };
  body.addEventListener('change', (event) => choose(Number(event.target.closest('tr').dataset.row), event.target));
  const pick = [...data.groups].map(([group, all]) => {
    const listed = (group ? all : ['metric', ...all]).filter((id) => !HIDDEN.has(id) || id === 'commit');
    return el('fieldset', {}, el('legend', {}, group || 'version'), listed.map((id) => el('label', {}, el('input', {
      type: 'checkbox', checked: shownIds.includes(id),
      change: (event) => {
        const next = event.target.checked ? [...shownIds, id] : shownIds.filter((other) => other !== id);
        location.hash = where({columns: next.join('~')});
      },
    }), bdi(columnOf(id)?.id || id))));
  });
  const open = view.querySelector('details')?.open;
  const cells = (form) => [shownIds.map(heading), ...rows.map((row) => shownIds.map((id) => text(id, row)))].map((line) => line.map(form));
  put(
    titled('Versions'),
    tools(input, compare,
      el('button', {type: 'button', click: () => save('versions.csv', cells(csvCell).map((line) => `${line.join(',')}\r\n`).join(''), 'text/csv')}, 'CSV'),
      el('button', {type: 'button', click: () => {
        const [head, ...lines] = cells(markdownCell);
        save('versions.md', [head, head.map(() => '---'), ...lines].map((line) => `| ${line.join(' | ')} |\n`).join(''), 'text/markdown');
      }}, 'Markdown')),
    el('details', {open, class: 'pick'}, el('summary', {}, 'Columns'), el('div', {}, pick)),
    count,
    div('wide', el('table', {class: 'list'}, el('thead', {}, el('tr', {}, el('th', {scope: 'col'}, el('span', {class: 'unseen'}, 'Compare')),
      shownIds.map((id) => {
        const down = order === `-${id}`;
        const up = order === id;
        return el('th', {scope: 'col', class: rows.some((row) => numeric(id, row)) && 'number', 'aria-sort': down ? 'descending' : up ? 'ascending' : null},
          el('button', {type: 'button', title: id, click: () => { location.hash = where({sort: down ? id : `-${id}`}); }}, bdi(heading(id)), down ? ' ↓' : up ? ' ↑' : ''));
      }))), body)), more, soft('Keys: / filter, ↓ ↑ move, Enter open, x choose, c compare.'));
  fill();
  tell();
  new IntersectionObserver((seen) => seen[0].isIntersecting && end < rows.length && fill(), {rootMargin: '400px'}).observe(more);
};

addEventListener('keydown', (event) => {
  if (place().name !== 'versions' || event.ctrlKey || event.metaKey || event.altKey) return;
  const {activeElement: focused} = document;
  const typing = focused.id === 'filter';
  const row = focused.closest?.('tbody tr');
  const links = [...view.querySelectorAll('tbody tr')];
  const move = (step) => {
    const next = links[row ? links.indexOf(row) + step : 0];
    (next ? next.querySelector('a') || next.querySelector('input') : step < 0 && view.querySelector('#filter'))?.focus?.();
  };
  const acts = {
    '/': () => view.querySelector('#filter').focus(),
    ArrowDown: () => move(1),
    ArrowUp: () => row && move(-1),
    x: () => row?.querySelector('input').click(),
    c: () => { const {href} = view.querySelector('#compare'); if (href) location.hash = new URL(href).hash; },
  };
  if (!acts[event.key] || (typing && event.key !== 'ArrowDown') || focused.closest?.('fieldset')) return;
  event.preventDefault();
  acts[event.key]();
});
