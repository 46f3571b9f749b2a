/* Beside a password: a box that shows it, and how long a new one is. Everything works without this. */
"use strict";
for (const field of document.querySelectorAll("input[data-show]")) {
  const label = document.createElement("label"), box = document.createElement("input");
  box.type = "checkbox";
  box.addEventListener("change", () => { field.type = box.checked ? "text" : "password"; });
  label.className = "check";
  label.append(box, " " + field.dataset.show);
  field.closest("p").append(label);
  field.form.addEventListener("submit", () => { field.type = "password"; });
  if (!field.dataset.meter) continue;
  const meter = document.createElement("meter");
  Object.assign(meter, { min: 0, max: 24, low: field.minLength, high: 20, optimum: 24, value: 0 });
  meter.setAttribute("aria-label", field.dataset.meter);
  field.addEventListener("input", () => { meter.value = field.value.length; });
  field.after(meter);
}
