// The interactive maps: each takes the place of the drawing the page came with, in the same frame, once it is seen. Everything else works without it.
"use strict";
(() => {
  const script = document.currentScript, token = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const places = document.querySelectorAll(".map[data-root]");
  let leaflet = null;
  const load = () => (leaflet ??= new Promise((done, failed) => {
    const sheet = document.createElement("link"), code = document.createElement("script");
    sheet.rel = "stylesheet"; sheet.href = script.dataset.leaflet + ".css";
    code.src = script.dataset.leaflet + ".js"; code.onload = done; code.onerror = failed;
    document.head.append(sheet, code);
  }));
  const embedded = (id) => { const block = document.getElementById(id); return block ? JSON.parse(block.textContent) : []; };

  function styled(feature, colour) {
    const kind = (feature.properties || {}).kind;
    if (kind === "zone") return { color: token("c-etat-t"), weight: 1, fillColor: token("c-etat"), fillOpacity: 0.75 };
    if (feature.geometry.type === "Point") return { color: token("c-halo"), weight: 1.5, fillColor: colour, fillOpacity: 1 };
    return { color: colour, weight: kind === "extent" ? 2 : 1.2, fillColor: colour, fillOpacity: kind === "extent" ? 0.06 : 0.18 };
  }
  const dot = (feature, at) => L.circleMarker(at, { radius: (feature.properties || {}).many ? 4 : 6 });
  function popup(feature, layer) {
    const told = feature.properties || {};
    if (!told.title) return;
    const box = document.createElement(told.href ? "a" : "span");
    box.textContent = told.title; if (told.href) box.href = told.href;
    layer.bindPopup(box);
  }
  function add(map, features, colour) {
    const drawn = L.geoJSON({ type: "FeatureCollection", features: features.filter((one) => one.geometry) }, { style: (feature) => styled(feature, colour), pointToLayer: dot, onEachFeature: popup }).addTo(map);
    drawn.eachLayer((layer) => {
      const told = layer.feature.properties || {};
      if (told.number && layer.getBounds) L.marker(layer.getBounds().getCenter(), { keyboard: false, title: told.title, icon: L.divIcon({ className: "numero", html: String(told.number), iconSize: [24, 24] }) }).on("click", () => layer.openPopup()).addTo(map);
    });
    return drawn;
  }
  async function background(map, root, fit) {
    const outlines = await (await fetch(root + "/background.geojson")).json();
    const layer = L.geoJSON(outlines, {
      interactive: false, style: { color: token("c-dep"), weight: 1.2, fillColor: token("c-sol"), fillOpacity: 1 },
      onEachFeature: (one, shape) => shape.bindTooltip(one.properties.name, { permanent: true, direction: "center", className: "place", interactive: false }),
    }).addTo(map);
    layer.bringToBack();
    if (fit && layer.getBounds().isValid()) map.fitBounds(layer.getBounds(), { padding: [6, 6] });
  }
  const corners = (bounds) => [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()].map((value) => value.toFixed(4)).join(",");

  // The box of a search: what the map shows, or a rectangle drawn on it.
  function searching(map) {
    const field = document.getElementById("bbox"), tick = document.getElementById("by-map"), draw = document.getElementById("draw");
    if (!field || !tick) return;
    tick.closest("[hidden]").hidden = false;
    const [w, s, e, n] = field.value.split(",").map(Number);
    if (field.value && [w, s, e, n].every(Number.isFinite)) {
      const box = L.latLngBounds([[s, w], [n, e]]);
      L.rectangle(box, { color: token("accent"), weight: 2, fill: false, interactive: false }).addTo(map);
      map.fitBounds(box); tick.checked = true;
    }
    const follow = () => { if (tick.checked) field.value = corners(map.getBounds()); };
    tick.addEventListener("change", () => { if (tick.checked) follow(); else field.value = ""; });
    map.on("moveend", follow);
    draw.addEventListener("click", () => {
      let start = null, shape = null;
      map.dragging.disable(); map.getContainer().style.cursor = "crosshair"; draw.setAttribute("aria-pressed", "true");
      map.once("mousedown", (event) => { start = event.latlng; shape = L.rectangle([start, start], { color: token("accent"), weight: 2 }).addTo(map); });
      const grow = (event) => { if (start) shape.setBounds(L.latLngBounds(start, event.latlng)); };
      map.on("mousemove", grow);
      map.once("mouseup", () => { map.off("mousemove", grow); tick.checked = false; field.value = corners(shape.getBounds()); field.form.requestSubmit(); });
    });
  }

  async function alive(place) {
    const root = place.dataset.root, height = Math.max(place.offsetHeight, 280);
    await load();
    place.textContent = ""; place.style.height = height + "px";
    const map = L.map(place, { zoomSnap: 0.25, attributionControl: false, scrollWheelZoom: false, minZoom: 2 });
    map.setView([46.5, 2.5], 5);
    map.on("focus", () => map.scrollWheelZoom.enable());
    const drawn = add(map, embedded(place.dataset.features), place.dataset.colour || token("principal")), bounds = drawn.getBounds();
    if (bounds.isValid()) map.fitBounds(bounds, { padding: [18, 18], maxZoom: bounds.getSouthWest().equals(bounds.getNorthEast()) ? 8.5 : 11 });
    await background(map, root, !bounds.isValid());
    drawn.bringToFront();
    if (place.dataset.search !== undefined) searching(map);
    place.setAttribute("data-ready", "");
  }
  const seen = new IntersectionObserver((entries) => entries.filter((one) => one.isIntersecting).forEach((one) => { seen.unobserve(one.target); alive(one.target); }), { rootMargin: "200px" });
  places.forEach((place) => seen.observe(place));
})();
