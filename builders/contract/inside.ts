/** Where things lie for a builder, in a sandbox as in a pod: the same paths, hence the same bytes. */
export const INSIDE = {
  work: "/w",
  out: "/w/out",
  logs: "/w/logs",
  in: "/in",
  blobs: "/in/blobs",
  request: "/in/request.json",
  artifact: "/in/artifact",
  project: "/imgrel",
  node: "/imgrel/bin/node",
} as const;

/** User and group of a boot, in a sandbox as in a pod; it must be able to write the work folder. */
export const BOOT_UID = 65532;

/**
 * The capabilities of a build, as bit numbers of linux/capability.h. Without FSETID a build succeeds with other bytes
 * (setgid bits are lost), so a missing one is as wrong as one too many.
 */
export const CAPABILITIES = {
  CHOWN: 0,
  DAC_OVERRIDE: 1,
  FOWNER: 3,
  FSETID: 4,
  SETGID: 6,
  SETUID: 7,
  SYS_CHROOT: 18,
  MKNOD: 27,
} as const;

/** Tells the builder how many days the clocks of its tools are ahead. */
export const CLOCK_VARIABLE = "IMGREL_CLOCK_OFFSET_DAYS";
