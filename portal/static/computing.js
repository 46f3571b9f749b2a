// The progress of a computation: the page is asked again each second, and goes on to the study once it is done.
"use strict";
(() => {
  const shown = document.querySelector("[data-suivi]");
  if (!shown) return;
  async function look() {
    try {
      const answered = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answered.redirected) return location.assign(answered.url);
      const fresh = new DOMParser().parseFromString(await answered.text(), "text/html").querySelector("[data-suivi]");
      if (!fresh) return location.reload();
      for (const part of shown.querySelectorAll("[data-live]")) {
        const told = fresh.querySelector(`#${part.id}`);
        if (told && told.innerHTML !== part.innerHTML) part.innerHTML = told.innerHTML;
      }
    } catch { /* the server is away for a moment */ }
    setTimeout(look, 1000);
  }
  setTimeout(look, 1000);
})();
