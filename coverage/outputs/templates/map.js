// What the map's layers share: numbered discs, sized circles, squares, and what they say when pointed at.
const geoguichet = {
  escape(text) {
    const holder = document.createElement("span");
    holder.textContent = text;
    return holder.innerHTML;
  },

  // Room to leave at the top left, where the panel stands: beside it (always on paper), or under it on a narrow screen.
  clearOfPanel() {
    const panel = document.querySelector(".panel");
    return window.innerWidth > 760 || window.matchMedia("print").matches ? [panel.offsetWidth + 20, 10] : [8, panel.offsetHeight + 20];
  },

  // First line: what it is; the others: what is known of it.
  describe(layer, title, lines) {
    const escape = geoguichet.escape;
    layer.bindTooltip(escape(title) + (lines.length ? "<br>" + escape(lines[0]) : ""), { sticky: true });
    layer.bindPopup(
      "<h2>" + escape(title) + "</h2>" + lines.map((line) => "<p>" + escape(line) + "</p>").join(""),
      { maxWidth: 320, autoPanPaddingTopLeft: geoguichet.clearOfPanel() }
    );
    return layer;
  },

  // features with a title, lines and a colour
  areas(collection, edge, pane) {
    return L.geoJSON(collection, {
      pane,
      style: (feature) => ({ color: edge, weight: 0.7, fillColor: feature.properties.colour, fillOpacity: 0.85 }),
      onEachFeature: (feature, layer) => geoguichet.describe(layer, feature.properties.title, feature.properties.lines),
    });
  },

  // rows: [latitude, longitude, radius in pixels, colour number, title, lines]
  circles(rows, colours, pane) {
    const group = L.layerGroup();
    const drawn = rows.map(([lat, lon, radius, colour, title, lines]) => {
      const circle = L.circleMarker([lat, lon], {
        pane, radius, color: "#fff", weight: 0.6, fillColor: colours[colour], fillOpacity: 0.9, opacity: 0.9,
      });
      circle.base = radius;
      return geoguichet.describe(circle, title, lines).addTo(group);
    });
    group.grow = (factor) => drawn.forEach((circle) => circle.setRadius(circle.base * factor));
    return group;
  },

  // rows: [latitude, longitude, text in the mark, title, lines]; of numbered marks that touch, the last row keeps its number
  marks(rows, className, size, pane) {
    const group = L.layerGroup();
    const drawn = rows.map(([lat, lon, text, title, lines]) => {
      const icon = L.divIcon({ className: "mark", html: '<b class="' + className + '">' + geoguichet.escape(text) + "</b>", iconSize: [size, size] });
      const mark = L.marker([lat, lon], { icon, pane, alt: title, riseOnHover: true });
      return geoguichet.describe(mark, title, lines).addTo(group);
    });
    if (rows.some((row) => row[2])) group.clear = (map) => geoguichet.clear(map, drawn);
    return group;
  },

  // Marks that would touch a better one at this zoom are drawn as small dots; they get their number back on zooming in.
  clear(map, drawn) {
    const wide = parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--disc"));
    const kept = [];
    drawn.toReversed().forEach((mark) => {
      const place = map.latLngToLayerPoint(mark.getLatLng());
      const free = kept.every((other) => place.distanceTo(other) >= wide);
      if (free) kept.push(place);
      const shown = mark.getElement();
      if (shown) shown.firstChild.classList.toggle("crowded", !free);
    });
  },

  // places: [latitude, longitude]; the radius is on the ground, in metres
  rings(places, radius, color, pane) {
    const style = { pane, radius, color, weight: 1.2, opacity: 0.75, fillOpacity: 0.07, interactive: false };
    return L.layerGroup(places.map((place) => L.circle(place, style)));
  },

  names(rows, pane) {
    return L.layerGroup(rows.map(([lat, lon, text]) => L.marker([lat, lon], {
      pane, interactive: false, keyboard: false,
      icon: L.divIcon({ className: "name", html: geoguichet.escape(text), iconSize: [0, 0] }),
    })));
  },

  // features without a word, such as borders
  outlines(collection, style, pane) {
    return L.geoJSON(collection, { pane, style, interactive: false });
  },

  // Zoom, scale and north in a corner; the choice of layers with the legend, where it hides nothing of the map.
  furnish(map, layers, view) {
    layers.forEach((layer, place) => { if (view.shown[place]) layer.addTo(map); });
    const named = layers.map((layer, place) => [geoguichet.escape(view.names[place]), layer]).filter(([name]) => name);
    const choice = L.control.layers({}, Object.fromEntries(named), { collapsed: false }).addTo(map);
    L.control.zoom({ position: "bottomright", zoomInTitle: view.zoom_in, zoomOutTitle: view.zoom_out }).addTo(map);
    L.control.scale({ position: "bottomright", imperial: false, maxWidth: 160 }).addTo(map);
    const north = L.control({ position: "bottomright" });
    north.onAdd = () => {
      const box = L.DomUtil.create("div", "north");
      box.title = view.north;
      box.innerHTML = '<svg width="14" height="20" viewBox="0 0 20 30" aria-hidden="true">' +
        '<path d="M10 0l10 30l-10 -7l-10 7z" fill="#1d2a33"/></svg>' + geoguichet.escape(view.north_letter);
      return box;
    };
    north.addTo(map);
    map.getContainer().setAttribute("aria-label", view.map_aria);
    document.querySelector(".panel .layers").append(choice.getContainer());
    geoguichet.settle(map, view.bounds, [layers[view.sized]]);
  },

  // Circles grow slowly with the zoom; the first view leaves room for the panel, on screens and on paper.
  settle(map, bounds, sized) {
    const panel = document.querySelector(".panel");
    const show = () => {
      map.invalidateSize({ animate: false });
      map.fitBounds(bounds, { paddingTopLeft: geoguichet.clearOfPanel(), paddingBottomRight: [8, 8], animate: false });
    };
    if (window.innerWidth <= 760 && !window.matchMedia("print").matches) panel.querySelectorAll("details").forEach((part) => { part.open = false; });
    show();
    const clear = () => map.eachLayer((layer) => { if (layer.clear) layer.clear(map); });
    clear();
    map.on("zoomend overlayadd", clear);
    const first = map.getZoom(), base = window.innerWidth <= 760 ? 0.75 : 1;
    const grow = () => sized.forEach((group) => group.grow(base * Math.min(3, Math.max(0.7, 1.22 ** (map.getZoom() - first)))));
    if (base !== 1) grow();
    map.on("zoomend", grow);
    // On paper nothing can be opened: all that the panel folds is shown, and folded again afterwards.
    const closed = [...panel.querySelectorAll("details")].filter((part) => !part.open);
    window.matchMedia("print").addEventListener("change", (printing) => {
      closed.forEach((part) => { part.open = printing.matches; });
      show();
      clear();
    });
  },
};
