// The mesh: chiplets by cluster or by how full they are, DRAM ports, and traffic where it was simulated.
const MAP_MODES = [['cluster', 'stages'], ['work', 'MACs busy'], ['weights', 'weights'], ['activations', 'activations']];
const STEPS = { east: [1, 0], west: [-1, 0], south: [0, 1], north: [0, -1] };

/** Replica and stage of each chiplet that has one in a segment. */
function ownersOf(ctx, regions) {
  const { order } = ctx.kase.mesh;
  const share = Math.floor(order.length / ctx.plan.replicas);
  const place = new Map(order.map((chiplet, at) => [chiplet, at]));
  const owners = new Map();
  regions.forEach((region, stage) => chipletsOf(ctx.kase, region).forEach((chiplet) => {
    for (let replica = 0; replica < ctx.plan.replicas; replica += 1) {
      const at = place.get(chiplet) + replica * share;
      if (at < order.length) owners.set(replica ? order[at] : chiplet, { replica, stage });
    }
  }));
  return owners;
}

function heldBy(ctx, stage, mode) {
  const { mesh } = ctx.kase;
  if (mode === 'work') return stage.filled;
  if (mode === 'weights') return stage.weight_bytes / mesh.weight_buffer_bytes;
  return stage.activation_bytes / mesh.activation_buffer_bytes;
}

const heat = (share) => `color-mix(in oklab, ${css('heat')} ${Math.round(100 * Math.min(1, Math.max(0, share)))}%, ${css('empty')})`;

function drawMap(panel, ctx, wide) {
  const { kase, plan, segment } = ctx;
  const { mesh } = kase;
  const mode = MAP_MODES.some(([name]) => name === ctx.map) ? ctx.map : 'cluster';
  const found = plan.segments[segment];
  const { traffic } = plan;
  const regions = traffic ? traffic.regions[segment] : found.stages.map((stage) => stage.region);
  const owners = ownersOf(ctx, regions);
  const most = Math.min(wide, 46 * rem());
  const pitch = Math.min(4.2 * rem(), most / (mesh.columns + 1));
  const side = pitch * (traffic ? 0.66 : 0.9);
  const width = pitch * (mesh.columns + 1);
  const height = pitch * (mesh.rows + (mesh.ports.some(([, edges]) => edges.includes('top') || edges.includes('bottom')) ? 1 : 0.1));
  const below = height - pitch * mesh.rows;
  const centre = (chiplet) => [pitch * (chiplet % mesh.columns + 1), below / 2 + pitch * (Math.floor(chiplet / mesh.columns) + 0.5)];
  const list = svg('g', {});
  for (let chiplet = 0; chiplet < mesh.rows * mesh.columns; chiplet += 1) {
    list.append(chipletOption(ctx, chiplet, owners.get(chiplet), centre(chiplet), side, mode));
  }
  panel.append(mapModes(ctx, mode),
    svg('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': `Mesh of ${mesh.rows} x ${mesh.columns} chiplets in segment ${segment + 1}` },
      ...(traffic ? linkMarks(kase, traffic, centre, pitch, side) : []),
      ...portMarks(kase, traffic, centre, pitch, side),
      roving(list, 'Chiplets, row by row', mesh.columns)));
  if (mode !== 'cluster') panel.append(legend([0, 0.25, 0.5, 0.75, 1].map((share) => [percent(share), heat(share)])));
  const busy = traffic ? ` Links are busy ${percent(traffic.mean)} of the simulated batch on average, the busiest ${percent(traffic.max)}: the stronger the colour, the busier.`
    : ' Traffic on links shows once the schedule is simulated.';
  const stages = plural(found.stages.length, 'stage');
  panel.append(html('p', { class: 'caption' }, html('strong', {}, `Segment ${segment + 1}`),
    `: ${stages} on ${plural(owners.size, 'chiplet')} of ${mesh.order.length}${plan.replicas > 1 ? `, ${plan.replicas} replicas` : ''}.${busy}`));
}

function mapModes(ctx, mode) {
  return html('fieldset', {}, html('legend', {}, 'Colour by'), MAP_MODES.map(([name, words]) => html('label', {},
    html('input', { type: 'radio', name: `map${ctx.side}`, value: name, checked: name === mode, 'data-key': `mode${ctx.side}:${name}`,
      onchange: () => writeChoice({ map: name === 'cluster' ? null : name }) }), words)));
}

function chipletOption(ctx, chiplet, owner, [x, y], side, mode) {
  const { kase, plan, segment } = ctx;
  const { mesh } = kase;
  const stage = owner ? plan.segments[segment].stages[owner.stage] : null;
  const colour = !stage ? css('empty') : mode === 'cluster' ? clusterColour(owner.stage + owner.replica) : heat(heldBy(ctx, stage, mode));
  const chosen = stage !== null && owner.stage === ctx.stage;
  const words = () => {
    const place = `Chiplet ${chiplet} (row ${Math.floor(chiplet / mesh.columns)}, column ${chiplet % mesh.columns})`;
    if (!stage) return `${place}: no work in this segment`;
    const limit = mesh.unified ? `${bytes(stage.weight_bytes)} of weights and ${bytes(stage.activation_bytes)} of activations in ${bytes(mesh.activation_buffer_bytes)}`
      : `weights ${bytes(stage.weight_bytes)} of ${bytes(mesh.weight_buffer_bytes)}, activations ${bytes(stage.activation_bytes)} of ${bytes(mesh.activation_buffer_bytes)}`;
    return `${place}: stage ${segment + 1}.${owner.stage + 1}${plan.replicas > 1 ? `, replica ${owner.replica + 1}` : ''}\n`
      + `${layerSpan(stage.layers)}: ${namesOf(kase, stage.layers)}\n${limit}${stage.spilled_bytes ? `\nspills ${bytes(stage.spilled_bytes)} a beat` : ''}\n`
      + `MACs busy ${percent(stage.filled)} of the beat`;
  };
  const group = svg('g', {}, svg('rect', { x: x - side / 2, y: y - side / 2, width: side, height: side, rx: side * 0.08, style: `fill:${colour}` }));
  if (stage && mode === 'cluster' && side > 1.15 * rem()) {
    group.append(svg('text', { x, y, dy: '.35em', 'text-anchor': 'middle', 'aria-hidden': 'true', style: `fill:${css('on-k')};font-size:${Math.min(0.8 * rem(), side * 0.45)}px` }, String(owner.stage + 1)));
  }
  if (stage && stage.spilled_bytes && mode === 'activations') {
    group.append(svg('rect', { x: x - side / 2, y: y + side / 2 - side * 0.16, width: side, height: side * 0.16, style: `fill:${css('spill')}` }));
  }
  group.append(svg('rect', { class: 'ring', x: x - side / 2, y: y - side / 2, width: side, height: side, rx: side * 0.08 }));
  return option(group, { key: `map${ctx.side}:${chiplet}`, text: words, chosen, pick: () => { if (stage) pick(ctx, { segment, stage: owner.stage }); } });
}

/** A line per directed link, on the right of its way: the darker, the busier. */
function linkMarks(kase, traffic, centre, pitch, side) {
  const top = Math.max(traffic.max, 1e-9);
  return traffic.links.map(([chiplet, direction, moved, share]) => {
    const [dx, dy] = STEPS[direction];
    const [x, y] = centre(chiplet);
    const gap = side * 0.2;
    const [sx, sy] = [x + dx * (side / 2 + 1) - dy * gap, y + dy * (side / 2 + 1) + dx * gap];
    const long = pitch - side - 2;
    const line = svg('line', { x1: sx, y1: sy, x2: sx + dx * long, y2: sy + dy * long, 'aria-hidden': 'true',
      style: `stroke:${heat(0.12 + 0.88 * (share / top))};stroke-width:${Math.max(1.5, side * (0.07 + 0.17 * (share / top)))}` });
    hint(line, () => `Link from chiplet ${chiplet} ${direction}\nbusy ${percent(share)}, ${bytes(moved)}`);
    return line;
  });
}

function portMarks(kase, traffic, centre, pitch, side) {
  const loads = new Map(traffic ? traffic.ports.map(([chiplet, moved, share]) => [chiplet, { moved, share }]) : []);
  const top = Math.max(...(traffic ? [traffic.max, ...traffic.ports.map((port) => port[2])] : [1]));
  const away = { left: [-1, 0], right: [1, 0], top: [0, -1], bottom: [0, 1] };
  return kase.mesh.ports.flatMap(([chiplet, edges]) => edges.map((edge) => {
    const [dx, dy] = away[edge];
    const [x, y] = centre(chiplet);
    const thick = pitch * 0.2;
    const [cx, cy] = [x + dx * (pitch * 0.5 + thick * 0.7), y + dy * (pitch * 0.5 + thick * 0.7)];
    const [w, h] = dx ? [thick, side] : [side, thick];
    const load = loads.get(chiplet);
    const colour = load ? heat(0.12 + 0.88 * (load.share / top)) : css('load');
    const port = svg('rect', { x: cx - w / 2, y: cy - h / 2, width: w, height: h, 'aria-hidden': 'true', style: `fill:${colour}` });
    hint(port, () => `DRAM port at chiplet ${chiplet}${load ? `\nbusy ${percent(load.share)}, ${bytes(load.moved)}` : ''}`);
    return port;
  }));
}
