/** Objects in memory keep the contract. */
import { openMemoryObjectStore } from '../../../coordinator/store/memory-object-store.ts'
import { objectStoreContract } from './object-store.contract.ts'

objectStoreContract('objects in memory', async () => openMemoryObjectStore())
