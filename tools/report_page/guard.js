// Counts what fails, from before anything can: errors of the script, pictures that do not load, and
// whatever the page's policy forbids. The page says so, and its root has it for a test to read.
"use strict";
const failures = [];
function fail(what) {
  failures.push(what);
  document.documentElement.dataset.failures = failures.join("; ");
}
addEventListener("error", (event) => {
  fail(event.message || `${event.target.tagName} ${event.target.alt || ""} did not load`);
}, true);
addEventListener("unhandledrejection", (event) => fail(String(event.reason)));
document.addEventListener("securitypolicyviolation", (event) => fail(`refused ${event.blockedURI}`));
