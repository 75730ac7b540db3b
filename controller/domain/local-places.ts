/** What a state folder of the local process holds besides its work (README): scripts may rely on these names. */
export const LOCAL_PLACES = {
  repository: "repository.git",
  registry: "registry",
  keys: "keys",
  policy: "policy.yaml",
} as const;
