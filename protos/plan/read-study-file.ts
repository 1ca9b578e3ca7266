/** Reads `study.yaml`, the file in which a research lead writes a study. */
import { planBytesMax } from '../limits.ts'
import { readYamlFile } from '../yaml-file.ts'
import { type Study, studySchemaFor } from './study.ts'

/**
 * The study in the bytes of a file, defaults filled in, for so many sites as are enrolled where it does not say for how many;
 * throws `invalid-study` or `limit-exceeded`.
 */
export function readStudyFile(bytes: Uint8Array, fileName: string, enrolled?: number): Study {
  return readYamlFile({
    name: fileName,
    bytes,
    bytesMax: planBytesMax,
    schema: studySchemaFor(enrolled),
    code: 'invalid-study',
  })
}
