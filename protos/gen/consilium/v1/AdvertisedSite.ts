// Original file: secagg.proto


export interface AdvertisedSite {
  'index'?: (number);
  'body'?: (Buffer | Uint8Array | string);
  'signature'?: (Buffer | Uint8Array | string);
}

export interface AdvertisedSite__Output {
  'index': (number);
  'body': (Buffer);
  'signature': (Buffer);
}
