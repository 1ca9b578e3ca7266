/**
 * A build of the site agent without one check, for the control of an attack: in a test that mocks the check's module by
 * {@link switchable}, it is not made while {@link withoutCheck} runs. Agents run in the test's process.
 */
const build: { without: PropertyKey | undefined } = { without: undefined }

/** `instead`: what a build without this function of the module does; nothing, where it only throws or returns. */
export function switchable<Module extends object, Name extends keyof Module>(
  module: Module,
  name: Name,
  instead: Module[Name] | undefined = undefined,
): Module {
  type Any = (...of: unknown[]) => unknown
  const [check, other] = [module[name], instead] as [Any, Any | undefined]
  const switched = (...of: unknown[]) => (build.without === name ? other?.(...of) : check(...of))
  return { ...module, [name]: switched }
}

/** What an attack comes to at sites that lack the check of this name. */
export async function withoutCheck<Result>(name: string, attack: () => Promise<Result>): Promise<Result> {
  build.without = name
  try {
    return await attack()
  } finally {
    build.without = undefined
  }
}
