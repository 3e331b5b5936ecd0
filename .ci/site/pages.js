// What a reader does with the pages of podchain docs.

const desk = {};
const dark = { colorScheme: "dark" };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const withoutScripts = { javaScriptEnabled: false };

// Site is a directory of pages, with the paths of those that are looked at.
export class Site {
  static async in(browser, directory) {
    const site = new Site();
    site.directory = directory;
    const [passed, failed] = await browser.open("all timelines", directory, "timelines.html", desk, (page) =>
      Promise.all([".passed", ".failed"].map((verdict) => page.locator(`main li:has(> ${verdict}) a`).first().getAttribute("href"))));
    site.pages = {
      "front": "index.html",
      "link page": "link/replicaset-controller.html",
      "comparison": "compare.html",
      "timeline, passed": passed,
      "timeline, failed": failed,
    };
    return site;
  }
}

// here is where a page is, below the site.
const here = (page) => page.url().split("/").slice(-2).join("/");

// inView tells whether the top of an element is on the screen.
const inView = (locator) => locator.evaluate((element) => {
  const { top } = element.getBoundingClientRect();
  return element.checkVisibility() && top >= 0 && top < innerHeight;
});

// focused describes the element that has the focus, with whether that can be seen.
const focused = (page) => page.evaluate(() => {
  const element = document.activeElement;
  const { top, bottom, left, right, width } = element.getBoundingClientRect();
  const style = getComputedStyle(element);
  return {
    name: `${element.tagName.toLowerCase()}${element.id && `#${element.id}`} ${(element.ariaLabel ?? element.textContent).trim().slice(0, 40)}`,
    href: element.getAttribute("href"),
    inMain: document.querySelector("main").contains(element),
    inFound: document.getElementById("found").contains(element),
    end: element === document.body,
    seen: width > 0 && right > 0 && left < innerWidth && bottom > 0 && top < innerHeight && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
  };
});

const results = (page) => page.locator("#found li");
const said = (page) => page.locator("#found [role=status]");

// search types into the empty search field and waits for the answer.
async function search(page, text) {
  await page.locator("#q").fill("");
  await page.waitForFunction(() => document.querySelector("#found [role=status]").textContent === "");
  await page.keyboard.type(text);
  await page.waitForFunction(() => document.querySelector("#found [role=status]").textContent !== "");
}

async function navigation(browser, { directory }, checks) {
  await browser.open("from page to page", directory, "index.html", desk, async (page) => {
    await page.locator('svg.chain a[href="link/replicaset-controller.html"] rect').click();
    await page.waitForURL(/link\/replicaset-controller\.html$/);
    checks.equal("a click on a link in the picture opens its page", "The replicaset-controller", await page.locator("h1").textContent());
    await page.locator('nav.contents a[href="#RS-07"]').click();
    checks.equal("the contents lead to a requirement", "link/replicaset-controller.html#RS-07", here(page));
    checks.equal("the requirement is on the screen", true, await inView(page.locator("#RS-07")));
    const timeline = page.locator('#RS-07 .verdicts a[href*="timeline/"]').first();
    const href = await timeline.getAttribute("href");
    await timeline.click();
    checks.equal("a verdict leads to the timeline of what was observed", href.replace("../", ""), here(page));
    checks.equal("the timeline has its diagram", 1, await page.locator("svg.sequence").count());
    await page.locator('main a[href$="#RS-07"]').first().click();
    checks.equal("the timeline leads to its requirement", "link/replicaset-controller.html#RS-07", here(page));
    const way = [];
    for (let back = 0; back < 4; back++) {
      await page.goBack();
      way.push(here(page).replace(/^.*\/index/, "index"));
    }
    checks.equal("and back, page by page", [href.replace("../", ""), "link/replicaset-controller.html#RS-07", "link/replicaset-controller.html", "index.html"], way);
  });
}

async function searching(browser, { directory }, checks) {
  await browser.open("search", directory, "index.html", desk, async (page) => {
    await page.keyboard.press("/");
    checks.equal("/ leads into the search", "q", await page.evaluate(() => document.activeElement.id));
    await search(page, "rs-07");
    checks.that((await results(page).first().textContent()).startsWith("RS-07"), "an id is the first that is found", "RS-07 …", await results(page).first().textContent());
    await search(page, "pod replaced");
    const texts = await results(page).allTextContents();
    checks.that(texts.some((text) => text.startsWith("RS-07")), "words of a sentence, in any order, find it", "RS-07 among them", texts);
    checks.equal("it says how many are found", `${texts.length} requirements:`, await said(page).textContent());
    await browser.picture(page, "search");
    await search(page, "pod");
    checks.that(/^\d+ requirements, the first 50:$/.test(await said(page).textContent()) && await results(page).count() === 50,
      "of many, the first are shown", "N requirements, the first 50:", await said(page).textContent());
    await search(page, "no such thing");
    checks.equal("it says when nothing is found", ["Nothing is found.", 0], [await said(page).textContent(), await results(page).count()]);

    await search(page, "rs-07");
    await page.keyboard.press("Tab");
    checks.equal("Tab leads to the first result", [true, true], await focused(page).then(({ inFound, seen }) => [inFound, seen]));
    await page.keyboard.press("Enter");
    await page.waitForURL(/RS-07$/);
    checks.equal("Enter opens it", "link/replicaset-controller.html#RS-07", here(page));

    await page.keyboard.press("/");
    await search(page, "rs-05");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForURL(/RS-05$/);
    checks.equal("a result on the page that is open is on the screen, and the results are gone", [true, 0], [await inView(page.locator("#RS-05")), await results(page).count()]);

    await page.keyboard.press("/");
    await search(page, "rs-07");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Escape");
    checks.equal("Escape clears the search and stays in it", ["", 0, "", "q"],
      [await page.locator("#q").inputValue(), await results(page).count(), await said(page).textContent(), await page.evaluate(() => document.activeElement.id)]);
  });
}

async function timelines(browser, { directory, pages }, checks) {
  const opens = async (name, page, act) => {
    const write = page.locator("svg.sequence a:has(.write)").filter({ hasText: "create ReplicaSet" }).first();
    const target = page.locator(await write.getAttribute("href"));
    checks.equal(`${name}: at first what was changed is folded`, false, await target.isVisible());
    await act(write);
    await target.waitFor({ state: "visible" });
    checks.equal(`${name}: a write opens what it changed, on the screen`, true, await inView(target));
    checks.that((await target.locator("tr").allTextContents()).some((row) => /^\s*kind\s*"ReplicaSet"/.test(row)),
      `${name}: it is that object`, 'kind "ReplicaSet"', await target.locator("tr").first().textContent());
  };
  const click = (write) => write.locator(".hit").click();
  const enter = async (write) => {
    await write.focus();
    await write.press("Enter");
  };
  await browser.open("timeline, passed", directory, pages["timeline, passed"], desk, async (page) => {
    const lanes = await page.locator(".lane-name").allTextContents();
    checks.that(["store", "api-server", "client", "deployment-controller", "replicaset-controller", "scheduler", "kubelet", "container runtime", "podchain's watch"].every((name) => lanes.includes(name)),
      "every party has its lane", "store, API server, client, links, container runtime, the suite's watch", lanes);
    const writes = await page.locator("svg .write").count();
    checks.that(writes > 8 && await page.locator("svg .write line:not(.watch)").count() === 2 * writes,
      "each write has an arrow to the API server, and one from there to the store", "two for each write, over 8 writes", writes);
    checks.equal("each write comes to the watch of the suite", writes, await page.locator("svg .write").filter({ has: page.locator("line.watch") }).count());
    const notified = await page.locator("svg .write").filter({ hasText: "create ReplicaSet" }).first().locator("line.watch").count();
    checks.that(notified >= 3, "who watches is notified: both controllers of a ReplicaSet that is created, and the suite", "at least 3 arrows", notified);
    const calls = await page.locator("svg .call text").allTextContents();
    checks.that(["RunPodSandbox", "CreateContainer", "StartContainer"].every((name) => calls.some((call) => call.startsWith(name))),
      "the kubelet's calls are there", "RunPodSandbox, CreateContainer, StartContainer", calls);
    checks.equal("each write has its changes below", writes, await page.locator("main details").count());
    await opens("by click", page, click);
    await browser.picture(page, "timeline-changes");
  });
  await browser.open("timeline, by keyboard", directory, pages["timeline, passed"], desk, (page) => opens("by keyboard", page, enter));
  await browser.open("timeline, without scripts", directory, pages["timeline, passed"], withoutScripts, (page) => opens("without scripts", page, click));
  await browser.open("timeline, failed", directory, pages["timeline, failed"], desk, async (page) => {
    const failed = await page.locator("svg .step.failed text").allTextContents();
    checks.that(failed.length === 1 && failed[0].startsWith("✗"), "the step that failed is marked, in words too", "one, with ✗", failed);
    checks.that((await page.locator("main > pre").textContent()).includes("The chain broke at the scheduler"), "the story is below", "The chain broke at the scheduler", await page.locator("main > pre").textContent());
  });
}

async function comparison(browser, { directory }, checks) {
  await browser.open("comparison", directory, "compare.html", desk, async (page) => {
    const headings = await page.locator("h2").allTextContents();
    checks.equal("differences come first", ["Where they differ", "Where they agree"], headings);
    const tables = page.locator(".verdict-table");
    const row = page.locator(".verdict-table tr", { hasText: "RS-07" });
    const marks = (await row.locator("td").allTextContents()).map((text) => text.trim());
    checks.that(marks.includes("✓") && marks.includes("✗"), "a requirement that differs is there with its verdicts", "✓ and ✗", marks);
    checks.equal("each run has its column", await page.locator(".runs li").count(), marks.length);
    const colours = await row.locator("td").evaluateAll((cells) => cells.map((cell) => getComputedStyle(cell).color));
    checks.equal("verdicts differ in colour as well", new Set(marks).size, new Set(colours).size);
    checks.equal("what is the same is folded", false, await tables.last().isVisible());
    await page.locator("h2 + details summary").click();
    await tables.last().waitFor({ state: "visible" });
    checks.equal("and unfolds", true, await tables.last().isVisible());
  });
}

async function looks(browser, { directory, pages }, checks) {
  const backgrounds = {};
  for (const [look, options] of Object.entries({ light: desk, dark, phone })) {
    for (const [name, path] of Object.entries(pages)) {
      await browser.open(`${name}, ${look}`, directory, path, options, async (page) => {
        await browser.picture(page, `${name.replace(", ", "-").replace(" ", "-")}-${look}`);
        if (look === "phone") {
          checks.that(await page.evaluate(() => document.documentElement.scrollWidth) <= 390, `${name}: nothing is beside a phone's screen`, "at most 390 px",
            await page.evaluate(() => document.documentElement.scrollWidth));
        } else {
          (backgrounds[name] ??= []).push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
        }
      });
    }
  }
  const brightness = (colour) => colour.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
  for (const [name, [bright, dim]] of Object.entries(backgrounds)) {
    checks.that(brightness(bright) > 600 && brightness(dim) < 160, `${name}: paper is bright, and dark for who wants it dark`, "a bright and a dark colour", [bright, dim]);
  }
}

async function keyboard(browser, { directory }, checks) {
  await browser.open("keyboard only", directory, "index.html", desk, async (page) => {
    await page.keyboard.press("Tab");
    const skip = await focused(page);
    checks.equal("the first Tab shows the way to the content", ["#main", true], [skip.href, skip.seen]);
    await page.keyboard.press("Enter");
    const stops = [];
    for (;;) {
      await page.keyboard.press("Tab");
      const stop = await focused(page);
      if (stop.end || stops.length > 500) break;
      stops.push(stop);
    }
    checks.that(stops.length > 0 && stops[0].inMain, "from there it goes on in the content", "an element in main", stops[0]?.name);
    checks.equal("wherever the focus is, it is seen", [], stops.filter(({ seen }) => !seen).map(({ name }) => name));
    const links = await page.locator("svg.chain a").evaluateAll((all) => all.map((link) => link.getAttribute("href")));
    checks.equal("every link in the picture is reached", [], links.filter((href) => !stops.some((stop) => stop.href === href)));
    await page.locator('svg.chain a[href="link/scheduler.html"]').focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/link\/scheduler\.html$/);
    checks.equal("and opened by Enter", "The scheduler", await page.locator("h1").textContent());
  });
}

// reading are the parts, by name.
export const reading = { navigation, "search": searching, "timelines": timelines, comparison, "light, dark, phone": looks, "keyboard only": keyboard };
