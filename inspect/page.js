
// Replaces the page's contents by those of a new answer at the chosen interval. Details that
// the reader has opened stay open, and the page does not jump. Without this script the
// browser reloads the page.
(() => {
  'use strict';
  const seconds = Number(document.body.dataset.refresh);
  if (!seconds) return;
  let waiting = false;
  const refresh = async () => {
    if (waiting || document.hidden || !getSelection().isCollapsed) return;
    waiting = true;
    try {
      const answer = await fetch(location.href, {cache: 'no-store'});
      if (!answer.ok) throw new Error(answer.statusText);
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      for (const unfolded of document.querySelectorAll('details[open]')) {
        page.getElementById(unfolded.id)?.setAttribute('open', '');
      }
      document.getElementById('main').replaceWith(document.adoptNode(page.getElementById('main')));
      document.body.classList.remove('unanswered');
    } catch {
      document.body.classList.add('unanswered');
    } finally {
      waiting = false;
    }
  };
  setInterval(refresh, seconds * 1000);
  document.addEventListener('visibilitychange', refresh);
})();
