// The table of layers: sorts, filters, and follows what is chosen.
const COLUMNS = [
  ['layer', '#', (row) => String(row.layer), true],
  ['name', 'layer', (row) => row.name],
  ['op', 'kind', (row) => row.op],
  ['where', 'stage', (row) => row.where],
  ['partition', 'partition', (row) => row.partition],
  ['active_chiplets', 'chiplets', (row) => (row.active_chiplets === row.chiplets ? String(row.chiplets) : `${row.active_chiplets} of ${row.chiplets}`), true],
  ['macs', 'MACs', (row) => amount(row.macs, ''), true],
  ['time_s', 'time', (row) => duration(row.time_s), true],
  ['compute_cycles', 'cycles', (row) => whole(row.compute_cycles), true],
  ['exchange_s', 'exchange', (row) => duration(row.exchange_s), true],
  ['ingress_bytes', 'comes in', (row) => bytes(row.ingress_bytes), true],
  ['weight_bytes', 'weights', (row) => bytes(row.weight_bytes), true],
  ['stored_weight_bytes', 'held', (row) => bytes(row.stored_weight_bytes), true],
  ['utilization', 'MACs used', (row) => percent(row.utilization), true],
  ['energy_j', 'energy', (row) => `${significant(row.energy_j * 1e6)} uJ`, true],
  ['binds', 'binds', (row) => SHORT_CAUSES[row.binds]],
];
const SHORT_CAUSES = { compute: 'compute', vector: 'vector work', memory: 'buffer reads', NoP: 'exchange', start: 'start-up' };
const ALL = '';
const tableState = { sort: 'layer', down: false, text: '', partition: ALL, binds: ALL, only: false };

function layerRows(ctx) {
  return ctx.plan.segments.flatMap((found, s) => found.stages.flatMap((stage, c) => d3.range(...stage.layers).map((layer) => (
    { ...layerRow(ctx, layer), segment: s, stage: c, where: `${s + 1}.${c + 1}` }))));
}

function drawLayers(panel, ctx) {
  const rows = layerRows(ctx);
  const count = html('span', { class: 'count', role: 'status' });
  const place = html('div', { class: 'layers', tabindex: '0', role: 'region', 'aria-label': `Table of the layers of ${ctx.plan.scheme}${ctx.side ? ', beside it' : ''}` });
  const show = () => {
    const left = rows.filter((row) => (!tableState.text || `${row.layer} ${row.name} ${row.op}`.toLowerCase().includes(tableState.text.toLowerCase()))
      && (!tableState.partition || row.partition === tableState.partition) && (!tableState.binds || row.binds === tableState.binds)
      && (!tableState.only || (row.segment === ctx.segment && (ctx.stage === null || row.stage === ctx.stage))));
    left.sort((a, b) => (tableState.down ? d3.descending : d3.ascending)(sortValue(a), sortValue(b)) || a.layer - b.layer);
    count.textContent = left.length === rows.length ? plural(rows.length, 'layer') : `${left.length} of ${plural(rows.length, 'layer')}`;
    place.replaceChildren(layerTable(ctx, left, show));
  };
  const choose = (label, key, values, words) => html('label', {}, label, html('select', { 'data-key': `${key}${ctx.side}`, onchange: (event) => { tableState[key] = event.target.value; show(); } },
    html('option', { value: ALL, selected: tableState[key] === ALL }, 'all'), values.map((value) => html('option', { value, selected: tableState[key] === value }, words(value)))));
  const unique = (key) => [...new Set(rows.map((row) => row[key]))].sort();
  const only = html('input', { type: 'checkbox', checked: tableState.only, 'data-key': `only${ctx.side}`, onchange: (event) => { tableState.only = event.target.checked; show(); } });
  panel.append(html('div', { class: 'tools' },
    html('label', {}, 'Find', html('input', { type: 'search', placeholder: 'name, number or kind', 'data-key': `find${ctx.side}`, value: tableState.text, oninput: (event) => { tableState.text = event.target.value; show(); } })),
    choose('Partition', 'partition', unique('partition'), (value) => value),
    choose('Bound by', 'binds', unique('binds'), (value) => SHORT_CAUSES[value]),
    html('fieldset', {}, html('label', {}, only, 'only the chosen segment or stage')), count), place);
  show();
}

function sortValue(row) {
  return tableState.sort === 'where' ? row.segment * 4096 + row.stage : row[tableState.sort];
}

function layerTable(ctx, rows, show) {
  const head = COLUMNS.map(([key, words, , numeric]) => html('th', { scope: 'col', class: numeric ? 'n' : null,
    'aria-sort': tableState.sort === key ? (tableState.down ? 'descending' : 'ascending') : null },
  html('button', { type: 'button', class: 'link', 'data-key': `sort${ctx.side}:${key}`, onclick: () => {
    tableState.down = tableState.sort === key ? !tableState.down : Boolean(numeric) && key !== 'layer';
    tableState.sort = key;
    show();
    panelFocus(`sort${ctx.side}:${key}`);
  } }, words, tableState.sort === key ? (tableState.down ? ' ↓' : ' ↑') : '')));
  return html('table', {}, html('thead', {}, html('tr', {}, head)), html('tbody', {}, rows.map((row) => layerLine(ctx, row))));
}

function layerLine(ctx, row) {
  const chosen = row.layer === ctx.layer;
  const inside = ctx.stage !== null && ctx.layer === null && row.segment === ctx.segment && row.stage === ctx.stage;
  return html('tr', { class: chosen || inside ? 'chosen' : null, 'data-pick': true, 'data-layer': row.layer, onclick: () => pick(ctx, { layer: row.layer }) },
    COLUMNS.map(([key, , text, numeric]) => {
      if (key === 'name') {
        return html('th', { scope: 'row' }, html('button', { type: 'button', class: 'link', 'aria-pressed': String(chosen), 'data-key': `layer${ctx.side}:${row.layer}`, 'aria-label': row.name.trim() ? null : `layer ${row.layer}` }, row.name));
      }
      if (key === 'where') {
        const tag = html('span', { class: 'key' }, row.where);
        tag.style.background = clusterColour(row.stage);
        return html('td', {}, tag);
      }
      if (key === 'utilization') {
        const bar = html('span', {});
        bar.style.width = `${100 * Math.min(1, row.utilization)}%`;
        return html('td', { class: 'n' }, html('span', { class: 'meter small', 'aria-hidden': 'true' }, bar), text(row));
      }
      return html('td', { class: numeric ? 'n' : null }, text(row));
    }));
}
