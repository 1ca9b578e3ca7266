// Original file: admin.proto


export interface ListSitesRequest {
}

export interface ListSitesRequest__Output {
}
