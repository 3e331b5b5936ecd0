// Looks at the outputs of podchain with what they are made for: the pages in Chromium,
// the Cucumber Messages in Cucumber's own viewer, the badge in a page, JUnit against the
// schema of Jenkins.
//
//   node check.js --site SITE --many MANY --messages MESSAGES --badge BADGE --junit FILE...
//     --shots DIR --build SECONDS
//
// SITE is of a run with recorded scenarios of chain.feature that passed and of one
// without a scheduler, where RS-07 failed; MANY is of a hundred runs, and building it
// took so many SECONDS; MESSAGES and BADGE are of the run that failed. Every check is a line;
// exit status 1 if one does not hold.
//
//   checks.js      what a check is, and how it is told
//   browser.js     Chromium, and what a page must not do in it
//   pages.js       what a reader does with the pages
//   accessible.js  what axe-core says of them
//   figures.js     sizes and times
//   consumers.js   Cucumber's viewer, a README, JUnit's schema
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { accessible } from "./accessible.js";
import { Browser } from "./browser.js";
import { Checks } from "./checks.js";
import { badge, cucumber, junit } from "./consumers.js";
import { figures } from "./figures.js";
import { Site, reading } from "./pages.js";

const { values } = parseArgs({
  options: {
    site: { type: "string" },
    many: { type: "string" },
    messages: { type: "string" },
    badge: { type: "string" },
    junit: { type: "string", multiple: true },
    shots: { type: "string" },
    build: { type: "string" },
  },
});
for (const name of ["site", "many", "messages", "badge", "junit", "shots", "build"]) {
  if (!values[name]?.length) {
    console.error(`check.js: what is --${name}?`);
    process.exit(2);
  }
}
const shots = resolve(values.shots);
mkdirSync(shots, { recursive: true });

const checks = new Checks();
const browser = await Browser.launch(checks, shots);
try {
  const site = await Site.in(browser, resolve(values.site));
  for (const [name, part] of Object.entries(reading)) await checks.part(name, () => part(browser, site, checks));
  await checks.part("accessibility", () => accessible(browser, site, checks));
  await checks.part("figures", () => figures(browser, resolve(values.many), checks, values.build));
  await checks.part("Cucumber's viewer", () => cucumber(browser, resolve(values.messages), checks));
  await checks.part("a badge", () => badge(browser, resolve(values.badge), checks));
} finally {
  await browser.close();
}
await checks.part("JUnit", () => junit(values.junit, checks));
process.exit(checks.end(shots));
