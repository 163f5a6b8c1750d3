// Rooflines, energies, the rank curve and the front.
const ENERGY_WORDS = { mac: 'MACs', pe_buffers: 'PE buffers', activation_buffer: 'activation buffers', nop: 'NoP', dram: 'DRAM', static: 'static' };

/** Make a plot's marks, one for each of `rows` in their order, choices of a list. */
function choices(plot, selector, rows, label, about) {
  const root = plot.tagName === 'svg' ? plot : plot.querySelector(':scope > svg');
  for (const group of root.querySelectorAll('[aria-label], [aria-description]')) {
    group.removeAttribute('aria-label');
    group.removeAttribute('aria-description');
  }
  for (const child of root.children) if (!child.matches('.mark')) child.setAttribute('aria-hidden', 'true');
  fill(root, { role: 'group', 'aria-label': label }, []);
  for (const node of root.querySelectorAll(selector)) {
    const at = node.__data__;
    const row = rows[at];
    if (!row) continue;
    node.classList.add('ring');
    option(node, about(row, at));
  }
  const list = root.querySelector('g.mark');
  if (list) roving(list, label);
  return plot;
}

function roof(ctx, roofline, label, words, x) {
  const rows = roofline.points.filter((point) => point[2] > 0).map(([s, c, intensity, rate]) => (
    { s, c, intensity, rate, share: ctx.plan.segments[s].share }));
  const place = html('div', { class: 'chart' });
  return { place, draw: (width) => {
    const low = d3.min(rows, (row) => row.intensity) / 2;
    const high = Math.max(d3.max(rows, (row) => row.intensity) * 2, (roofline.peak / d3.min(roofline.slopes, (slope) => slope[1])) * 4);
    const floor = Math.min(d3.min(rows, (row) => row.rate) / 2, roofline.peak / 20);
    const lines = roofline.slopes.flatMap(([name, slope]) => [
      [Math.max(low, floor / slope), name], [roofline.peak / slope, name], [high, name],
    ].map(([at, z]) => ({ x: at, y: Math.min(roofline.peak, slope * at), z })));
    const same = (row) => row.s === ctx.segment && (row.c === null || ctx.stage === null || row.c === ctx.stage);
    const plot = Plot.plot({
      width, height: Math.min(Math.max(15 * rem(), 0.62 * width), 22 * rem()), marginLeft: 4.2 * rem(), marginBottom: 2.3 * rem(), marginRight: 1.2 * rem(), style: { fontSize: `${0.8 * rem()}px` },
      x: { type: 'log', domain: [low, high], label: x, tickFormat: (value) => amountShort(value), ticks: 5, grid: true },
      y: { type: 'log', domain: [floor, roofline.peak * 2.6], label: 'MAC/s', tickFormat: (value) => amountShort(value), ticks: 4, grid: true },
      r: { domain: [0, 1], range: [3, rem()], type: 'sqrt' },
      marks: [
        Plot.line(lines, { x: 'x', y: 'y', z: 'z', stroke: 'currentColor', strokeWidth: 1.5 }),
        Plot.text(roofline.slopes, { x: (slope) => roofline.peak / slope[1], y: () => roofline.peak * 1.9, text: (slope) => slope[0] }),
        Plot.text([roofline.peak], { x: high, y: roofline.peak * 1.9, text: () => 'peak', textAnchor: 'end' }),
        Plot.dot(rows, { x: 'intensity', y: 'rate', r: 'share', fill: (row) => (row.c === null ? css('dram') : clusterColour(row.c)), fillOpacity: 0.85, stroke: css('paper'), strokeWidth: 1 }),
        Plot.text(rows.filter((row) => (row.c === null ? rows.length < 9 || row.share > 0.08 : row.s === ctx.segment && (row.c === ctx.stage || ctx.plan.segments[row.s].stages.length < 7))), { x: 'intensity', y: 'rate', text: (row) => (row.c === null ? `${row.s + 1}` : `${row.s + 1}.${row.c + 1}`), dy: -0.85 * rem(), fill: 'currentColor', stroke: css('paper'), strokeWidth: 3 }),
        Plot.dot(rows, { x: 'intensity', y: 'rate', r: 'share', fill: 'transparent', className: 'mark' }),
      ],
    });
    choices(plot, 'g.mark > *', rows, label, (row) => ({
      key: `${label}${ctx.side}:${row.s}.${row.c}`, chosen: ctx.chosen && same(row),
      pick: () => pick(ctx, row.c === null ? { segment: row.s } : { segment: row.s, stage: row.c }),
      text: () => `${row.c === null ? `Segment ${row.s + 1}` : `Stage ${row.s + 1}.${row.c + 1}`}: `
        + `${layerSpan((row.c === null ? ctx.plan.segments[row.s] : ctx.plan.segments[row.s].stages[row.c]).layers)}\n`
        + `${amount(row.rate, 'MAC/s')} (${percent(row.rate / roofline.peak)} of the peak) at ${significant(row.intensity)} ${words}`,
    }));
    place.replaceChildren(plot);
  } };
}

function amountShort(value) {
  for (const [size, prefix] of PREFIXES) if (value >= size) return `${+(value / size).toPrecision(3)}${prefix}`;
  return String(+value.toPrecision(3));
}

function drawRoofline(panel, ctx) {
  const charts = [
    ['Stages, against the links of a chiplet', roof(ctx, ctx.plan.stage_roof, 'Roofline of stages', 'MACs per byte that comes in', 'MACs per byte that comes into a chiplet')],
    ['Segments, against DRAM', roof(ctx, ctx.plan.dram_roof, 'Roofline of segments', 'MACs per byte of DRAM', 'MACs per byte between the package and DRAM')],
  ];
  panel.append(html('div', { class: 'pair' }, charts.map(([title, chart]) => html('div', {}, html('h3', {}, title), chart.place))));
  const widths = charts.map(([, chart]) => chart.place.clientWidth);
  charts.forEach(([, chart], at) => chart.draw(widths[at]));
}

function energyBars(ctx, bars, label, chosen, choose) {
  const terms = Object.keys(ENERGY_WORDS).filter((term) => bars.some((bar) => bar.parts[term] > 0));
  const pieces = bars.flatMap((bar) => terms.map((term) => ({ name: bar.name, term, value: 1000 * (bar.parts[term] || 0) })));
  const total = (bar) => d3.sum(Object.values(bar.parts));
  const place = html('div', { class: 'chart' });
  return { place, terms, draw: (width) => {
    const tall = (bars.length > 12 ? 0.75 : 1.7) * rem();
    const plot = Plot.plot({
      width, height: bars.length * tall + 2.5 * rem(), marginLeft: 9.6 * rem(), marginRight: 4 * rem(), marginTop: 4, marginBottom: 2.3 * rem(), style: { fontSize: `${0.8 * rem()}px` },
      x: { label: 'mJ per sample', grid: true, ticks: 4 }, y: { domain: bars.map((bar) => bar.name), label: null, padding: 0.2, tickSize: 0 },
      color: { domain: terms, range: terms.map(css) },
      marks: [
        Plot.barX(pieces, { x: 'value', y: 'name', fill: 'term', order: terms }),
        Plot.text(bars, { x: (bar) => 1000 * total(bar), y: 'name', text: (bar) => significant(1000 * total(bar)), dx: 5, textAnchor: 'start' }),
        Plot.barX(bars, { x1: 0, x2: (bar) => 1000 * total(bar), y: 'name', fill: 'transparent', className: 'mark' }),
      ],
    });
    choices(plot, 'g.mark > *', bars, label, (bar, at) => ({
      key: `${label}${ctx.side}:${at}`, chosen: chosen(bar), pick: () => choose(bar),
      text: () => `${bar.name}: ${significant(1000 * total(bar))} mJ per sample\n` + terms.map((term) => `${ENERGY_WORDS[term]} ${significant(1000 * (bar.parts[term] || 0))} mJ`).join('\n'),
    }));
    place.replaceChildren(plot);
  } };
}

function drawEnergy(panel, ctx, width) {
  const { kase, plan } = ctx;
  const schemes = energyBars(ctx, fits(kase).map((one) => ({ name: one.scheme, parts: one.energy_breakdown_j })), 'Energy of schemes',
    (bar) => bar.name === plan.scheme, (bar) => pick(ctx, { scheme: bar.name }));
  const few = d3.range(plan.segments.length).sort((a, b) => d3.sum(Object.values(plan.segments[b].energy_j)) - d3.sum(Object.values(plan.segments[a].energy_j))).slice(0, 12).sort((a, b) => a - b);
  const bars = few.map((s) => ({ s, name: `segment ${s + 1}`, parts: plan.segments[s].energy_j }));
  const segments = energyBars(ctx, bars, 'Energy of segments', (bar) => ctx.chosen && bar.s === ctx.segment, (bar) => pick(ctx, { segment: bar.s }));
  panel.append(schemes.place, html('h3', {}, bars.length < plan.segments.length ? `${plan.scheme}: the ${bars.length} segments that take most` : `${plan.scheme} by segment`), segments.place,
    legend(schemes.terms.map((term) => [ENERGY_WORDS[term], css(term)])), html('p', { class: 'caption' }, `Profile ${kase.energy_profile}.`));
  schemes.draw(width);
  segments.draw(width);
}

function drawSearch(panel, ctx) {
  const { rank, front } = ctx.kase;
  const draws = [rank && rank.points.length ? rankChart(rank) : null, front && front.points.length ? frontChart(front, ctx) : null].filter(Boolean);
  panel.append(html('div', { class: 'pair' }, draws.map(({ block }) => block)));
  const widths = draws.map(({ place }) => place.clientWidth);
  draws.forEach(({ draw }, at) => draw(widths[at]));
  if (!rank && !front) panel.append(html('p', { class: 'caption' }, 'A rank curve and a front of throughput and energy show here once mcmscope quality and mcmscope pareto have written to the same folder.'));
}

function still(plot, label) {
  for (const node of plot.querySelectorAll('[aria-label]')) node.removeAttribute('aria-label');
  return fill(plot, { role: 'img', 'aria-label': label }, []);
}

function rankChart(rank) {
  const place = html('div', { class: 'chart' });
  const marks = rank.marks.filter((one) => one.value !== null);
  const block = html('div', {}, html('h3', {}, `Rank of ${rank.scheme} among ${rank.exhaustive ? 'all schedules' : `${whole(rank.counted)} random schedules`}`), place,
    html('p', { class: 'caption' }, marks.map((one) => `${one.search}: ${significant(one.value)} ${rank.unit}, top ${(100 * one.top_share).toPrecision(2)}%${rank.exhaustive ? '' : ' or less, with 95% confidence'}`).join('; ') + '.'));
  const low = Math.min(d3.min(rank.points, (point) => point[0]), d3.min(marks, (one) => one.top_share) ?? 1);
  return { block, place, draw: (width) => place.append(still(Plot.plot({
    width, height: Math.min(0.6 * width, 22 * rem()), marginLeft: 4.4 * rem(), marginRight: 1.5 * rem(), marginBottom: 2.3 * rem(), style: { fontSize: `${0.8 * rem()}px` },
    x: { type: 'log', label: 'share of schedules that are as good', domain: [low / 1.5, 1], tickFormat: (value) => `${+(100 * value).toPrecision(2)}%`, ticks: 5, grid: true },
    y: { type: 'log', label: rank.unit, tickFormat: amountShort, ticks: 4, grid: true },
    marks: [
      Plot.line(rank.points, { x: (point) => point[0], y: (point) => point[1], stroke: css('soft'), strokeWidth: 1.5, curve: 'step-after' }),
      Plot.dot(marks, { x: 'top_share', y: 'value', r: 5, stroke: css('accent'), strokeWidth: 2, symbol: 'search' }),
      Plot.text(d3.groups(marks, (one) => `${one.top_share} ${one.value}`).map(([, same]) => ({ ...same[0], search: same.map((one) => one.search).join(', ') })),
        { x: 'top_share', y: 'value', text: 'search', dx: 10, textAnchor: 'start' }),
    ],
  }), `Rank curve of ${rank.scheme}`)) };
}

function frontChart(front, ctx) {
  const place = html('div', { class: 'chart' });
  const block = html('div', {}, html('h3', {}, `Front of throughput and energy, ${front.scheme}`), place,
    html('p', { class: 'caption' }, front.exact ? `The whole front, proven: ${plural(front.points.length, 'schedule')}.` : `${plural(front.points.length, 'schedule')}; others may lie between them.`));
  const others = fits(ctx.kase).map((plan) => ({ scheme: plan.scheme, throughput_per_s: plan.throughput_per_s, energy_j_per_sample: plan.energy_j_per_sample }));
  return { block, place, draw: (width) => place.append(still(Plot.plot({
    width, height: Math.min(0.6 * width, 22 * rem()), marginLeft: 4.4 * rem(), marginRight: 8 * rem(), marginBottom: 2.3 * rem(), style: { fontSize: `${0.8 * rem()}px` },
    x: { label: 'samples/s', tickFormat: amountShort, grid: true, ticks: 5, nice: true }, y: { label: 'mJ per sample', grid: true, ticks: 5, nice: true },
    marks: [
      Plot.line(front.points, { x: 'throughput_per_s', y: (point) => 1000 * point.energy_j_per_sample, stroke: css('soft'), curve: 'step-before' }),
      Plot.dot(front.points, { x: 'throughput_per_s', y: (point) => 1000 * point.energy_j_per_sample, r: 3, fill: css('accent') }),
      Plot.dot(others, { x: 'throughput_per_s', y: (plan) => 1000 * plan.energy_j_per_sample, r: 5, symbol: 'times', stroke: 'currentColor' }),
      Plot.text(others, { x: 'throughput_per_s', y: (plan) => 1000 * plan.energy_j_per_sample, text: 'scheme', dx: 9, textAnchor: 'start' }),
    ],
  }), `Front of ${front.scheme}`)) };
}
