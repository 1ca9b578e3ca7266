/** The event log in memory keeps the contract. */
import { openMemoryEventLog } from '../../../coordinator/store/memory-event-log.ts'
import { eventLogContract } from './event-log.contract.ts'

eventLogContract('the event log in memory', async () => openMemoryEventLog())
