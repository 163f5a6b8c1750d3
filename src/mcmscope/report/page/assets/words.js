// Figures as people read them; the same rules as report/words.py.
const PREFIXES = [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k']];
// Made once: a formatter takes far longer to make than to use.
const WITH_DECIMALS = [0, 1, 2, 3].map((digits) => new Intl.NumberFormat('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits }));
const whole = (value) => WITH_DECIMALS[0].format(value);

function significant(value) {
  const size = Math.abs(value);
  if (size > 0 && size < 0.1) return String(Number(value.toPrecision(3)));
  const decimals = size >= 99.95 || size === 0 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
  return WITH_DECIMALS[decimals].format(value);
}

function duration(seconds) {
  for (const [unit, name] of [[1, 's'], [1e-3, 'ms'], [1e-6, 'us']]) {
    if (seconds >= unit * 0.9995) return `${significant(seconds / unit)} ${name}`;
  }
  return `${significant(seconds * 1e9)} ns`;
}

function amount(value, noun) {
  for (const [size, prefix] of PREFIXES) {
    if (value >= size * 0.9995) return `${significant(value / size)} ${prefix}${noun}`;
  }
  return `${significant(value)} ${noun}`;
}

function bytes(size) {
  return size < 1000 ? plural(Math.round(size), 'byte') : amount(size, 'B').replace('kB', 'KB');
}

function percent(share) {
  const value = 100 * share;
  return value > 0 && value < 9.95 ? `${value.toFixed(1)}%` : `${value.toFixed(0)}%`;
}

function plural(number, noun) {
  return `${whole(number)} ${noun}${number === 1 ? '' : 's'}`;
}

function layerSpan([first, end]) {
  return end - first === 1 ? `layer ${first}` : `layers ${first}–${end - 1}`;
}

const ratio = (value) => `${value.toFixed(2)}x`;

function namesOf(kase, [first, end], most = 3) {
  const names = kase.layers.slice(first, Math.min(end, first + most)).map((layer) => layer[0]);
  return names.join(', ') + (end - first > most ? `, … ${kase.layers[end - 1][0]}` : '');
}
