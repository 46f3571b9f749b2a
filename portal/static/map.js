/* The maps: outlines of the départements beneath, the page's features above. Everything else works without this. */
"use strict";
(function () {
  document.documentElement.classList.remove("no-js");
  const BLUE = "#17396b", OCHRE = "#b4520f";

  function embedded(id) {
    const block = document.getElementById(id);
    return block ? JSON.parse(block.textContent) : null;
  }

  function styled(feature) {
    if (feature.geometry.type === "Point") return dotStyle(feature);
    const kind = feature.properties && feature.properties.kind;
    const color = kind === "zone" ? OCHRE : BLUE;
    return { color: color, weight: kind === "extent" ? 2 : 1.2, fillColor: kind === "zone" ? "#d9762f" : "#1f5bb5", fillOpacity: kind === "zone" ? 0.4 : 0.12 };
  }

  function dotStyle(feature) {
    const many = feature.properties && feature.properties.many;
    return { radius: many ? 4 : 5.5, color: "#fff", weight: 1.2, fillColor: BLUE, fillOpacity: 1 };
  }

  function popup(feature, layer) {
    const p = feature.properties || {};
    if (!p.title) return;
    const box = document.createElement(p.href ? "a" : "span");
    box.textContent = p.title;
    if (p.href) box.href = p.href;
    layer.bindPopup(box);
  }

  function add(map, features) {
    return L.geoJSON({ type: "FeatureCollection", features: features.filter((f) => f.geometry) }, { style: styled, pointToLayer: (feature, at) => L.circleMarker(at, dotStyle(feature)), onEachFeature: popup }).addTo(map);
  }

  function drawBackground(map, root, fit) {
    return fetch(root + "/background.geojson").then((r) => r.json()).then((outlines) => {
      const layer = L.geoJSON(outlines, {
        interactive: false,
        style: { color: "#b3bdcd", weight: 1, fillColor: "#ffffff", fillOpacity: 0.9 },
        onEachFeature: (f, l) => l.bindTooltip(f.properties.name, { permanent: true, direction: "center", className: "place", interactive: false }),
      }).addTo(map);
      layer.bringToBack();
      if (fit && layer.getBounds().isValid()) map.fitBounds(layer.getBounds(), { padding: [6, 6] });
    });
  }

  function collection(root, name, kind, map, study) {
    const chosen = study ? "&study=" + encodeURIComponent(study) : "";
    return fetch(root + "/collections/" + name + "/items?f=json&limit=2000" + chosen, { headers: { Accept: "application/geo+json" } })
      .then((r) => r.json())
      .then((answer) => {
        (answer.features || []).forEach((f) => {
          f.properties.kind = kind;
          f.properties.many = answer.features.length > 30;
          f.properties.title = f.properties.name || (f.properties.commune_names || "").split(",").slice(0, 3).join(", ");
          f.properties.href = root + "/collections/" + name + "/items/" + f.id;
        });
        return add(map, answer.features || []);
      });
  }

  // The results of one study: the newest that the catalogue knows, or the one chosen; of all of them when it knows none.
  function results(root, map, place) {
    const label = document.querySelector("[data-studies]"), choice = label && label.querySelector("select");
    let shown = [];
    const draw = (study) => Promise.all([collection(root, "white-zones", "zone", map, study), collection(root, "kiosks", "kiosk", map, study)]).then((layers) => {
      shown.forEach((layer) => layer.remove());
      shown = layers;
      const bounds = layers.reduce((all, layer) => (layer.getBounds().isValid() ? all.extend(layer.getBounds()) : all), L.latLngBounds([]));
      if (study && bounds.isValid()) map.fitBounds(bounds, { padding: [18, 18], maxZoom: 11 });
      layers.forEach((layer) => layer.bringToFront());
      place.setAttribute("data-ready", "");
    });
    return fetch(root + "/collections/catalogue/items?f=json&type=study&sortby=-updated&limit=50", { headers: { Accept: "application/geo+json" } })
      .then((r) => r.json())
      .then((answer) => (answer.features || []).filter((f) => String(f.id).startsWith("study-")))
      .then((studies) => {
        if (choice && studies.length > 1) {
          studies.forEach((f) => choice.add(new Option(f.properties.title || f.id, f.id.slice(6))));
          choice.addEventListener("change", () => draw(choice.value));
          label.hidden = false;
        }
        return draw(studies.length ? studies[0].id.slice(6) : "");
      });
  }

  function bboxOf(map) {
    const b = map.getBounds();
    return [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()].map((n) => n.toFixed(4)).join(",");
  }

  function searchBox(map) {
    const field = document.getElementById("bbox"), tick = document.getElementById("by-map");
    if (!field || !tick) return;
    const follow = () => { field.disabled = !tick.checked; if (tick.checked) field.value = bboxOf(map); };
    tick.closest("span").hidden = false;
    if (field.value) {
      const [w, s, e, n] = field.value.split(",").map(Number);
      if ([w, s, e, n].every(Number.isFinite)) map.fitBounds([[s, w], [n, e]]);
      tick.checked = true;
    }
    field.disabled = !tick.checked;
    tick.addEventListener("change", follow);
    map.on("moveend", follow);
  }

  document.querySelectorAll(".map").forEach((place) => {
    const root = place.dataset.root;
    const map = L.map(place, { zoomSnap: 0.25, attributionControl: false, scrollWheelZoom: false, minZoom: 2 });
    map.setView([43.8, 1.6], 7);
    map.on("focus", () => map.scrollWheelZoom.enable());
    const features = embedded(place.dataset.features) || [];
    const drawn = add(map, features);
    const own = drawn.getBounds().isValid();
    if (own) {
      const bounds = drawn.getBounds(), alone = bounds.getSouthWest().equals(bounds.getNorthEast());
      map.fitBounds(bounds, { padding: [18, 18], maxZoom: alone ? 8.5 : 11 });
    }
    const ready = drawBackground(map, root, !own).then(() => drawn.bringToFront());
    if (place.dataset.search !== undefined) ready.then(() => searchBox(map));
    if (place.dataset.results !== undefined) ready.then(() => results(root, map, place));
    else ready.then(() => place.setAttribute("data-ready", ""));
  });
})();
