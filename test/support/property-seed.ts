/** Property tests draw the same cases on every machine; FAST_CHECK_SEED names others to look further. */
import fc from 'fast-check'

fc.configureGlobal({ seed: Number(process.env.FAST_CHECK_SEED ?? 20_261_122) })
