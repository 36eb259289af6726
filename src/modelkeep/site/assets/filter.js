// Filters such as: auc>0.9 stage:prod data:9f2c author:ada -estimator:Ridge "two words"
const ORDER = ['', 'test', 'param', 'params', 'rows', 'train', 'baseline', 'library'];
const ANY = ['model', 'version', 'experiment', 'stage', 'author', 'reason', 'recipe', 'commit', 'estimator', 'title'];

function columnsNamed(name) {
  if (data.columns.has(name)) return [name];
  if (data.groups.has(name)) return data.groups.get(name);
  const lower = name.toLowerCase();
  const rank = (id) => (ORDER.indexOf(columnOf(id).group) + ORDER.length + 1) % (ORDER.length + 1);
  for (const fits of [(id) => id === lower, (id) => id.endsWith(`.${lower}`), (id) => id.endsWith(`_${lower}`)]) {
    const ids = [...data.columns.keys()].filter((id) => fits(columnOf(id).id.toLowerCase()));
    if (ids.length) return [ids.sort((a, b) => rank(a) - rank(b))[0]];
  }
  return null;
}

function compared(value, sign, wanted) {
  if (value == null) return false;
  const text = String(value).toLowerCase();
  if (sign === ':') return text.includes(wanted);
  const both = [Number(value), Number(wanted)];
  const [left, right] = wanted !== '' && !both.some(isNaN) ? both : [text, wanted];
  return {'=': left === right, '!=': left !== right, '<': left < right, '>': left > right,
    '<=': left <= right, '>=': left >= right}[sign];
}

// Returns the rows that fit, and the names that no column has.
function filtered(text) {
  const unknown = [];
  const tests = (text.match(/(?:"[^"]*"|[^\s"])+/g) || []).map((word) => {
    const not = word.length > 1 && word.startsWith('-');
    const bare = (part) => part.replaceAll('"', '').toLowerCase();
    const body = not ? word.slice(1) : word;
    const [, name, sign, wanted] = /^([^"]+?)(>=|<=|!=|=|<|>)(.*)$/.exec(body) || /^([^":]+)(:)(.*)$/.exec(body) || [];
    const ids = name ? columnsNamed(name) : ANY;
    if (!ids) {
      unknown.push(name);
      return () => false;
    }
    const columns = ids.map(column).filter(Boolean);
    const value = bare(name ? wanted : body);
    return (row) => columns.some((values) => compared(values[row], sign || ':', value)) !== not;
  });
  return {rows: range(data.count).filter((row) => tests.every((test) => test(row))), unknown};
}
