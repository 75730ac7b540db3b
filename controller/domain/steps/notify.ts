import { reached, type Step } from "../step.ts";

/** The class names no platform, so nobody is told. */
export const notify: Step = () => reached("NotConfigured", "the class names no platform to tell");
