/** Bytes that are no messages. */

/** What a stream gets, and how it ends. */
export type FrameLie = { readonly bytes: () => Buffer; readonly ends: string }
