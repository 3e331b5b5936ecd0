import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

// A busy machine may be slow; nothing here waits for as long where it need not.
const patience = 120_000;

// Browser opens pages, each as if by a new user, and checks that it does nothing that a
// page from a disk should not do.
export class Browser {
  #chromium;
  #checks;
  #shots;

  constructor(chromium, checks, shots) {
    this.#chromium = chromium;
    this.#checks = checks;
    this.#shots = shots;
  }

  // launch starts Debian's Chromium; shots is the directory for pictures.
  static async launch(checks, shots) {
    const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync"];
    const started = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args, timeout: patience });
    return new Browser(started, checks, shots);
  }

  close() {
    return this.#chromium.close();
  }

  // open opens the page of a path (with a fragment, if it has one) below a directory,
  // lets use do what it wants there, and returns what that returns. Options are those
  // of a context of Playwright.
  async open(name, directory, path, options, use) {
    const context = await this.#chromium.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(patience);
    try {
      const page = await context.newPage();
      const wrong = watch(page, directory);
      const [file, fragment] = path.split("#");
      await page.goto(pathToFileURL(join(directory, file)).href + (fragment ? `#${fragment}` : ""));
      const result = await use(page);
      this.#checks.equal(`${name}: errors, and requests to anywhere but the site's own files`, [], wrong);
      return result;
    } finally {
      await context.close();
    }
  }

  // picture takes one of what is on the screen.
  picture(page, name) {
    return page.screenshot({ path: join(this.#shots, `${name}.png`), timeout: patience });
  }
}

// watch returns a list that what goes wrong on a page is added to.
function watch(page, directory) {
  const wrong = [];
  const own = pathToFileURL(directory).href + "/";
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && wrong.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("request", (request) => request.url().startsWith(own) || request.url().startsWith("data:") || wrong.push(`asks for ${request.url()}`));
  // A request is aborted when the reader goes on before a page is there.
  page.on("requestfailed", (request) => request.failure().errorText === "net::ERR_ABORTED" || wrong.push(`does not get ${request.url()}`));
  return wrong;
}
