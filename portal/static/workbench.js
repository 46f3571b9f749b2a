// The workbench: what is typed is counted again by the server, and the parts that say it take the place of those shown.
"use strict";
(() => {
  const form = document.querySelector("form[data-direct]");
  if (!form) return;
  let waiting = 0, asked = 0;
  const address = () => `${location.pathname}?${new URLSearchParams(new FormData(form))}`;
  async function count() {
    const mine = ++asked, here = address();
    try {
      const answered = await fetch(here, { headers: { Accept: "text/html" } });
      if (!answered.ok || mine !== asked) return;
      const made = new DOMParser().parseFromString(await answered.text(), "text/html");
      if (mine !== asked) return;
      for (const part of document.querySelectorAll("[data-live]")) {
        const fresh = made.getElementById(part.id);
        if (fresh) part.innerHTML = fresh.innerHTML;
      }
      history.replaceState(null, "", here);
    } catch { /* the page says what it said; the server is asked again at the next step */ }
  }
  const later = () => { clearTimeout(waiting); waiting = setTimeout(count, 400); };
  form.addEventListener("input", (event) => {
    const { pour } = event.target.dataset;
    if (pour) document.getElementById(pour).value = event.target.value;
    else {
      const slider = form.querySelector(`[data-pour="${event.target.id}"]`);
      if (slider) slider.value = event.target.value.replace(",", ".");
    }
    later();
  });
})();
