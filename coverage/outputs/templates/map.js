// What the map's layers share: numbered discs, sized circles, squares, and what they say when pointed at.
const geoguichet = {
  escape(text) {
    const holder = document.createElement("span");
    holder.textContent = text;
    return holder.innerHTML;
  },

  // First line: what it is; the others: what is known of it.
  describe(layer, title, lines) {
    const escape = geoguichet.escape;
    layer.bindTooltip(escape(title) + (lines.length ? "<br>" + escape(lines[0]) : ""), { sticky: true });
    layer.bindPopup(
      "<h2>" + escape(title) + "</h2>" + lines.map((line) => "<p>" + escape(line) + "</p>").join(""),
      { maxWidth: 320 }
    );
    return layer;
  },

  describeFeature(feature, layer) {
    geoguichet.describe(layer, feature.properties.title, feature.properties.lines);
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

  // rows: [latitude, longitude, text in the mark, title, lines]
  marks(rows, className, size, pane) {
    const group = L.layerGroup();
    rows.forEach(([lat, lon, text, title, lines]) => {
      const icon = L.divIcon({ className, html: geoguichet.escape(text), iconSize: [size, size] });
      const mark = L.marker([lat, lon], { icon, pane, alt: title, riseOnHover: true });
      geoguichet.describe(mark, title, lines).addTo(group);
    });
    return group;
  },

  names(rows, pane) {
    return L.layerGroup(rows.map(([lat, lon, text]) => L.marker([lat, lon], {
      pane, interactive: false, keyboard: false,
      icon: L.divIcon({ className: "name", html: geoguichet.escape(text), iconSize: [0, 0] }),
    })));
  },

  // Circles grow slowly with the zoom; the first view leaves room for the panel, on screens and on paper.
  settle(map, bounds, sized) {
    const panel = document.querySelector(".panel");
    const wide = () => window.innerWidth > 760;
    const show = () => {
      map.invalidateSize({ animate: false });
      map.fitBounds(bounds, { paddingTopLeft: [wide() ? panel.offsetWidth + 16 : 8, 8], paddingBottomRight: [8, 8], animate: false });
    };
    if (!wide()) panel.querySelector("details.all").open = false;
    show();
    const first = map.getZoom();
    map.on("zoomend", () => sized.forEach((group) => group.grow(Math.min(3, Math.max(0.7, 1.22 ** (map.getZoom() - first))))));
    window.matchMedia("print").addEventListener("change", show);
  },
};
