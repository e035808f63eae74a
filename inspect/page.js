
// Replaces the page's contents by those of a new answer at the chosen interval. Details that
// the reader has opened stay open, the filter and the order of tables stay, and the page does not
// jump. Without this script the browser reloads the page.
(() => {
  'use strict';

  // ---- filter, order and copy

  const orders = new Map(); // by table: the column and the direction that its rows are sorted by
  const filter = document.createElement('input');

  const tables = () => [...document.querySelectorAll('#main table')];
  const nameOf = table => table.closest('section').id + ' ' + [...table.closest('section').querySelectorAll('table')].indexOf(table);

  // valueOf returns the number that a cell has or shows, in bytes or milliseconds if it has a unit, or
  // its text in lower case.
  const valueOf = cell => {
    if (cell.dataset.value) return Number(cell.dataset.value);
    const text = cell.innerText.trim();
    const number = /^(?:blocked)?\s*(-?[\d,]+(?:\.\d+)?)(?: ([KMGTPE]?)i?B| ms)?$/.exec(text);
    if (!number) return text === '–' ? 0 : text.toLowerCase();
    return Number(number[1].replaceAll(',', '')) * 1024 ** ' KMGTPE'.indexOf(number[2] || ' ');
  };

  const compare = (a, b) => typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === 'number' ? -1 : 1;

  // arrange applies the filter and the orders to the present contents.
  const arrange = () => {
    const wanted = filter.value.trim().toLowerCase();
    for (const table of tables()) {
      const order = orders.get(nameOf(table));
      const body = table.tBodies[0];
      if (order) {
        const rows = [...body.rows].map(row => ({row, value: valueOf(row.cells[order.column])}));
        rows.sort((a, b) => order.direction * compare(a.value, b.value));
        body.append(...rows.map(r => r.row));
      }
      [...table.tHead.rows[0].cells].forEach((head, column) => {
        if (!head.innerText.trim()) return;
        head.tabIndex = 0;
        head.title = 'sort by this column';
        head.setAttribute('aria-sort', order?.column !== column ? 'none' : order.direction > 0 ? 'ascending' : 'descending');
      });
      for (const row of body.rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    }
    for (const chain of document.querySelectorAll('.chains > li')) {
      chain.hidden = !chain.textContent.toLowerCase().includes(wanted);
    }
  };

  // sortBy sorts a table by the column of a head: figures by the largest first, texts by the
  // alphabet. The second time it turns the order round.
  const sortBy = head => {
    const name = nameOf(head.closest('table'));
    const old = orders.get(name);
    const direction = old?.column === head.cellIndex ? -old.direction : head.classList.contains('n') ? -1 : 1;
    orders.set(name, {column: head.cellIndex, direction});
    arrange();
  };

  document.addEventListener('click', event => {
    const head = event.target.closest('#main thead th[tabindex]');
    if (head) sortBy(head);
  });
  document.addEventListener('keydown', event => {
    const head = event.target.closest('#main thead th[tabindex]');
    if (!head || event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    sortBy(head);
  });

  const copy = document.createElement('button');
  copy.type = 'button';
  copy.textContent = 'copy as text';
  copy.addEventListener('click', async () => {
    const text = document.querySelector('h1').innerText + '\n' + document.getElementById('main').innerText;
    try {
      await navigator.clipboard.writeText(text);
    } catch { // not allowed, as on a page without TLS
      const area = document.createElement('textarea');
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand('copy');
      area.remove();
    }
    copy.textContent = 'copied';
    setTimeout(() => { copy.textContent = 'copy as text'; }, 2000);
  });

  filter.type = 'search';
  filter.placeholder = 'filter rows';
  filter.setAttribute('aria-label', 'filter rows');
  filter.addEventListener('input', arrange);
  document.querySelector('nav').prepend(filter, copy);
  arrange();

  // ---- refresh

  const seconds = Number(document.body.dataset.refresh);
  if (!seconds) return;
  let waiting = false;
  const stalled = () => document.body.classList.add('unanswered');
  const refresh = async () => {
    if (waiting || document.hidden || !getSelection().isCollapsed) return;
    waiting = true;
    // A server that does not answer within one interval is shown as stalled. It may still
    // answer: a walk over millions of tasks takes a while.
    const late = setTimeout(stalled, seconds * 1000);
    try {
      const signal = AbortSignal.timeout(Math.max(30, 10 * seconds) * 1000);
      const answer = await fetch(location.href, {cache: 'no-store', signal});
      if (!answer.ok) throw new Error(answer.statusText);
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      for (const unfolded of document.querySelectorAll('details[open]')) {
        page.getElementById(unfolded.id)?.setAttribute('open', '');
      }
      document.getElementById('main').replaceWith(document.adoptNode(page.getElementById('main')));
      arrange();
      document.body.classList.remove('unanswered');
    } catch {
      stalled();
    } finally {
      clearTimeout(late);
      waiting = false;
    }
  };
  setInterval(refresh, seconds * 1000);
  document.addEventListener('visibilitychange', refresh);
})();
