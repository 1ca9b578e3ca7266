/**
 * Builds of the site agent without one check, for the control of an attack: in a test that mocks a module of checks by
 * {@link switchable}, none of them is made while {@link withoutCheck} runs. The agents run in the test's process.
 */
const build = { isWithout: false }

/** The module, whose functions only throw or return. */
export function switchable<Module extends object>(checks: Module): Module {
  const switched = Object.entries(checks).map(([name, check]) => [
    name,
    (...of: readonly unknown[]) => (build.isWithout ? undefined : check(...of)),
  ])
  return Object.fromEntries(switched) as Module
}

/** What an attack comes to at sites that lack the check. */
export async function withoutCheck<Result>(attack: () => Promise<Result>): Promise<Result> {
  build.isWithout = true
  try {
    return await attack()
  } finally {
    build.isWithout = false
  }
}
