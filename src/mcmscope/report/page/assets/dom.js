// Elements are made by name and text only: no text of a file is ever read as markup.
const SVG = 'http://www.w3.org/2000/svg';

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'value') node.value = value;
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

const html = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
const css = (name) => `var(--${name})`;
const clusterColour = (stage) => css(`k${stage % 9}`);

let remSize = 16;
/** Pixels of the root's font, read once a drawing: to read it makes the browser lay the page out. */
const rem = () => remSize;
function readRem() {
  remSize = parseFloat(getComputedStyle(document.documentElement).fontSize);
}

const tip = document.getElementById('tip');

function showTip(text, x, y) {
  tip.textContent = text;
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = Math.min(x + 14, innerWidth - box.width - 8);
  const top = y + 18 + box.height > innerHeight ? y - box.height - 10 : y + 18;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${Math.max(8, top)}px`;
}

function hideTip() {
  tip.hidden = true;
}

/** Show `text()` beside the pointer, or beside the element that the keyboard is on. */
function hint(node, text) {
  node.addEventListener('pointerenter', (event) => showTip(text(), event.clientX, event.clientY));
  node.addEventListener('pointermove', (event) => showTip(text(), event.clientX, event.clientY));
  node.addEventListener('pointerleave', hideTip);
  node.addEventListener('blur', hideTip);
  node.addEventListener('focus', () => {
    if (!node.matches(':focus-visible')) return;
    const box = node.getBoundingClientRect();
    showTip(text(), box.left + box.width / 2, box.top + box.height / 2);
  });
}

/** Make `node` one of a list's choices: `text` is its hint and what a screen reader says. */
function option(node, { key, text, chosen, pick }) {
  fill(node, { role: 'option', 'aria-selected': String(Boolean(chosen)), 'aria-label': text(), 'data-key': key }, []);
  node.classList.toggle('on', Boolean(chosen));
  node.addEventListener('click', pick);
  hint(node, text);
  return node;
}

/** One stop of the Tab key for all choices of a list; arrow keys go on, Enter or Space chooses. */
function roving(list, label, columns = 0) {
  const options = [...list.querySelectorAll('[role="option"]')];
  if (!options.length) return list;
  fill(list, { role: 'listbox', 'aria-label': label }, []);
  const start = Math.max(0, options.findIndex((node) => node.getAttribute('aria-selected') === 'true'));
  options.forEach((node, at) => node.setAttribute('tabindex', at === start ? '0' : '-1'));
  list.addEventListener('keydown', (event) => {
    const at = options.indexOf(document.activeElement);
    if (at < 0) return;
    const down = columns || 1;
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: down, ArrowUp: -down, Home: -at, End: options.length - 1 - at };
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      options[at].dispatchEvent(new MouseEvent('click', { bubbles: true }));
    } else if (event.key in steps) {
      event.preventDefault();
      const next = at + steps[event.key];
      if (next < 0 || next >= options.length) return;
      options[at].setAttribute('tabindex', '-1');
      options[next].setAttribute('tabindex', '0');
      options[next].focus();
    }
  });
  return list;
}

function legend(entries) {
  return html('ul', { class: 'legend' }, entries.map(([words, colour]) => {
    const swatch = html('i', { 'aria-hidden': 'true' });
    swatch.style.background = colour;
    return html('li', {}, swatch, words);
  }));
}

/** Diagonal lines on `ground`, for time that is waited; `id` is unique in the page. */
function hatch(id, ground, line = css('hatch')) {
  return svg('pattern', { id, width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
    svg('rect', { width: 6, height: 6, style: `fill:${ground}` }),
    svg('line', { x1: 0, y1: 0, x2: 0, y2: 6, style: `stroke:${line};stroke-width:1.4` }));
}

function timeAxis(scale, y, ticks) {
  const top = scale.domain()[1];
  const unit = top >= 1 ? [1, 's'] : top >= 1e-3 ? [1e-3, 'ms'] : top >= 1e-6 ? [1e-6, 'us'] : [1e-9, 'ns'];
  const axis = d3.axisBottom(scale.copy().domain(scale.domain().map((value) => value / unit[0]))).ticks(ticks).tickSizeOuter(0)
    .tickFormat((value) => `${+value.toFixed(6)} ${unit[1]}`);
  const group = svg('g', { class: 'axis', transform: `translate(0,${y})`, 'aria-hidden': 'true' });
  d3.select(group).call(axis).attr('font-size', null).attr('font-family', null);
  return group;
}
