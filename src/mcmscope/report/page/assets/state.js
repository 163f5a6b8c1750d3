// What is chosen, kept in the URL fragment; segments and stages count from 1 there, layers from 0.
const data = JSON.parse(document.getElementById('data').textContent);
const SIDES = ['', 'vs-'];

function readChoice() {
  const given = new URLSearchParams(location.hash.replace(/^#/, ''));
  const number = (key) => (/^\d+$/.test(given.get(key) || '') ? Number(given.get(key)) : null);
  const choice = { map: given.get('map'), layer: number('layer') };
  for (const side of SIDES) {
    choice[`${side}result`] = number(`${side}result`);
    choice[`${side}scheme`] = given.get(`${side}scheme`);
    choice[`${side}segment`] = number(`${side}segment`);
    choice[`${side}stage`] = number(`${side}stage`);
  }
  return choice;
}

function writeChoice(change) {
  const told = { ...readChoice(), ...change };
  const entries = Object.entries(told).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const text = new URLSearchParams(entries.map(([key, value]) => [key, String(value)])).toString();
  if (location.hash.replace(/^#/, '') === text) return;
  history.pushState(null, '', `#${text}`);
  render();
}

/** A result by its case; those of the same case are numbered. */
function resultName(at) {
  const plain = ({ network, package: on, batch }) => `${network} on ${on}, batch ${batch}`;
  const name = plain(data.cases[at]);
  const same = data.cases.filter((kase) => plain(kase) === name);
  return same.length > 1 ? `${name}, ${data.cases[at].objective} (${same.indexOf(data.cases[at]) + 1})` : name;
}

const fits = (kase) => kase.schemes.filter((scheme) => scheme.feasible);

/** The result, scheme, segment, stage and layer that one side of the page shows. */
function context(side) {
  const choice = readChoice();
  if (side && choice['vs-scheme'] === null) return null;
  const first = choice.result !== null && choice.result >= 1 && choice.result <= data.cases.length ? choice.result - 1 : 0;
  const given = choice[`${side}result`];
  const at = given !== null && given >= 1 && given <= data.cases.length ? given - 1 : first;
  const kase = data.cases[at];
  const plan = fits(kase).find((scheme) => scheme.scheme === choice[`${side}scheme`])
    || (side ? null : fits(kase).find((scheme) => scheme.scheme === kase.best) || fits(kase)[0]);
  if (!plan) return side ? null : { side, at, kase, plan: null };
  const shared = !side || kase.network === data.cases[first].network;
  const layer = shared && choice.layer !== null && choice.layer < kase.layers.length ? choice.layer : null;
  const within = ([a, b]) => layer !== null && a <= layer && layer < b;
  let segment = plan.segments.findIndex((one) => within(one.layers));
  let stage = segment < 0 ? null : plan.segments[segment].stages.findIndex((one) => within(one.layers));
  const chosen = segment >= 0 || choice[`${side}segment`] !== null;
  if (segment < 0) {
    const told = choice[`${side}segment`];
    segment = told !== null && told >= 1 && told <= plan.segments.length ? told - 1
      : d3.maxIndex(plan.segments, (one) => one.share);
    const inner = choice[`${side}stage`];
    stage = inner !== null && inner >= 1 && inner <= plan.segments[segment].stages.length ? inner - 1 : null;
  }
  return { side, at, kase, plan, segment, stage, layer, chosen, map: choice.map };
}

/** Choose for one side; a stage or layer that is chosen already is let go. */
function pick(ctx, { scheme, segment, stage, layer }) {
  const { side } = ctx;
  const number = (value) => (value === null || value === undefined ? null : value + 1);
  if (layer !== undefined) {
    const again = layer === ctx.layer;
    writeChoice({ layer: again ? null : layer, [`${side}segment`]: number(ctx.segment), [`${side}stage`]: null });
  } else if (scheme !== undefined) {
    writeChoice({ [`${side}scheme`]: scheme, [`${side}segment`]: null, [`${side}stage`]: null });
  } else {
    const again = segment === ctx.segment && stage !== undefined && stage === ctx.stage;
    writeChoice({ layer: null, [`${side}segment`]: number(segment), [`${side}stage`]: again ? null : number(stage) });
  }
}

/** What is chosen, in words. */
function told(ctx) {
  const { kase, plan, segment, stage, layer } = ctx;
  const found = plan.segments[segment];
  if (layer !== null) {
    const row = layerRow(ctx, layer);
    return `Layer ${layer}, ${row.name}: ${row.partition} on ${plural(row.chiplets, 'chiplet')}, `
      + `${duration(row.time_s)} of the beat, bound by ${data.causes[row.binds]}.`;
  }
  if (stage !== null) return stageText(ctx, segment, stage);
  const stages = found.stages.length;
  return `Segment ${segment + 1} of ${plan.segments.length}: ${layerSpan(found.layers)} in ${plural(stages, 'stage')}, `
    + `${percent(found.share)} of the batch’s time; ${data.causes[found.cause]} ${data.plural_causes.includes(found.cause) ? 'set' : 'sets'} the beat.`;
}

function stageText(ctx, segment, stage) {
  const found = ctx.plan.segments[segment];
  const one = found.stages[stage];
  return `Stage ${segment + 1}.${stage + 1}: ${layerSpan(one.layers)} (${namesOf(ctx.kase, one.layers)}) on `
    + `${plural(one.chiplets, 'chiplet')}; works ${duration(one.time_s)} of a beat of ${duration(found.beat_s)}, `
    + `bound by ${data.causes[one.cause]} (${percent(one.cause_share)})${one.sets_beat ? '; it sets the beat' : ''}.`;
}

/** A layer of the shown schedule under the names of its columns. */
function layerRow(ctx, layer) {
  const [name, op, macs, weights, output] = ctx.kase.layers[layer];
  const row = { layer, name, op, macs, weight_bytes: weights, output_bytes: output };
  data.layer_columns.forEach((column, at) => { row[column] = ctx.plan.layers[layer][at]; });
  return row;
}

/** Chiplets of a region that is given as runs along the serpentine order. */
function chipletsOf(kase, region) {
  return region.flatMap(([start, count]) => kase.mesh.order.slice(start, start + count));
}
