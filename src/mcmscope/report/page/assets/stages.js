// Stages as stacked bars against their beat.
const MOST_BARS = 40;

function drawStages(panel, ctx, width) {
  const { plan, segment } = ctx;
  const own = plan.segments[segment].stages.length > 1;
  const shown = own ? [segment] : d3.range(plan.segments.length).sort((a, b) => plan.segments[b].share - plan.segments[a].share)
    .slice(0, MOST_BARS).concat(segment).filter((s, at, all) => all.indexOf(s) === at).sort((a, b) => a - b);
  const rowsOf = (s) => plan.segments[s].stages.map((stage, c) => ({ s, c, stage, beat_s: plan.segments[s].beat_s, name: `${s + 1}.${c + 1}` }));
  const all = own ? rowsOf(segment) : shown.map((s) => d3.greatest(rowsOf(s), (row) => row.stage.time_s));
  const slow = new Set(own ? [...all].sort((a, b) => b.stage.time_s - a.stage.time_s).slice(0, MOST_BARS) : all);
  const rows = all.filter((row) => slow.has(row) || (own && row.c === ctx.stage));
  const narrow = width < 620;
  const longest = own ? plan.segments[segment].beat_s : 1;
  const [scale, unit] = own ? (longest >= 1e-3 ? [1e3, 'ms'] : [1e6, 'us']) : [100, '% of its beat'];
  const pieces = rows.flatMap((row) => data.parts.map((part, at) => ({ ...row, part,
    value: row.stage.parts_s[at] * scale / (own ? 1 : row.beat_s || 1) })).filter((piece) => piece.value > 0));
  const tall = Math.min(1.9, Math.max(0.85, 30 / rows.length)) * rem();
  const words = (row) => `${layerSpan(row.stage.layers).replace(/^layers? /, '')}`;
  const plot = Plot.plot({
    width, height: rows.length * tall + 2.6 * rem(), marginLeft: 4.4 * rem(), marginRight: narrow ? 8 : 19 * rem(),
    marginTop: 6, marginBottom: 2.3 * rem(), style: { fontSize: `${0.8 * rem()}px` },
    x: { domain: [0, longest * scale], label: own ? `time of one beat (${unit})` : `share of the stage’s own beat (%)`, grid: true, ticks: narrow ? 4 : 8, nice: false },
    y: { domain: rows.map((row) => row.name), label: null, padding: 0.18, tickSize: 0, tickPadding: own ? 1.2 * rem() : 3 },
    color: { domain: data.parts, range: data.parts.map(css) },
    marks: [
      Plot.barX(pieces, { x: 'value', y: 'name', fill: 'part', order: data.parts, className: 'bars' }),
      own ? Plot.dot(rows, { x: 0, dx: -0.6 * rem(), y: 'name', symbol: 'square', r: 0.3 * rem(), fill: (row) => clusterColour(row.c) }) : null,
      Plot.ruleX([longest * scale], { stroke: 'currentColor', strokeWidth: 1.5 }),
      narrow ? null : Plot.text(rows, { x: longest * scale, y: 'name', dx: 8, textAnchor: 'start', className: 'said',
        text: (row) => `${words(row)} · ${plural(row.stage.chiplets, 'chiplet')} · ${SHORT_CAUSES[row.stage.cause]}${row.stage.sets_beat ? ' · sets the beat' : ''}` }),
      Plot.barX(rows, { x1: 0, x2: longest * scale, y: 'name', fill: 'transparent', className: 'mark' }),
    ],
  });
  choices(plot, 'g.mark > *', rows, 'Stages', (row) => ({
    key: `stages${ctx.side}:${row.name}`, chosen: row.s === ctx.segment && (row.c === ctx.stage || (!own && ctx.chosen)),
    pick: () => pick(ctx, own ? { segment: row.s, stage: row.c } : { segment: row.s }),
    text: () => `${stageText(ctx, row.s, row.c)}\n`
      + data.parts.map((part, at) => [part, row.stage.parts_s[at]]).filter(([, time]) => time > 0)
        .map(([part, time]) => `${PART_WORDS[part]} ${duration(time)}`).join('\n'),
  }));
  const parts = data.parts.filter((part) => pieces.some((piece) => piece.part === part));
  const found = plan.segments[segment];
  panel.append(html('div', { class: 'chart' }, plot), legend(parts.map((part) => [PART_WORDS[part], css(part)])));
  panel.append(html('p', { class: 'caption' }, html('strong', {}, own ? `Segment ${segment + 1}` : plan.scheme),
    own ? `: a beat of ${duration(found.beat_s)}, set by ${data.causes[found.cause]}.${rows.length < all.length ? ` The ${rows.length} slowest of ${all.length} stages.` : ''}`
      : `: ${rows.length < plan.segments.length ? `the ${rows.length} of ${plan.segments.length} segments that take most time` : `all ${plural(plan.segments.length, 'segment')}`}`
        + `, ${d3.some(plan.segments, (one) => one.stages.length > 1) ? 'the slowest stage of each' : 'each'} against its own beat.`));
}
