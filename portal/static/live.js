// The parts of a page that the server says anew: of a question, as it is typed; of a computation, each second until it is done.
"use strict";
(() => {
  async function read(address) {
    const answered = await fetch(address, { headers: { Accept: "text/html" } });
    return [answered, new DOMParser().parseFromString(await answered.text(), "text/html")];
  }
  function renew(made) {
    document.title = made.title;
    for (const part of document.querySelectorAll("[data-live]")) {
      const fresh = made.getElementById(part.id);
      if (fresh && fresh.innerHTML !== part.innerHTML) part.innerHTML = fresh.innerHTML;
    }
  }

  const form = document.querySelector("form[data-direct]");
  let waiting = 0, asked = 0;
  async function count() {
    const mine = ++asked, here = `${location.pathname}?${new URLSearchParams(new FormData(form))}`;
    try {
      const [answered, made] = await read(here);
      if (!answered.ok || mine !== asked) return;
      renew(made);
      history.replaceState(null, "", here);
    } catch { /* the page says what it said; the server is asked again at the next step */ }
  }
  form?.addEventListener("input", (event) => {
    const { pour } = event.target.dataset;
    if (pour) document.getElementById(pour).value = event.target.value;
    else {
      const slider = form.querySelector(`[data-pour="${event.target.id}"]`);
      if (slider) slider.value = event.target.value.replace(",", ".");
    }
    clearTimeout(waiting); waiting = setTimeout(count, 400);
  });

  async function look() {
    try {
      const [answered, fresh] = await read(location.href);
      if (answered.redirected) return location.assign(answered.url);
      if (answered.status < 500) { // else it is busy for a moment
        if (!fresh.querySelector("[data-suivi]")) return location.reload();
        renew(fresh);
      }
    } catch { /* the server is away for a moment */ }
    setTimeout(look, 1000);
  }
  if (document.querySelector("[data-suivi]")) setTimeout(look, 1000);
})();
