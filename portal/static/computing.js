// The progress of a computation: the page is asked again each second, and goes on to the study once it is done.
"use strict";
(() => {
  if (!document.querySelector("[data-suivi]")) return;
  async function look() {
    try {
      const answered = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answered.redirected) return location.assign(answered.url);
      const fresh = new DOMParser().parseFromString(await answered.text(), "text/html");
      if (!fresh.querySelector("[data-suivi]")) return location.reload();
      for (const part of document.querySelectorAll("[data-live]")) {
        const told = fresh.getElementById(part.id);
        if (told && told.innerHTML !== part.innerHTML) part.innerHTML = told.innerHTML;
      }
    } catch { /* the server is away for a moment */ }
    setTimeout(look, 1000);
  }
  setTimeout(look, 1000);
})();
