// A segment beat by beat: fill, steady state and drain, between its load and the next one's.
const FEW_SLOTS = 28;

/** Slots that are drawn, in one or two runs; between them all beats are alike. */
function shownSlots(found) {
  const stages = found.stages.length;
  const head = stages + 6;
  const tail = stages + 3;
  if (found.slots <= Math.max(FEW_SLOTS, head + tail + 4) || stages > 24) return [[0, found.slots]];
  return [[0, head], [found.slots - tail, found.slots]];
}

function drawPipeline(panel, ctx, width) {
  const { plan, segment } = ctx;
  const found = plan.segments[segment];
  const stages = found.stages.length;
  const tall = Math.min(2.1 * rem(), Math.max(3, (26 * rem()) / stages));
  const room = width < 560 ? 2.4 * rem() : 5.6 * rem();
  const loadRoom = 0.075 * (width - room);
  const gapRoom = 2.2 * rem();
  const ranges = shownSlots(found);
  const count = d3.sum(ranges, ([a, b]) => b - a);
  const last = segment + 1 === plan.segments.length;
  const beat = (width - room - loadRoom - (last ? 0 : loadRoom) - gapRoom * (ranges.length - 1)) / count;
  const top = 1.5 * rem();
  const begins = ranges.map((_, at) => room + loadRoom + d3.sum(ranges.slice(0, at), ([a, b]) => (b - a) * beat + gapRoom));
  const [ground, bubble] = [`load${ctx.side}`, `wait${ctx.side}`].map((name) => `${name}-pipeline`);
  const list = svg('g', {});
  const labels = svg('g', { class: 'labels', 'aria-hidden': 'true' });
  found.stages.forEach((stage, c) => list.append(stageRowMarks(ctx, labels, { c, stage, found, y: top + c * tall, tall, beat, ranges, begins, room, bubble })));
  const height = top + stages * tall + 2.3 * rem();
  const drawing = svg('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': `Pipeline of segment ${segment + 1}` },
    svg('defs', {}, hatch(bubble, css('fill')), hatch(ground, css('paper'), css('load'))),
    loadMark(ctx, found, room, loadRoom, top, stages * tall, ground, `load ${duration(found.load_s)}`, true),
    roving(list, 'Stages of the segment'), labels,
    beatAxis(found, ranges, begins, beat, top + stages * tall));
  if (ranges.length > 1) {
    const x = begins[1] - gapRoom / 2;
    drawing.append(svg('text', { class: 'soft', x, y: top + (stages * tall) / 2, dy: '.35em', 'text-anchor': 'middle', 'aria-hidden': 'true' }, '···'));
  }
  if (!last) {
    const next = plan.segments[segment + 1];
    drawing.append(loadMark(ctx, next, width - loadRoom, loadRoom, top, stages * tall, ground, `next load ${duration(next.load_s)}`, false));
  }
  panel.append(drawing, html('p', { class: 'caption' }, html('strong', {}, `Segment ${segment + 1}`), pipelineWords(found, plan, ranges)));
}

function pipelineWords(found, plan, ranges) {
  const hidden = ranges.length > 1 ? ranges[1][0] - ranges[0][1] : 0;
  return `: ${plural(found.beats, 'beat')} of ${plural(found.micro_batch, 'sample')} at ${duration(found.beat_s)}`
    + `${found.passes > 1 ? `, in ${found.passes} passes over slices of its weights` : ''}`
    + `${found.stages.length > 1 ? `, ${found.stages.length - 1} more to fill and drain` : ''}; ${duration(found.run_s)} in all.`
    + `${hidden ? ` ${plural(hidden, 'beat')} like those before the dots are left out.` : ''}`
    + ` ${plan.replicas > 1 ? `Each of ${plan.replicas} replicas runs this way. ` : ''}Loads are not to scale; numbers are micro-batches.`;
}

function stageRowMarks(ctx, labels, { c, stage, found, y, tall, beat, ranges, begins, room, bubble }) {
  const gap = tall > 8 ? 2 : 0.4;
  const share = found.beat_s ? Math.min(1, stage.time_s / found.beat_s) : 1;
  const beats = found.beats * found.passes;
  const paths = { work: '', wait: '' };
  ranges.forEach(([first, end], at) => {
    for (let slot = first; slot < end; slot += 1) {
      const x = begins[at] + (slot - first) * beat;
      if (slot - c < 0 || slot - c >= beats) {
        paths.wait += `M${x},${y + gap / 2}h${beat}v${tall - gap}h${-beat}z`;
        continue;
      }
      const busy = Math.max(0.5, share * beat - (beat > 6 ? 1 : 0));
      paths.work += `M${x},${y + gap / 2}h${busy}v${tall - gap}h${-busy}z`;
      if (share < 1) paths.wait += `M${x + busy},${y + gap / 2}h${beat - busy - (beat > 6 ? 1 : 0)}v${tall - gap}h${-(beat - busy - (beat > 6 ? 1 : 0))}z`;
      const number = String(((slot - c) % found.beats) + 1);
      if (busy > number.length * 0.62 * rem() && tall > 0.9 * rem()) {
        labels.append(svg('text', { x: x + busy / 2, y: y + tall / 2, dy: '.35em', 'text-anchor': 'middle', style: `fill:${css('on-k')};font-size:${0.75 * rem()}px` }, number));
      }
    }
  });
  const end = begins[begins.length - 1] + (ranges[ranges.length - 1][1] - ranges[ranges.length - 1][0]) * beat;
  const name = room > 3 * rem() ? `${ctx.segment + 1}.${c + 1} · ${layerSpan(stage.layers).replace('layer ', '').replace('layers ', '')}` : `${ctx.segment + 1}.${c + 1}`;
  const group = svg('g', {},
    svg('path', { d: paths.wait, style: `fill:url(#${bubble})` }),
    svg('path', { d: paths.work, style: `fill:${clusterColour(c)}` }));
  if (tall > 0.7 * rem()) labels.append(svg('text', { x: 0, y: y + tall / 2, dy: '.35em' }, name));
  group.append(svg('rect', { class: 'ring', x: begins[0], y: y + gap / 2, width: end - begins[0], height: tall - gap }));
  return option(group, { key: `pipeline${ctx.side}:${c}`, chosen: c === ctx.stage, text: () => stageText(ctx, ctx.segment, c), pick: () => pick(ctx, { segment: ctx.segment, stage: c }) });
}

function loadMark(ctx, found, x, wide, y, tall, ground, words, own) {
  const mark = svg('g', { 'aria-hidden': 'true' },
    svg('rect', { x: x + 2, y: y + 1, width: wide - 4, height: tall - 2, style: `fill:url(#${ground})` }));
  const fitting = own || wide > 5.5 * rem() ? words : 'next';
  mark.append(svg('text', { class: 'soft', x: own ? x : x + wide, y: y - 0.45 * rem(), 'text-anchor': own ? 'start' : 'end' }, fitting));
  hint(mark, () => `${words}: ${bytes(found.load_bytes)} of weights`);
  return mark;
}

/** Time since the segment's first beat, at beats. */
function beatAxis(found, ranges, begins, beat, y) {
  const axis = svg('g', { class: 'axis', 'aria-hidden': 'true' });
  ranges.forEach(([first, end], at) => {
    const every = Math.max(1, Math.ceil((4.6 * rem()) / beat));
    axis.append(svg('line', { x1: begins[at], x2: begins[at] + (end - first) * beat, y1: y + 3, y2: y + 3 }));
    for (let slot = first; slot < end; slot += every) {
      const x = begins[at] + (slot - first) * beat;
      axis.append(svg('line', { x1: x, x2: x, y1: y + 3, y2: y + 8 }));
      axis.append(svg('text', { x, y: y + 1.4 * rem(), style: `font-size:${0.75 * rem()}px` }, duration(slot * found.beat_s).replace(/^0 ns$/, '0')));
    }
  });
  return axis;
}
