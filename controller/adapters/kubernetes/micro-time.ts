/** A moment as Leases and Events write it (MicroTime: RFC 3339 with six digits of a second). */
export const microTime = (moment: Date): string => moment.toISOString().replace("Z", "000Z");
