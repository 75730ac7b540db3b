import { EXIT, type ExitCode } from "../../builders/contract/build-failure.ts";

/** `transient`: back off and retry; `resource`: retry with more; `permanent`: a person must act; `verdict`: final. */
export type FaultKind = "transient" | "resource" | "permanent" | "verdict";

const FAULTS = {
  Usage: { kind: "permanent", exit: EXIT.usage },
  SpecInvalid: { kind: "permanent", exit: EXIT.usage },
  NotFound: { kind: "permanent", exit: EXIT.missing },
  ToolMissing: { kind: "permanent", exit: EXIT.missing },
  InputMissing: { kind: "permanent", exit: EXIT.missing },
  InputDigestMismatch: { kind: "permanent", exit: EXIT.missing },
  StaleLock: { kind: "permanent", exit: EXIT.missing },
  ToolchainMismatch: { kind: "permanent", exit: EXIT.usage },
  KeyUnusable: { kind: "permanent", exit: EXIT.missing },
  SignatureInvalid: { kind: "permanent", exit: EXIT.failed },
  ArchiveUnavailable: { kind: "transient", exit: EXIT.missing },
  RepositoryUnusable: { kind: "permanent", exit: EXIT.missing },
  RepositoryUnavailable: { kind: "transient", exit: EXIT.missing },
  RegistryUnavailable: { kind: "transient", exit: EXIT.failed },
  RegistryDigestMismatch: { kind: "permanent", exit: EXIT.failed },
  RegistryRefused: { kind: "permanent", exit: EXIT.failed },
  Unauthorized: { kind: "permanent", exit: EXIT.failed },
  TagConflict: { kind: "permanent", exit: EXIT.failed },
  RecordInvalid: { kind: "permanent", exit: EXIT.failed },
  VersionReused: { kind: "permanent", exit: EXIT.usage },
  PushDeclined: { kind: "permanent", exit: EXIT.failed },
  DiskFull: { kind: "resource", exit: EXIT.failed },
  PushConflict: { kind: "transient", exit: EXIT.failed },
  OOMKilled: { kind: "resource", exit: EXIT.failed },
  DeadlineExceeded: { kind: "resource", exit: EXIT.failed },
  Evicted: { kind: "transient", exit: EXIT.failed },
  ImagePullFailed: { kind: "transient", exit: EXIT.failed },
  NameCollision: { kind: "permanent", exit: EXIT.failed },
  BuildFailed: { kind: "transient", exit: EXIT.failed },
  VerificationFailed: { kind: "verdict", exit: EXIT.failed },
  NotReproducible: { kind: "verdict", exit: EXIT.notReproducible },
  ManifestMismatch: { kind: "verdict", exit: EXIT.failed },
  ObjectExists: { kind: "permanent", exit: EXIT.failed },
  ObjectInvalid: { kind: "permanent", exit: EXIT.failed },
  ObjectConflict: { kind: "transient", exit: EXIT.failed },
  ClusterRefused: { kind: "permanent", exit: EXIT.failed },
  ClusterUnavailable: { kind: "transient", exit: EXIT.failed },
  VersionExpired: { kind: "transient", exit: EXIT.failed },
  QuotaFull: { kind: "transient", exit: EXIT.failed },
  LeaseLost: { kind: "transient", exit: EXIT.failed },
  Internal: { kind: "permanent", exit: EXIT.failed },
} as const satisfies Record<string, { kind: FaultKind; exit: ExitCode }>;

export type FaultCode = keyof typeof FAULTS;

type FaultOptions = ErrorOptions & {
  readonly retryAfter?: number | undefined;
  /** every attempt that there may be was made: only what a person changes brings another */
  readonly final?: boolean;
};

/** The one error that crosses module borders. `remedy` is one sentence: what to do or write instead. */
export class ReleaseError extends Error {
  readonly code: FaultCode;
  readonly remedy: string;
  /** milliseconds that the other side asks us to wait, if it does */
  readonly retryAfter: number | undefined;
  readonly final: boolean;
  constructor(code: FaultCode, message: string, remedy: string, options?: FaultOptions) {
    super(message, options);
    this.name = "ReleaseError";
    this.code = code;
    this.remedy = remedy;
    this.retryAfter = options?.retryAfter;
    this.final = options?.final ?? false;
  }
  /** Decides the requeue. */
  get kind(): FaultKind {
    const { kind } = FAULTS[this.code];
    return this.final && kind !== "verdict" ? "permanent" : kind;
  }
  /** What a command exits with. */
  get exitCode(): ExitCode {
    return FAULTS[this.code].exit;
  }
}
