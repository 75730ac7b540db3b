import { startKubernetesApi } from "../fakes/kubernetes-api.ts";
import { kubernetesApiContract } from "./kubernetes-api-contract.ts";

kubernetesApiContract("the fake", async () => {
  const api = await startKubernetesApi();
  return {
    connection: { server: api.url, tls: {}, headers: async () => ({}), namespace: "default" },
    forget: async () => api.compact(),
    end: async () => api[Symbol.asyncDispose](),
  };
});
