/** The code of a Node.js error, such as ENOENT; empty for any other. */
export const errorCode = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

/** Whether a failed TLS handshake says that the server speaks plain http: OpenSSL met no record of TLS. */
export const speaksNoTls = (error: unknown): boolean => /^(EPROTO|ERR_SSL_)/.test(errorCode(error));

/** Whether a failed TLS handshake says that the server's certificate is not to be trusted. */
export const distrustsCertificate = (error: unknown): boolean =>
  /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|ERR_TLS_CERT_)/.test(errorCode(error));
