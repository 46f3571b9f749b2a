// What makes pages easier to use; each works without it. No page needs another host.
"use strict";
document.documentElement.classList.remove("no-js");
(() => {
  // The colours a reader chose: kept in this browser only.
  const root = document.documentElement;
  const kept = () => { try { return localStorage.getItem("theme") || ""; } catch { return ""; } };
  const apply = (theme) => { if (theme) root.dataset.theme = theme; else delete root.dataset.theme; };
  apply(kept());

  const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[-’']/g, " ").toLowerCase();

  function suggesting(field) {
    const form = field.form, list = document.createElement("div");
    list.className = "sugg"; list.id = "suggestions"; list.hidden = true;
    list.setAttribute("role", "listbox"); list.setAttribute("aria-label", form.querySelector("label").textContent);
    form.after(list);
    for (const [name, value] of [["role", "combobox"], ["aria-expanded", "false"], ["aria-controls", list.id], ["aria-autocomplete", "list"]]) field.setAttribute(name, value);
    let options = [], at = -1, waiting = 0, asked = "";
    const close = () => { list.hidden = true; field.setAttribute("aria-expanded", "false"); field.removeAttribute("aria-activedescendant"); at = -1; };
    const choose = (place) => {
      options.forEach((option, rank) => option.setAttribute("aria-selected", String(rank === place)));
      at = place; field.setAttribute("aria-activedescendant", options[place].id);
    };
    const show = (found, word) => {
      list.textContent = ""; options = [];
      let group = null, name = "";
      for (const one of found) {
        if (one.group !== name) {
          name = one.group; group = document.createElement("div");
          group.setAttribute("role", "group"); group.setAttribute("aria-label", name);
          const title = document.createElement("div");
          title.setAttribute("role", "presentation"); title.textContent = name;
          group.append(title); list.append(group);
        }
        const option = document.createElement("div"), told = document.createElement("span"), detail = document.createElement("span"), mark = document.createElement("mark");
        option.setAttribute("role", "option"); option.setAttribute("aria-selected", "false"); option.id = "s" + options.length;
        const start = plain(one.title).indexOf(word), end = start + word.length;
        if (start < 0) told.textContent = one.title;
        else { mark.textContent = one.title.slice(start, end); told.append(one.title.slice(0, start), mark, one.title.slice(end)); }
        detail.textContent = one.detail || ""; option.append(told, detail);
        option.dataset.href = one.href;
        option.addEventListener("mousedown", (event) => { event.preventDefault(); location.assign(one.href); });
        options.push(option); group.append(option);
      }
      list.hidden = !options.length; field.setAttribute("aria-expanded", String(options.length > 0)); at = -1;
    };
    field.addEventListener("input", () => {
      clearTimeout(waiting);
      const word = field.value.trim(); asked = word;
      if (word.length < 2) return close();
      waiting = setTimeout(async () => {
        const address = new URL(field.dataset.suggestions); address.searchParams.set("q", word);
        try {
          const answered = await fetch(address, { headers: { Accept: "application/json" } });
          if (answered.ok && asked === word) show((await answered.json()).suggestions, plain(word));
        } catch { close(); }
      }, 150);
    });
    field.addEventListener("keydown", (event) => {
      if (list.hidden) return;
      if (event.key === "ArrowDown") { event.preventDefault(); choose((at + 1) % options.length); }
      else if (event.key === "ArrowUp") { event.preventDefault(); choose(at < 1 ? options.length - 1 : at - 1); }
      else if (event.key === "Escape") { event.preventDefault(); close(); }
      else if (event.key === "Enter" && at >= 0) { event.preventDefault(); location.assign(options[at].dataset.href); }
    });
    field.addEventListener("blur", close);
  }

  document.addEventListener("DOMContentLoaded", () => {
    // Filters stand open beside the results, and folded above them on a phone.
    const wide = matchMedia("(min-width: 60rem)"), open = () => document.querySelectorAll("[data-open-wide]").forEach((part) => { part.open = wide.matches; });
    open(); wide.addEventListener("change", open);
    const field = document.querySelector("[data-suggestions]");
    if (field) suggesting(field);
    const choice = document.querySelector("[data-theme-choice]");
    if (choice) {
      const tell = () => choice.querySelectorAll("button").forEach((button) => button.setAttribute("aria-pressed", String(button.value === kept())));
      choice.addEventListener("click", (event) => {
        if (event.target.tagName !== "BUTTON") return;
        try { localStorage.setItem("theme", event.target.value); } catch { /* a browser that keeps nothing */ }
        apply(event.target.value); tell();
      });
      tell();
    }
  });
  // Where the reader is, to about a hundred metres, when they ask for it and allow it.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-position]");
    if (!button) return;
    const told = button.nextElementSibling, refused = () => { told.textContent = button.dataset.position; };
    if (!navigator.geolocation) return refused();
    navigator.geolocation.getCurrentPosition(({ coords }) => {
      const form = button.form;
      form.elements.ou.value = `${coords.longitude.toFixed(3)},${coords.latitude.toFixed(3)}`;
      form.requestSubmit();
    }, refused, { timeout: 10000, maximumAge: 60000 });
  });
  // Copy an address, and say so.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copied]");
    if (!button || !navigator.clipboard) return;
    await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
    button.setAttribute("aria-live", "polite"); button.textContent = button.dataset.copied; button.dataset.fait = "";
  });
})();
