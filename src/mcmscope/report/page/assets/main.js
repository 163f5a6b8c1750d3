// Everything follows the fragment: one function draws the page anew from what is chosen.
const VIEWS = [
  ['batch', drawBatch], ['map', drawMap], ['pipeline', drawPipeline], ['stages', drawStages],
  ['energy', drawEnergy], ['roofline', drawRoofline], ['layers', drawLayers], ['search', drawSearch],
];
const form = document.getElementById('choice');
let drawnWidth = 0;

function panelFocus(key) {
  const node = [...document.querySelectorAll('[data-key]')].find((one) => one.dataset.key === key);
  if (node) node.focus({ preventScroll: true });
}

function render() {
  hideTip();
  readRem();
  const focused = document.activeElement ? document.activeElement.dataset.key : null;
  const scrolled = new Map([...document.querySelectorAll('.layers')].map((node, at) => [at, node.scrollTop]));
  const ctx = context('');
  const other = ctx.plan ? context('vs-') : null;
  drawnWidth = document.documentElement.clientWidth;
  document.body.classList.toggle('compared', Boolean(other));
  markTables(ctx, other);
  if (!ctx.plan) {
    for (const [name] of VIEWS) if (name !== 'search') document.getElementById(`view-${name}`).hidden = true;
    form.hidden = data.cases.length < 2;
    return;
  }
  drawChoice(ctx, other);
  const compare = document.getElementById('compare');
  if (compare) drawComparison(compare);
  const sides = [ctx, other].filter(Boolean);
  const panels = VIEWS.map(([name]) => {
    const view = document.getElementById(`view-${name}`);
    view.hidden = false;
    const made = sides.map((side) => html('div', { class: 'panel' }, other ? html('p', { class: 'side' }, sideName(side)) : null));
    view.querySelector('.panels').replaceChildren(...made);
    return made;
  });
  // All widths are read before anything is drawn, so that the page is laid out once.
  const widths = panels.map((made) => made.map((panel) => panel.clientWidth));
  VIEWS.forEach(([, draw], v) => sides.forEach((side, at) => draw(panels[v][at], side, widths[v][at])));
  [...document.querySelectorAll('.layers')].forEach((node, at) => { node.scrollTop = scrolled.get(at) || 0; });
  followLayer(ctx);
  if (focused) panelFocus(focused);
  document.getElementById('told').textContent = told(ctx);
}

function sideName({ at, plan }) {
  return data.cases.length > 1 ? `${plan.scheme} · ${resultName(at)}` : plan.scheme;
}

/** Bring the chosen layer's line into its table's view, without moving the page. */
function followLayer(ctx) {
  if (ctx.layer === null && ctx.stage === null) return;
  for (const place of document.querySelectorAll('.layers')) {
    const line = place.querySelector('tr.chosen');
    if (!line) continue;
    const top = line.offsetTop - 2.5 * rem();
    if (top < place.scrollTop || line.offsetTop + line.offsetHeight > place.scrollTop + place.clientHeight) place.scrollTop = top;
  }
}

function drawChoice(ctx, other) {
  form.hidden = false;
  const { kase, plan } = ctx;
  const found = plan.segments[ctx.segment];
  const choose = (label, key, options, chosen, change) => html('label', {}, label, html('select', { 'data-key': `choice:${key}`, onchange: (event) => change(event.target.value) },
    options.map(([value, words]) => html('option', { value, selected: String(value) === String(chosen) }, words))));
  const results = data.cases.map((one, at) => [at, resultName(at)]);
  const others = data.cases.flatMap((one, at) => fits(one).filter((row) => at !== ctx.at || row.scheme !== plan.scheme)
    .map((row) => [`${at}.${row.scheme}`, data.cases.length > 1 ? `${row.scheme}: ${results[at][1]}` : row.scheme]));
  form.replaceChildren(...[
    data.cases.length > 1 ? choose('Result', 'result', results, ctx.at, (value) => writeChoice({ result: Number(value) + 1, scheme: null, segment: null, stage: null, layer: null })) : null,
    choose('Scheme', 'scheme', fits(kase).map((row) => [row.scheme, row.scheme]), plan.scheme, (value) => pick(ctx, { scheme: value })),
    choose('Segment', 'segment', plan.segments.map((one, s) => [s, `${s + 1} (${layerSpan(one.layers)})`]), ctx.segment, (value) => pick(ctx, { segment: Number(value) })),
    choose('Stage', 'stage', [['', 'all'], ...found.stages.map((one, c) => [c, `${ctx.segment + 1}.${c + 1} (${layerSpan(one.layers)})`])], ctx.stage ?? '',
      (value) => writeChoice({ layer: null, segment: ctx.segment + 1, stage: value === '' ? null : Number(value) + 1 })),
    choose('Layer', 'layer', [['', 'all'], ...kase.layers.map((one, l) => [l, `${l} ${one[0]}`])], ctx.layer ?? '', (value) => writeChoice({ layer: value === '' ? null : Number(value), segment: ctx.segment + 1, stage: null })),
    choose('Compare with', 'versus', [['', 'nothing'], ...others], other ? `${other.at}.${other.plan.scheme}` : '', (value) => {
      const [at, ...name] = value.split('.');
      writeChoice({ 'vs-result': value && data.cases.length > 1 ? Number(at) + 1 : null, 'vs-scheme': value ? name.join('.') : null, 'vs-segment': null, 'vs-stage': null });
    }),
    html('p', { class: 'detail' }, told(ctx)),
  ].filter(Boolean));
}

form.addEventListener('submit', (event) => event.preventDefault());
addEventListener('hashchange', render);
addEventListener('popstate', render);
addEventListener('keydown', (event) => { if (event.key === 'Escape') hideTip(); });
addEventListener('resize', () => requestAnimationFrame(() => {
  if (document.documentElement.clientWidth !== drawnWidth) render();
}));
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  document.getElementById('main').focus();
});
prepareTables();
render();
