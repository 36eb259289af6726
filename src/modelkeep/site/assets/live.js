// What monitoring reported, beside what was known when the version was made.
views.live = () => put(titled('Live'), data.live.map((report) => {
  const row = report.recipe ? column('recipe').indexOf(report.recipe.slice(0, 10)) : -1;
  return section(report.title, marks([[report.kind, report.state]]), row >= 0 && el('p', {}, to(row)), facts(report.facts),
    report.tables.map(([header, rows]) => listed(header, rows)),
    div('pictures', report.plots.map(({title, names, series}) => {
      const all = entries(series).map(([name, x]) => ({name, x}));
      return figure(title, bars(title, names, all), all.map((one) => one.name));
    })));
}));
