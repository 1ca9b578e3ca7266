/** Runs one piece of work with the admin client of a home folder, and closes the client however it ends. */
import type { AdminClient } from './admin-client.ts'

export async function withAdmin<Result>(home: string, work: (admin: AdminClient) => Promise<Result>): Promise<Result> {
  const { connectAdmin } = await import('./admin-client.ts')
  const admin = await connectAdmin(home)
  try {
    return await work(admin)
  } finally {
    admin.close()
  }
}
