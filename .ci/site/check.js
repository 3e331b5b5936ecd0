// Looks at the pages that podchain docs has made as a user would, in Debian's Chromium.
//
//   node check.js SITE MESSAGES.ndjson SCREENSHOTS
//
// SITE has to hold a recorded scenario that failed. Exit status 1 and a list of what is
// wrong, if anything is.
import { createReadStream, createWriteStream, mkdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { finished } from "node:stream/promises";
import { pathToFileURL } from "node:url";
import { CucumberHtmlStream } from "@cucumber/html-formatter";
import { chromium } from "playwright-core";

const [site, messages, shots] = process.argv.slice(2).map((path) => resolve(path));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const faults = [];
const fault = (text) => faults.push(text);
const at = (path) => pathToFileURL(join(site, path)).href;
mkdirSync(shots, { recursive: true });

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

// open opens a page in a context of its own, where whatever it should not do is noted.
async function open(name, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && fault(`${name}: console: ${message.text()}`));
  page.on("pageerror", (error) => fault(`${name}: ${error}`));
  page.on("request", (request) => /^(file|data):/.test(request.url()) || fault(`${name}: asks for ${request.url()}`));
  await page.goto(url);
  return page;
}

async function accessible(name, page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  for (const { id, help, nodes } of violations) fault(`${name}: ${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html).join(" ")}`);
}

const check = (name, holds, says) => holds || fault(`${name}: ${says}`);

// The pages, as they look on a screen, in the dark, on a telephone.
const front = await open("front", at("index.html"));
const timelines = await front.$$eval('main a[href^="timeline/"]', (links) => links.map((link) => link.getAttribute("href")));
check("front", timelines.length > 0, "no recorded scenario is shown");
const pages = { front: "index.html", chain: "link/chain.html", scheduler: "link/scheduler.html", comparison: "compare.html", timeline: timelines.at(-1) };
const looks = {
  light: {},
  dark: { colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
};
for (const [name, path] of Object.entries(pages)) {
  for (const [look, options] of Object.entries(looks)) {
    const title = `${name}, ${look}`;
    const page = await open(title, at(path), options);
    await accessible(title, page);
    const [wide, wanted] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    check(title, wide <= wanted, `it is ${wide} px wide on a screen of ${wanted}`);
    await page.screenshot({ path: join(shots, `${name}-${look}.png`) });
    await page.context().close();
  }
}
check("front", statSync(join(site, "index.html")).size < 300_000, "it is over 300 kB");
const paint = await front.evaluate(() => new Promise((done) =>
  new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime)).observe({ type: "paint", buffered: true })));
check("front", paint < 500, `the first paint took ${Math.round(paint)} ms`);

// By the picture to a link, by the keyboard to a requirement.
await front.click("svg.chain a[href='link/scheduler.html']");
check("navigation", front.url().endsWith("link/scheduler.html"), `the picture leads to ${front.url()}`);
await front.keyboard.press("/");
await front.keyboard.type("rs-07");
await front.waitForSelector("#found a");
check("search", (await front.textContent("#found a")).startsWith("RS-07"), "an id is not the first that is found");
await front.fill("#q", "label selector scheduler");
await front.fill("#q", "nodeselector");
await front.waitForFunction(() => document.querySelector("#found a")?.textContent.includes("SCHED-08"));
await front.fill("#q", "no such thing");
await front.waitForFunction(() => document.querySelector("#found")?.textContent.includes("Nothing is found"));
await front.fill("#q", "rs-07");
await front.waitForSelector("#found a");
await front.keyboard.press("Tab");
await front.keyboard.press("Enter");
await front.waitForURL(/link\/replicaset-controller\.html#RS-07$/);

// What a failure looks like, and what was written.
const failed = await open("timeline", at(timelines.at(-1)));
check("timeline", (await failed.$$("svg .step.failed")).length === 1, "the step that failed is not marked");
await failed.click("svg.sequence a:has(.write)");
check("timeline", await failed.evaluate(() => document.querySelector(location.hash).checkVisibility()), "a write does not open what it has changed");

// Without scripts everything can still be read.
const still = await open("without scripts", at(timelines.at(-1)), { javaScriptEnabled: false });
check("without scripts", (await still.$$("svg.sequence .write")).length > 0, "the diagram is not there");
const compared = await open("comparison", at("compare.html"));
await compared.click("details summary");
check("comparison", (await compared.$$(".verdict-table")).length > 0, "there is no table");

// The run in Cucumber's own viewer.
const page = join(shots, "cucumber.html");
const html = new CucumberHtmlStream();
const file = createWriteStream(page);
html.pipe(file);
for await (const line of createInterface({ input: createReadStream(messages) })) html.write(JSON.parse(line));
html.end();
await finished(file);
const cucumber = await open("cucumber", pathToFileURL(page).href);
await cucumber.waitForFunction(() => /scenario/i.test(document.body.innerText) || document.querySelectorAll("[class*=scenario], [class*=statusIcon], svg").length > 5);
await cucumber.screenshot({ path: join(shots, "cucumber.png") });

await browser.close();
if (faults.length > 0) {
  console.error(faults.join("\n"));
  process.exit(1);
}
console.log(`${Object.keys(pages).length} pages looked at in ${Object.keys(looks).length} ways; pictures are in ${shots}`);
