// The whole batch: every segment in its time, and in it what the time of all chiplets goes to.
const PART_WORDS = {
  compute: 'compute', on_chip: 'vector work and buffer reads', start: 'layer start-up', exchange: 'exchange that is not hidden',
  links: 'waits for links between regions', dram: 'waits for DRAM', spill: 'waits for spills', idle: 'waits for the slowest stage',
  fill: 'fill and drain', unused: 'chiplets without work',
};

/** Shares of all chiplets' time in a segment's run; they sum to 1. */
function sharesOf(ctx, found) {
  const chiplets = Math.floor(ctx.kase.mesh.order.length / ctx.plan.replicas);
  const beats = found.beats * found.passes;
  const flowing = beats / (beats + found.stages.length - 1);
  const shares = Object.fromEntries([...data.parts, 'fill', 'unused'].map((name) => [name, 0]));
  let used = 0;
  for (const stage of found.stages) {
    used += stage.chiplets;
    data.parts.forEach((name, at) => {
      shares[name] += found.beat_s ? (flowing * stage.parts_s[at] * stage.chiplets) / (found.beat_s * chiplets) : 0;
    });
  }
  shares.fill = ((1 - flowing) * used) / chiplets;
  shares.unused = Math.max(0, 1 - used / chiplets);
  return shares;
}

function boundBy(plan) {
  return plan.causes.filter(([, share], at) => at === 0 || share >= 0.05).slice(0, 3)
    .map(([cause, share]) => `${data.causes[cause]} (${percent(share)} of the time)`).join(', ');
}

function drawBatch(panel, ctx, width) {
  const { plan } = ctx;
  const high = 7 * rem();
  const x = d3.scaleLinear([0, plan.batch_ps / 1e12], [0, width]);
  const at = (ps) => x(ps / 1e12);
  const id = `load${ctx.side}`;
  const top = 0.9 * rem();
  const parts = [...data.parts, 'fill', 'unused'];
  const list = svg('g', {});
  plan.segments.forEach((found, s) => {
    const shares = sharesOf(ctx, found);
    const [from, to] = found.span_ps.map(at);
    const ran = svg('g', {});
    let y = top + high;
    for (const name of parts) {
      const tall = shares[name] * high;
      if (tall <= 0.05) continue;
      y -= tall;
      ran.append(svg('rect', { x: from, y, width: Math.max(0.3, to - from - (to - from > 4 ? 1 : 0)), height: tall, style: `fill:${css(name)}` }));
    }
    const [loading, loaded] = found.load_ps.map(at);
    const left = Math.min(from, loading);
    const waits = Math.abs(loaded - from) < 0.5 ? svg('rect', { x: loading, y: top, width: Math.max(0, loaded - loading), height: high, style: `fill:url(#${id})` }) : null;
    list.append(option(svg('g', {}, waits,
      svg('rect', { x: loading, y: 0, width: Math.max(0.3, loaded - loading), height: 0.5 * rem(), style: `fill:${css('load')}` }),
      ran,
      svg('rect', { class: 'ring', x: left, y: top, width: Math.max(2, to - left), height: high })),
    {
      key: `batch${ctx.side}:${s}`, chosen: s === ctx.segment, pick: () => pick(ctx, { segment: s }),
      text: () => `Segment ${s + 1}: ${layerSpan(found.layers)}, ${plural(found.stages.length, 'stage')}\n`
        + `load ${duration(found.load_s)} (${bytes(found.load_bytes)}), run ${duration(found.run_s)}: ${plural(found.beats, 'beat')} of ${plural(found.micro_batch, 'sample')}\n`
        + `${percent(found.share)} of the batch’s time; set by ${data.causes[found.cause]}\n`
        + parts.filter((name) => shares[name] > 0.005).map((name) => `${PART_WORDS[name]} ${percent(shares[name])}`).join('\n'),
    }));
  });
  const drawing = svg('svg', { width, height: top + high + 1.8 * rem(), viewBox: `0 0 ${width} ${top + high + 1.8 * rem()}`, role: 'group', 'aria-label': `The batch of ${plan.scheme} over time` },
    svg('defs', {}, hatch(id, css('paper'))),
    roving(list, 'Segments in the order in which they run'),
    timeAxis(x, top + high + 2, Math.max(3, width / 130)));
  const overall = Object.fromEntries(parts.map((name) => [name, d3.sum(plan.segments, (found) => {
    const running = (found.span_ps[1] - found.span_ps[0]) / plan.batch_ps;
    return (sharesOf(ctx, found)[name] * running);
  })]));
  panel.append(drawing, legend([
    [`weight loads ${percent(1 - d3.sum(plan.segments, (found) => found.span_ps[1] - found.span_ps[0]) / plan.batch_ps)}`, css('load')],
    ...parts.filter((name) => overall[name] >= 0.0005).map((name) => [`${PART_WORDS[name]} ${percent(overall[name])}`, css(name)]),
  ]), html('p', { class: 'caption' }, html('strong', {}, plan.scheme), ` in ${plural(plan.segments.length, 'segment')}`
    + `${plan.replicas > 1 ? `, on each of ${plan.replicas} replicas alike` : ''}, bound by ${boundBy(plan)}. A beat lasts as long as the longest of what goes on at once: of a wait, the bars show what it adds to the rest.`));
}
