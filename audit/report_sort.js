/* SPDX-License-Identifier: Apache-2.0 */
/* A click on a column's title sorts by it, a second one the other way. */
document.querySelectorAll("table.sort thead th").forEach(function (title, column) {
  var head = title.parentNode, body = head.parentNode.parentNode.tBodies[0];
  column = Array.prototype.indexOf.call(head.children, title);
  function key(row) {
    var text = row.children[column].textContent.replace(/,/g, ""), x = parseFloat(text);
    if (text === "not finite" || text === "\u221e") { return Infinity; }
    return isNaN(x) ? text : x;
  }
  function sort() {
    var down = title.getAttribute("aria-sort") !== "descending";
    head.querySelectorAll("[aria-sort]").forEach(function (t) { t.removeAttribute("aria-sort"); });
    title.setAttribute("aria-sort", down ? "descending" : "ascending");
    Array.from(body.rows).sort(function (a, b) {
      var x = key(a), y = key(b);
      var order = typeof x === typeof y ? (x === y ? 0 : x > y ? 1 : -1) : typeof x === "number" ? 1 : -1;
      return down ? -order : order;
    }).forEach(function (row) { body.appendChild(row); });
  }
  title.tabIndex = 0;
  title.onclick = sort;
  title.onkeydown = function (event) { if (event.key === "Enter") { sort(); } };
});
