// Asks the browser for a passkey: to make one, or to sign one vote. The options come from the server, the answer goes back in the form.
"use strict";
(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const listed = (list) => list.map((entry) => ({ ...entry, id: bytes(entry.id) }));
  const make = (o) => navigator.credentials.create({ publicKey: { ...o, challenge: bytes(o.challenge), user: { ...o.user, id: bytes(o.user.id) }, excludeCredentials: listed(o.excludeCredentials) } });
  const sign = (o) => navigator.credentials.get({ publicKey: { ...o, challenge: bytes(o.challenge), allowCredentials: listed(o.allowCredentials) } });
  const written = ({ id, rawId, type, response }) => {
    const parts = response.attestationObject ? ["clientDataJSON", "attestationObject"] : ["clientDataJSON", "authenticatorData", "signature"];
    return JSON.stringify({ id, rawId: text(rawId), type, clientExtensionResults: {}, response: Object.fromEntries(parts.map((part) => [part, text(response[part])])) });
  };
  let proven = null;
  // Disabled until this file runs: a click before that would send the form without a passkey.
  for (const button of document.querySelectorAll("[data-passkey]:not([data-gate])")) button.disabled = false;
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-passkey]");
    if (!button || button === proven) return;
    event.preventDefault();
    const form = button.form, note = document.querySelector("#passkey-note");
    if (!form.reportValidity()) return;
    const options = JSON.parse(button.dataset.passkey);
    try {
      form.elements.passkey.value = written(await (options.user ? make(options) : sign(options)));
    } catch {
      note.textContent = "No passkey answered, so nothing was decided. Try again, or answer otherwise.";
      note.hidden = false;
      return;
    }
    proven = button;
    form.requestSubmit(button);
  });
})();
