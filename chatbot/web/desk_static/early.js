// What every review begins with is asked for before the modules are here; wire.js hands the answers out. Not a module:
// those wait for each other.

(() => {
  const { root } = JSON.parse(document.getElementById("desk-start").textContent);
  const below = new URL("desk/api/", new URL(root, location.href));
  let pending = null;
  try {
    pending = sessionStorage.getItem("desk-pending");
  } catch {
    // Nothing is kept here, so nothing is pending.
  }
  // An item or filters in the address, or a verdict that has to be sent first: then it begins with something else.
  if (!location.pathname.endsWith("/desk") || location.search || pending) return;
  const call = (path, options) =>
    fetch(new URL(path, below), { credentials: "same-origin", redirect: "error", priority: "high", ...options }).catch(() => null);
  const body = JSON.stringify({ filters: {}, after: null });
  const next = { method: "POST", headers: { "Content-Type": "application/json" }, body };
  window.early = {
    "queue/next": call("queue/next", next),
    me: call("me"),
    "queue?offset=0&limit=50": call("queue?offset=0&limit=50"),
  };
})();
