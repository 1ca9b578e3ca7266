/** Reads `study.yaml`, the file in which a research lead writes a study. */
import { planBytesMax } from '../limits.ts'
import { readYamlFile } from '../yaml-file.ts'
import { type Study, studySchema } from './study.ts'

/** The study in the bytes of a file, defaults filled in; throws `invalid-study` or `limit-exceeded`. */
export function readStudyFile(bytes: Uint8Array, fileName: string): Study {
  return readYamlFile({
    name: fileName,
    bytes,
    bytesMax: planBytesMax,
    schema: studySchema,
    code: 'invalid-study',
  })
}
