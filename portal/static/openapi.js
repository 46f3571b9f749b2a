/* Lists the operations of the OpenAPI document of this very server. */
"use strict";
(function () {
  const list = document.getElementById("operations");
  fetch(list.dataset.document).then((r) => r.json()).then((api) => {
    Object.keys(api.paths).sort().forEach((path) => {
      Object.entries(api.paths[path]).forEach(([method, operation]) => {
        if (!operation || !operation.responses || method === "options") return;
        const row = list.insertRow();
        const verb = document.createElement("code"), where = document.createElement("code");
        verb.textContent = method.toUpperCase(); where.textContent = path;
        row.insertCell().append(verb); row.insertCell().append(where);
        row.insertCell().textContent = operation.summary || "";
      });
    });
  });
})();
