/** The code of a Node.js error, such as ENOENT; empty for any other. */
export const errorCode = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

/** Whether a failed TLS handshake says that the server speaks plain http: OpenSSL met no record of TLS. */
export const speaksNoTls = (error: unknown): boolean => /^(EPROTO|ERR_SSL_)/.test(errorCode(error));
