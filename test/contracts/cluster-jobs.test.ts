import { fakeClusterJobs } from "../fakes/cluster-jobs.ts";
import { clusterJobsContract } from "./cluster-jobs-contract.ts";

clusterJobsContract("the fake", async () => {
  const { cluster } = fakeClusterJobs(() => ({ kind: "exit", code: 0 }));
  return { cluster, settings: {} };
});
