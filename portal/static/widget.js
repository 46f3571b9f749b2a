// Puts the counters near a commune on its own site: <script src=".../widget.js" data-commune="09122"></script>
// It adds one frame after itself, keeps nothing, and lets the frame say how high it is.
"use strict";
(() => {
  const script = document.currentScript, { commune = "", besoin = "", quand = "", langue = "", verdict } = script.dataset;
  const home = new URL("./", script.src), page = verdict === undefined ? "guichet/widget" : `communes/${encodeURIComponent(commune)}/widget`;
  const address = new URL(page, home), asked = verdict === undefined ? { ou: commune, quoi: besoin, quand } : {};
  for (const [name, value] of Object.entries({ ...asked, lang: langue })) if (value) address.searchParams.set(name, value);
  address.searchParams.set("f", "html");
  const frame = document.createElement("iframe");
  frame.src = address.href; frame.title = script.dataset.titre || (langue === "en" ? "Counters nearby" : "Guichets proches");
  frame.loading = "lazy"; frame.style.cssText = "width:100%;min-width:0;height:40rem;border:0";
  script.after(frame);
  addEventListener("message", (event) => {
    if (event.source === frame.contentWindow && event.origin === home.origin && Number.isFinite(event.data?.geoguichet)) frame.style.height = `${Math.min(Math.max(event.data.geoguichet, 120), 20000)}px`;
  });
})();
