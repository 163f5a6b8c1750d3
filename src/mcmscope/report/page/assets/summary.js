// The tables that the page came with: choosing a scheme or a result in them, and how results compare.
function prepareTables() {
  for (const row of document.querySelectorAll('table.schemes tr[data-scheme]')) {
    if (row.classList.contains('unfit')) continue;
    const result = Number(row.closest('table').dataset.case) + 1;
    choosable(row, () => writeChoice({ result: data.cases.length > 1 ? result : null, scheme: row.dataset.scheme, segment: null, stage: null }));
  }
  for (const row of document.querySelectorAll('table.results tr[data-case]')) {
    choosable(row, () => writeChoice({ result: Number(row.dataset.case) + 1, scheme: null, segment: null, stage: null, layer: null }));
  }
}

/** A row that chooses what it is about; its name becomes a button, for those who have no pointer. */
function choosable(row, choose) {
  const name = row.querySelector('.name');
  const button = html('button', { type: 'button', class: 'link' }, name.textContent);
  name.replaceChildren(button);
  row.dataset.pick = '';
  row.addEventListener('click', choose);
}

function markTables(ctx, other) {
  for (const block of document.querySelectorAll('.case')) block.hidden = Number(block.dataset.case) !== ctx.at;
  for (const row of document.querySelectorAll('table.results tr[data-case]')) {
    mark(row, Number(row.dataset.case) === ctx.at);
  }
  for (const row of document.querySelectorAll('table.schemes tr[data-scheme]')) {
    const at = Number(row.closest('table').dataset.case);
    mark(row, [ctx, other].some((one) => one && one.plan && at === one.at && row.dataset.scheme === one.plan.scheme));
  }
}

function mark(row, chosen) {
  row.classList.toggle('chosen', chosen);
  const button = row.querySelector('button.link');
  if (button) button.setAttribute('aria-pressed', String(chosen));
}

/** Every scheme of every result, by how near it comes to what no schedule beats. */
function drawComparison(place) {
  const rows = data.cases.flatMap((kase, at) => fits(kase).map((plan) => ({
    at, scheme: plan.scheme, name: resultName(at),
    share: plan.throughput_per_s / plan.bound_throughput_per_s, rate: plan.throughput_per_s,
  })));
  const schemes = [...new Set(rows.map((row) => row.scheme))];
  const names = [...new Set(rows.map((row) => row.name))];
  const width = Math.max(300, place.clientWidth);
  const narrow = width < 640;
  const text = (row) => `${row.name}: ${row.scheme}\n${significant(row.rate)} samples/s, ${percent(row.share)} of the bound`;
  const plot = Plot.plot({
    width, height: names.length * (narrow ? 3 : 2) * rem() + 3 * rem(), marginLeft: narrow ? 10 : 19 * rem(), marginTop: narrow ? 26 : 8, marginBottom: 2.3 * rem(), marginRight: 1.5 * rem(),
    style: { fontSize: `${0.8 * rem()}px` },
    x: { domain: [0, 1], label: 'throughput over the bound', tickFormat: '.0%', grid: true, ticks: narrow ? 5 : 10, labelAnchor: 'left' },
    y: { domain: names, label: null, axis: narrow ? null : 'left' },
    color: { domain: schemes, range: schemes.map((_, at) => SCHEME_COLOURS[at]) },
    symbol: { legend: true, domain: schemes, range: schemes.map((_, at) => SCHEME_SYMBOLS[at]) },
    marks: [
      Plot.ruleY(names, { y: (name) => name, stroke: css('line') }),
      narrow ? Plot.text(names, { x: 0, y: (name) => name, text: (name) => name, textAnchor: 'start', dy: -16, fill: 'currentColor' }) : null,
      Plot.dot(rows, { x: 'share', y: 'name', stroke: 'scheme', symbol: 'scheme', r: 5, strokeWidth: 2 }),
      Plot.dot(rows, { x: 'share', y: 'name', r: 9, fill: 'transparent', className: 'mark' }),
    ],
  });
  choices(plot, 'g.mark > *', rows, 'Schemes of all results', (row, at) => ({
    key: `compare:${at}`, text: () => text(row), chosen: false,
    pick: () => writeChoice({ result: row.at + 1, scheme: row.scheme, segment: null, stage: null, layer: null }),
  }));
  place.replaceChildren(plot);
}

const SCHEME_COLOURS = ['compute', 'on_chip', 'static', 'exchange', 'links', 'activation_buffer'].map(css);
const SCHEME_SYMBOLS = ['circle', 'triangle', 'square', 'diamond', 'star', 'cross'];
