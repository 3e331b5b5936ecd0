import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// accessible has axe-core look at every kind of page, in light and in dark, with all
// that is folded unfolded, and at the results of a search.
export async function accessible(browser, { directory, pages }, checks) {
  for (const colorScheme of ["light", "dark"]) {
    for (const [name, path] of Object.entries(pages)) {
      await browser.open(`${name}, ${colorScheme}`, directory, path, { colorScheme }, async (page) => {
        if (name === "front") {
          await page.locator("#q").fill("pod");
          await page.locator("#found li").first().waitFor();
        }
        await page.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
        await page.evaluate(axe);
        const { violations, passes } = await page.evaluate(() => window.axe.run({ preload: false }));
        checks.equal(`${name}, ${colorScheme}: violations, by ${passes.length} rules that apply`, [],
          violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html).join(" ")}`));
        checks.that(passes.length > 10, `${name}, ${colorScheme}: axe-core has looked`, "more than 10 rules that apply", passes.length);
      });
    }
  }
}
