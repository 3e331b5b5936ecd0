import { inspect, isDeepStrictEqual } from "node:util";

const brief = (value) => inspect(value, { breakLength: Infinity, maxStringLength: 300, maxArrayLength: 8, depth: 4 });

// Checks are told as they are made, a line each.
export class Checks {
  #made = 0;
  #failed = 0;

  // equal checks that what was found is what was expected.
  equal(what, expected, found) {
    this.#tell(isDeepStrictEqual(found, expected), what, brief(expected), brief(found));
  }

  // that checks whatever else: expected says it in words.
  that(holds, what, expected, found) {
    this.#tell(holds, what, expected, brief(found));
  }

  // part is a group of checks. One that cannot go on does not keep the others from being made.
  async part(name, make) {
    console.log(`\n${name}`);
    try {
      await make();
    } catch (error) {
      this.#tell(false, `${name} can be looked at to its end`, "no error", error.message.trim());
    }
  }

  // end tells what came of all, and returns the exit status.
  end(shots) {
    console.log(`\n${this.#made - this.#failed} passed, ${this.#failed} failed`);
    console.log(`pictures are in ${shots}`);
    return this.#failed > 0 || this.#made === 0 ? 1 : 0;
  }

  #tell(holds, what, expected, found) {
    this.#made++;
    if (!holds) this.#failed++;
    console.log(`  ${holds ? "✓" : "✗"} ${what}: expected ${expected}, found ${found}`);
  }
}
