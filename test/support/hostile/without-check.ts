/**
 * A build of the site agent without one check, for the control of an attack: in a test that mocks a module by
 * {@link switchable}, the named check of it is not made while {@link withoutCheck} runs. Agents run in the test's process.
 */
const build = { isWithout: false }

/** Of a function that only throws or returns. */
export function switchable<Module extends object>(module: Module, name: keyof Module): Module {
  const check = module[name] as (...of: unknown[]) => void
  const switched = (...of: unknown[]) => {
    if (!build.isWithout) check(...of)
  }
  return { ...module, [name]: switched }
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
