/** Every quantity that crosses a boundary has a limit; these are the ones both ends must agree on. */

/** Largest gRPC message either end accepts, bytes. */
export const messageBytesMax = 4 * 1024 * 1024
/** Payload of one chunk of a transfer, bytes. At most this much is sent again after a cut. */
export const chunkBytesMax = 1024 * 1024
/** Canonical JSON of a signed study or round plan, bytes. */
export const planBytesMax = 1024 * 1024
/** A forward graph with its initializers, bytes (one protobuf cannot exceed 2 GB). */
export const graphBytesMax = 1024 * 1024 * 1024
/** Largest magnitude of a parameter that a study starts from. */
export const initialParameterMax = 1e4
/** One object of any kind (parameters, a sealed update), bytes. */
export const objectBytesMax = 64 * 1024 * 1024 * 1024
/** Rounds of one run. */
export const roundsMax = 100_000
/** Sites in one cohort (the Shamir index is one byte). */
export const cohortMax = 255
/** Attempts of one round of statistics or evaluation, the first included. */
export const attemptsMax = 16
/** Enrolled sites of a federation, as the roster lists them. */
export const rosterSitesMax = 10_000
/** Rotations of the coordinator's key. */
export const keyRotationsMax = 1000
/** Entries of one run's event log. */
export const logSizeMax = 2 ** 40
/** Hashes in one proof about a log of that size, with room to spare (RFC 6962, sections 2.1.1 and 2.1.2). */
export const proofHashesMax = 64
/** Vectors that one site uploads to a secure round. */
export const secureVectorsMax = 4
/** What a site advertises, bytes. */
export const advertisedBytesMax = 256
/** Changes of the partners of one study, and the canonical JSON of one, bytes. */
export const partnerChangesMax = 1000
export const partnerChangeBytesMax = 128 * 1024
/** Sites whose ledgers one site tells of at once. */
export const knownLedgersMax = 1000
/** Heads of the coordinator's log, and revocations, that travel in one message: the newest. */
export const knownHeadsMax = 200
export const revocationsMax = 1000
/** Recoveries of one coordinator. */
export const recoveriesMax = 1000
/** Studies and purposes that one site tells at once it takes no part in. */
export const standsOutMax = 1000
/** The sum of a round that travels with the request to verify it, bytes; a longer one is fetched. */
export const sumInlineBytesMax = 64 * 1024
/** The uploads of a round that travel with the request to verify their sum, all together, bytes; longer ones are not replayed. */
export const replayBytesMax = 1024 * 1024
/** How long a join code may be good, minutes, and how long it is where nobody says. */
export const joinCodeMinutesMax = 30 * 24 * 60
export const joinCodeMinutesDefault = 24 * 60
/** A reason or message in a log event or a refusal, characters. */
export const reasonCharactersMax = 500

/** Of the nonce that tells one control stream from another. */
export const streamNonceBytes = 16
/** Streams of its own that a hello names. */
export const earlierStreamsMax = 16

/** How long a site may work for one round in all, however much progress it tells of; milliseconds. */
export const workWholeMs = 24 * 60 * 60 * 1000
