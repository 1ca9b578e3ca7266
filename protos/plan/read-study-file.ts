/** Reads `study.yaml`, the file in which a research lead writes a study. */
import { planBytesMax } from '../limits.ts'
import { readYamlFile } from '../yaml-file.ts'
import { type Study, type StudyDefaults, studySchemaFor } from './study.ts'

/**
 * The study in the bytes of a file, defaults filled in, those of today but for what whoever signs it has of its own;
 * throws `invalid-study` or `limit-exceeded`.
 */
export function readStudyFile(bytes: Uint8Array, fileName: string, defaults: StudyDefaults = {}): Study {
  return readYamlFile({
    name: fileName,
    bytes,
    bytesMax: planBytesMax,
    schema: studySchemaFor(defaults),
    code: 'invalid-study',
  })
}
