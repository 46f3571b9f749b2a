// The interactive maps: each comes over the drawing of its page, in the same frame, once it is seen. Everything else works without it.
// Tiles are those of our collections; no name, colour or letter is asked of another host (letters are drawn with the reader's fonts).
"use strict";
(() => {
  const script = document.currentScript, words = JSON.parse(script.dataset.words), page = document.documentElement;
  const token = (name) => (name.startsWith("#") ? name : getComputedStyle(page).getPropertyValue("--" + name).trim());
  const figure = (number) => number.toLocaleString(page.lang);
  let library = null, ground = null;
  const load = () => (library ??= Promise.all([import(script.dataset.maplibre + ".mjs"), new Promise((done, failed) => {
    const sheet = document.createElement("link");
    Object.assign(sheet, { rel: "stylesheet", href: script.dataset.maplibre + ".css", onload: done, onerror: failed });
    document.head.prepend(sheet);
  })]).then(([made]) => made));
  const outlines = () => (ground ??= fetch(script.dataset.root + "/background.geojson").then((answer) => answer.json()));
  const embedded = (id) => { const block = document.getElementById(id); return (block ? JSON.parse(block.textContent) : []).filter((one) => one.geometry); };
  const many = (features) => ({ type: "FeatureCollection", features });
  const at = (coordinates, properties) => ({ type: "Feature", geometry: { type: "Point", coordinates }, properties });
  const square = ([w, s, e, n]) => ({ type: "Feature", properties: { kind: "extent" }, geometry: { type: "Polygon", coordinates: [[[w, s], [e, s], [e, n], [w, n], [w, s]]] } });

  // The box of shapes, each point met once.
  function boxed(features) {
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    const meet = (part) => {
      if (typeof part[0] !== "number") return part.forEach(meet);
      box[0] = Math.min(box[0], part[0]); box[1] = Math.min(box[1], part[1]); box[2] = Math.max(box[2], part[0]); box[3] = Math.max(box[3], part[1]);
    };
    features.forEach((one) => meet(one.geometry.coordinates ?? one.geometry.geometries.map((part) => part.coordinates)));
    return box[0] <= box[2] ? box : null;
  }
  const middle = ([w, s, e, n]) => [(w + e) / 2, (s + n) / 2];
  const common = (one, other) => {
    const both = [Math.max(one[0], other[0]), Math.max(one[1], other[1]), Math.min(one[2], other[2]), Math.min(one[3], other[3])];
    return both[0] < both[2] && both[1] < both[3] ? both : one;
  };
  const around = ([w, s, e, n]) => [w - (e - w), s - (n - s), e + (e - w), n + (n - s)];
  // The numbers of footprints, each at the middle of its own; those that would hide each other are one, which says that there are more.
  function numbered(features) {
    const found = [], near = ([, , ...far], [x, y]) => found.find((one) => Math.hypot(one.geometry.coordinates[0] - x, one.geometry.coordinates[1] - y) < (far[0] + far[1]) / 40);
    const whole = boxed(features), size = whole && [0, 0, whole[2] - whole[0], whole[3] - whole[1]];
    for (const { geometry, properties } of features.filter((one) => one.properties.number)) {
      const place = middle(boxed([{ geometry }])), other = near(size, place);
      if (other) other.properties.number = parseInt(other.properties.number) + "+"; else found.push(at(place, { ...properties }));
    }
    return found;
  }
  // Where the name of an area stands: the middle of the weight of its largest ring.
  function named(area) {
    const rings = area.geometry.type === "Polygon" ? [area.geometry.coordinates[0]] : area.geometry.coordinates.map((part) => part[0]);
    const weighed = rings.map((ring) => ring.slice(1).reduce((sum, [x, y], n) => {
      const [u, v] = ring[n], cross = u * y - x * v;
      return [sum[0] + (u + x) * cross, sum[1] + (v + y) * cross, sum[2] + cross];
    }, [0, 0, 0])).sort((one, other) => Math.abs(other[2]) - Math.abs(one[2]))[0];
    return at([weighed[0] / weighed[2] / 3, weighed[1] / weighed[2] / 3], { name: area.properties.name });
  }

  const zoomed = (...stops) => ["interpolate", ["linear"], ["zoom"], ...stops], some = ["coalesce", ["get", "point_count"], 1];
  const shaped = (...kinds) => ["match", ["geometry-type"], kinds.flatMap((kind) => [kind, "Multi" + kind]), true, false];
  const among = (ids) => ["in", ["get", "id"], ["literal", ids]];
  const text = (field, size) => ({ "text-field": field, "text-size": size, "text-font": ["system-ui", "sans-serif"] });

  // The layers of tiles of one collection: classes of areas by their identifiers, ranks in squares, or every object.
  function tiled(one) {
    const from = { source: one.name, "source-layer": one.name }, colour = token(one.colour || "principal"), halo = token("c-halo");
    if (one.classes) return Object.entries(one.classes).flatMap(([kind, ids]) => [
      { id: kind, type: "fill", ...from, filter: among(ids), metadata: kind, paint: kind === "c-nt" ? { "fill-pattern": "trame" + token("c-trame") } : { "fill-color": token(kind) } },
      { id: kind + "-t", type: "line", ...from, filter: among(ids), metadata: kind, paint: { "line-color": token(kind === "c-nt" ? "c-trame" : kind + "-t"), "line-width": zoomed(7, 0.3, 11, 1), "line-opacity": 0.7 } },
    ]);
    if (one.rank) return [
      { id: one.kind, type: "circle", ...from, metadata: one.kind, paint: { "circle-color": token("c-point"), "circle-stroke-color": halo, "circle-stroke-width": 1.2, "circle-radius": zoomed(6, 5, 9, 10) } },
      { id: one.kind + "-t", type: "symbol", ...from, minzoom: 7.5, metadata: one.kind, layout: { ...text(["to-string", ["get", one.rank]], 11), "text-allow-overlap": true }, paint: { "text-color": halo } },
    ];
    const crowd = ["step", some, 1, 2, 1.3, 20, 1.6];
    return [
      { id: one.name, type: "fill", ...from, metadata: one.kind, filter: shaped("Polygon"), paint: { "fill-color": colour, "fill-opacity": one.kind ? 0.75 : 0.25 } },
      { id: one.name + "-line", type: "line", ...from, metadata: one.kind, filter: shaped("Polygon", "LineString"), paint: { "line-color": one.kind ? token(one.kind + "-t") : colour, "line-width": zoomed(6, 0.5, 11, 1.5) } },
      { id: one.name + "-point", type: "circle", ...from, filter: shaped("Point"), paint: { "circle-color": colour, "circle-stroke-color": halo, "circle-stroke-width": zoomed(6, 0.3, 10, 1.2), "circle-radius": zoomed(4, ["*", 2, crowd], 8, ["*", 3, crowd], 13, ["*", 6, crowd]) } },
      { id: one.name + "-rows", type: "line", ...from, filter: ["all", shaped("Polygon", "LineString"), among([])], paint: { "line-color": token("accent"), "line-width": 2.5 } },
      { id: one.name + "-row", type: "circle", ...from, filter: ["all", shaped("Point"), among([])], paint: { "circle-color": token("accent"), "circle-stroke-color": halo, "circle-stroke-width": 1.5, "circle-radius": zoomed(4, 3.5, 13, 8) } },
    ];
  }

  function styled(place, told, under) {
    const colour = token(place.dataset.colour || "principal"), halo = token("c-halo"), zone = ["==", ["get", "kind"], "zone"], extent = ["==", ["get", "kind"], "extent"];
    const numbers = numbered(told.own);
    const sources = { ground: { type: "geojson", data: under }, names: { type: "geojson", data: many(under.features.map(named)) }, own: { type: "geojson", data: many(told.own) }, numbers: { type: "geojson", data: many(numbers) }, box: { type: "geojson", data: many(told.box ? [square(told.box)] : []) } };
    for (const one of told.layers) sources[one.name] = { type: "vector", tiles: [one.tiles], maxzoom: 14, ...(one.bounds && { bounds: one.bounds }) };
    return { version: 8, sources, layers: [
      { id: "out", type: "background", paint: { "background-color": token("c-hors") } },
      { id: "ground", type: "fill", source: "ground", paint: { "fill-color": token("c-sol") } },
      ...told.layers.flatMap(tiled),
      { id: "ground-line", type: "line", source: "ground", paint: { "line-color": token("c-dep"), "line-width": 1 } },
      { id: "own", type: "fill", source: "own", filter: shaped("Polygon"), paint: { "fill-color": ["case", zone, token("c-etat"), colour], "fill-opacity": ["case", zone, 0.75, extent, 0.06, 0.18] } },
      { id: "own-line", type: "line", source: "own", filter: shaped("Polygon", "LineString"), paint: { "line-color": ["case", zone, token("c-etat-t"), colour], "line-width": ["case", extent, 2, 1.2] } },
      { id: "own-point", type: "circle", source: "own", filter: shaped("Point"), paint: { "circle-color": colour, "circle-stroke-color": halo, "circle-stroke-width": 1.5, "circle-radius": 6 } },
      { id: "box", type: "line", source: "box", paint: { "line-color": token("accent"), "line-width": 2 } },
      { id: "names", type: "symbol", source: "names", layout: text(["get", "name"], 12), paint: { "text-color": token("encre"), "text-halo-color": token("c-sol"), "text-halo-width": 1.6 } },
      { id: "discs", type: "circle", source: "numbers", paint: { "circle-color": token("c-point"), "circle-stroke-color": halo, "circle-stroke-width": 1.5, "circle-radius": 11 } },
      { id: "numbers", type: "symbol", source: "numbers", layout: { ...text(["to-string", ["get", "number"]], 12), "text-allow-overlap": true, "text-ignore-placement": true }, paint: { "text-color": halo } },
    ] };
  }

  // What is not decided is hatched.
  function hatched(map, id) {
    const side = 12, [r, g, b] = [1, 3, 5].map((from) => parseInt(id.slice(5).slice(from, from + 2), 16)), data = new Uint8Array(side * side * 4);
    for (let n = 0; n < side * side; n++) if ((n % side + Math.floor(n / side)) % 6 < 2) data.set([r, g, b, 255], n * 4);
    if (!map.hasImage(id)) map.addImage(id, { width: side, height: side, data }, { pixelRatio: 2 });
  }

  // What is met where one clicks: what each is called, and its page.
  function telling(map, told, { Popup }) {
    const met = (point) => map.queryRenderedFeatures([[point.x - 4, point.y - 4], [point.x + 4, point.y + 4]]).filter((one) => one.source === "own" || told.layers.some((layer) => layer.name === one.source));
    map.on("mousemove", ({ point }) => { map.getCanvas().style.cursor = map.dragPan.isEnabled() ? (met(point).length ? "pointer" : "") : "crosshair"; });
    const line = ({ source, properties }) => {
      const layer = told.layers.find((one) => one.name === source), title = String((layer ? properties[layer.title] ?? properties.id : properties.title) ?? "");
      const href = layer ? layer.items + encodeURIComponent(properties.id) + (layer.keep || "") : properties.href, row = document.createElement("li"), name = document.createElement(href ? "a" : "span");
      name.textContent = title.length > 80 ? title.slice(0, 79) + "…" : title; if (href) name.href = href;
      row.append(name);
      if (properties.point_count > 1) row.append(" " + words.crowd.replace("{n}", figure(properties.point_count)));
      return title && [href ?? title, row];
    };
    map.on("click", ({ point, lngLat }) => {
      const rows = new Map((map.dragPan.isEnabled() ? met(point) : []).map(line).filter(Boolean)), list = document.createElement("ul");
      if (!rows.size) return;
      list.append(...[...rows.values()].slice(0, 6));
      new Popup({ maxWidth: "20rem" }).setLngLat(lngLat).setDOMContent(list).addTo(map);
    });
  }

  // The objects of the table beside the map stand out on it; the one that is looked at, alone.
  function beside(map, layers) {
    const rows = [...document.querySelectorAll("tr[data-object]")], every = rows.map((row) => row.dataset.object);
    const show = (ids) => layers.filter((one) => map.getLayer(one.name + "-row")).forEach((one) => {
      map.setFilter(one.name + "-row", ["all", shaped("Point"), among(ids)]);
      map.setFilter(one.name + "-rows", ["all", shaped("Polygon", "LineString"), among(ids)]);
    });
    for (const row of rows) for (const [kind, ids] of [["pointerenter", [row.dataset.object]], ["focusin", [row.dataset.object]], ["pointerleave", every], ["focusout", every]]) row.addEventListener(kind, () => show(ids));
    show(every);
  }

  // The classes that are ticked are shown.
  function ticked(map, place) {
    const boxes = place.closest(".couches")?.querySelectorAll("[data-couche]") ?? [];
    const show = () => boxes.forEach((box) => map.getStyle().layers.filter((one) => one.metadata === box.dataset.couche).forEach((one) => map.setLayoutProperty(one.id, "visibility", box.checked ? "visible" : "none")));
    boxes.forEach((box) => box.addEventListener("change", show)); show();
  }

  // The box of a search: what the map shows, or a rectangle drawn on it.
  function searching(map, told) {
    const field = document.getElementById("bbox"), tick = document.getElementById("by-map"), draw = document.getElementById("draw");
    if (!field || !tick) return;
    tick.closest("[hidden]").hidden = false; tick.checked ||= Boolean(told.box);
    const written = (box) => box.map((value) => value.toFixed(4)).join(",");
    const follow = () => { if (tick.checked) field.value = written(map.getBounds().toArray().flat()); };
    tick.addEventListener("change", () => { if (tick.checked) follow(); else field.value = ""; });
    map.on("moveend", follow);
    draw.addEventListener("click", () => {
      let start = null;
      map.dragPan.disable(); map.getCanvas().style.cursor = "crosshair"; draw.setAttribute("aria-pressed", "true");
      const reach = ({ lngLat: { lng, lat } }) => [Math.min(start.lng, lng), Math.min(start.lat, lat), Math.max(start.lng, lng), Math.max(start.lat, lat)];
      map.once("mousedown", ({ lngLat }) => { start = lngLat; });
      map.on("mousemove", (event) => { if (start) map.getSource("box").setData(many([square(reach(event))])); });
      map.once("mouseup", (event) => { tick.checked = false; field.value = written(reach(event)); field.form.requestSubmit(); });
    });
  }

  async function alive(place) {
    const [maplibre, under] = await Promise.all([load(), outlines()]);
    const asked = place.dataset.search !== undefined && document.getElementById("bbox")?.value.split(",").map(Number);
    const told = { own: embedded(place.dataset.features), layers: JSON.parse(place.dataset.layers || "[]").map((one) => ({ ...one, bounds: one.bounds?.flat().slice(0, 4) })), box: asked?.length === 4 && asked.every(Number.isFinite) ? asked : null };
    const territory = boxed(under.features), known = told.layers.map((one) => one.bounds).find(Boolean);
    const own = boxed(told.own);
    const bounds = told.box ?? (own && (territory && place.dataset.search !== undefined ? common(own, around(territory)) : own)) ?? (known && territory ? common(known, territory) : known ?? territory) ?? [-5, 41, 10, 51.5];
    const frame = document.createElement("div");
    frame.className = "vivante"; place.append(frame);
    const map = new maplibre.Map({
      container: frame, style: styled(place, told, under), bounds, fitBoundsOptions: { padding: 18, maxZoom: bounds[0] === bounds[2] ? 8 : 11 }, minZoom: 1, maxZoom: 18, locale: words.map,
      attributionControl: false, cooperativeGestures: true, fadeDuration: 0, dragRotate: false, pitchWithRotate: false, touchPitch: false, renderWorldCopies: false,
    });
    place.map = map;
    map.touchZoomRotate.disableRotation(); map.keyboard.disableRotation();
    map.addControl(new maplibre.NavigationControl({ showCompass: false }), "top-left").addControl(new maplibre.ScaleControl(), "bottom-left");
    map.setMissingStyleImageResolver((id) => hatched(map, id));
    map.once("load", () => {
      telling(map, told, maplibre); beside(map, told.layers); ticked(map, place);
      if (place.dataset.search !== undefined) searching(map, told);
      const recolour = () => map.setStyle(styled(place, told, under)).once("styledata", () => { beside(map, told.layers); ticked(map, place); });
      new MutationObserver(recolour).observe(page, { attributeFilter: ["data-theme"] });
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
      map.once("idle", () => place.setAttribute("data-ready", ""));
    });
  }
  // Where the library or the graphics it needs are not to be had, the drawing stays, and a line says so.
  const failed = (place) => {
    const line = document.createElement("p");
    line.className = "petit doux"; line.textContent = words.failed;
    place.querySelector(".vivante")?.remove(); place.setAttribute("data-failed", ""); place.after(line);
  };
  const seen = new IntersectionObserver((entries) => entries.filter((one) => one.isIntersecting).forEach((one) => { seen.unobserve(one.target); alive(one.target).catch(() => failed(one.target)); }), { rootMargin: "200px" });
  document.querySelectorAll(".map[data-map]").forEach((place) => seen.observe(place));
})();
