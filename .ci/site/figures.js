import { statSync } from "node:fs";
import { join } from "node:path";

// A machine that is busy with something else may take so many times longer: what is
// beyond that is a defect. Of several turns the best is judged, since the others tell
// more of the machine than of the page; all are printed.
const slack = 12;

// figures measures the pages of a hundred runs.
export async function figures(browser, directory, checks, build) {
  const size = (path, limit) => {
    const { size: bytes } = statSync(join(directory, path));
    checks.that(bytes < limit, `size of ${path}`, `less than ${limit / 1000} kB`, `${(bytes / 1000).toFixed(1)} kB`);
  };
  const time = (what, milliseconds, target) => {
    const times = [milliseconds].flat();
    checks.that(Math.min(...times) < target * slack, what, `less than ${target} ms (a busy machine: ${target * slack} ms)`,
      times.map((time) => `${Math.round(time)} ms`).join(", "));
  };
  size("index.html", 300_000);
  size("compare.html", 1_000_000);
  time("the site is built", Number(build) * 1000, 5000);

  for (const [name, path] of Object.entries({ "the front": "index.html", "the comparison": "compare.html" })) {
    const paints = [];
    const loads = [];
    for (let turn = 0; turn < 3; turn++) {
      await browser.open(`${name} of a hundred runs`, directory, path, {}, async (page) => {
        const [paint, load] = await page.evaluate(firstPaint);
        paints.push(paint);
        loads.push(load);
        if (turn === 0) await browser.picture(page, `many-${path.replace(".html", "")}`);
      });
    }
    time(`first paint of ${name}`, paints, 500);
    time(`${name} is loaded`, loads, 1000);
  }
  await browser.open("search in twice the specification", directory, "index.html", {}, async (page) => {
    time("the first search, which reads the index", await page.evaluate(answer, "pod deleted replaced"), 200);
    time("a search", await page.evaluate(answer, "replaced"), 100);
    time("a search that finds very many", await page.evaluate(answer, "pod"), 100);
  });
}

// firstPaint returns when something was first seen of a page and when it was loaded, in
// milliseconds from when it was asked for.
const firstPaint = () => new Promise((done) => {
  new PerformanceObserver((list, observer) => {
    const paint = list.getEntriesByName("first-contentful-paint")[0];
    if (!paint) return;
    observer.disconnect();
    done([paint.startTime, performance.getEntriesByType("navigation")[0].loadEventEnd]);
  }).observe({ type: "paint", buffered: true });
});

// answer returns how long a search takes until its answer is there.
const answer = (words) => new Promise((done) => {
  const field = document.getElementById("q");
  const began = performance.now();
  new MutationObserver((_, observer) => {
    observer.disconnect();
    done(performance.now() - began);
  }).observe(document.querySelector("#found"), { childList: true, subtree: true, characterData: true });
  field.focus();
  field.value = words;
  field.dispatchEvent(new Event("input"));
});
