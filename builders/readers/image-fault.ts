import { BuildError } from "../contract/build-failure.ts";

/** A fault of an image's content, with its place: BuildError OutputInvalid. */
export function imageFault(name: string, offset: number, message: string, cause?: unknown): BuildError {
  return new BuildError(
    {
      code: "OutputInvalid",
      step: "inspect",
      message: `${name}, byte ${offset}: ${message}`,
      remedy: "the image is damaged, cut off or of a kind that imgrel does not make: build it again",
    },
    cause === undefined ? {} : { cause },
  );
}

/** Whether an error says that content is not what its format asks for. */
export const isImageFault = (error: unknown): error is BuildError =>
  error instanceof BuildError && error.failure.code === "OutputInvalid";
